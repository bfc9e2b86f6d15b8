package install

import (
	"os"
	"path/filepath"
)

// Beside is the folder beside the installation at dir in which everything lies that belongs to an update.
func Beside(dir string) string { return filepath.Join(filepath.Dir(dir), ".lull-"+filepath.Base(dir)) }

// ProtectedFolder creates a folder that only the service may enter. One that is there is made so if it belongs to the
// service; a link, or a folder that another user could have made, is ErrInsecure.
func ProtectedFolder(name string) error { return protectedFolder(name) }

// Begun reports whether there is such a folder: only then may Recover have anything to do.
func Begun(dir string) bool {
	_, err := os.Lstat(Beside(dir))
	return err == nil
}
