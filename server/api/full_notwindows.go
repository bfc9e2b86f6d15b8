//go:build !windows

package api

import (
	"errors"
	"syscall"
)

// diskFull reports whether something failed for want of room on the server's disk.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
