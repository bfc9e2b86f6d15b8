//go:build !windows

package durable

import (
	"errors"
	"os"
)

func rename(from, to string) error { return os.Rename(from, to) }

// SyncFolder flushes the names in a folder.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
