//go:build !linux && !windows

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
)

func whoElse(string, fs.FileInfo, position) (string, error) { return "", errSystem() }

func runFamily(*exec.Cmd) error { return errSystem() }

// errSystem is the answer to everything: who may change a file was looked at on no other system.
func errSystem() error {
	return fmt.Errorf("run a command on %s: %w: run the agent on Windows or Linux", runtime.GOOS, errors.ErrUnsupported)
}
