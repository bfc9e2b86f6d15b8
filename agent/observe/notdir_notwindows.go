//go:build !windows

package observe

import (
	"errors"
	"syscall"
)

// isNotDir reports whether an error means that a component of a path is no folder.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
