package observe

import (
	"errors"
	"syscall"
)

// isNotDir reports whether an error means that a component of a path is no folder. Windows says the same of a path whose
// parent is missing (ERROR_PATH_NOT_FOUND), and of a drive that is not there or a name that cannot exist.
func isNotDir(err error) bool {
	const (
		errorNotReady    = syscall.Errno(21)
		errorInvalidName = syscall.Errno(123)
	)
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, errorNotReady) || errors.Is(err, errorInvalidName)
}
