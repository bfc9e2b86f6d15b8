package install

import (
	"os"
	"path/filepath"
)

// Beside is the folder beside the installation at dir in which everything lies that belongs to an update.
func Beside(dir string) string { return filepath.Join(filepath.Dir(dir), ".lull-"+filepath.Base(dir)) }

// Begun reports whether there is such a folder: only then may Recover have anything to do.
func Begun(dir string) bool {
	_, err := os.Lstat(Beside(dir))
	return err == nil
}
