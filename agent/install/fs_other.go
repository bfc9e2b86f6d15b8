//go:build !linux && !windows

package install

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

const (
	programMagic   = "\x00\x00\x00\x00"
	removeHeldLock = false
)

// errSystem is the answer to everything: no gate was proven on this system.
func errSystem() error {
	return fmt.Errorf("install on %s: %w: run the agent on Windows or Linux", runtime.GOOS, errors.ErrUnsupported)
}

func programByName(entry) bool { return true }

func isRunning(error) bool { return false }

func isSharing(error) bool { return false }

func isFull(error) bool { return false }

func (system) hold(place) (held, error) { return nil, errSystem() }

func (system) exchanges(string) bool { return false }

func (system) exchange(string, string) error { return errSystem() }

func (system) like(place, string, bool) error { return errSystem() }

func clone(*os.File, *os.File) error { return errSystem() }

func freeSpace(string) (int64, error) { return 0, errSystem() }

func identify(string) (identity, error) { return identity{}, errSystem() }

func stampOf(string) (stamp, error) { return stamp{}, errSystem() }

func protectedFolder(string) error { return errSystem() }
