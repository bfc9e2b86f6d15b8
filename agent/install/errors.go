package install

import (
	"errors"
	"fmt"
	"strings"

	"lull/schema"
)

// Errors that callers tell apart.
var (
	ErrLocked          = errors.New("another agent works on this installation: stop one of the two")
	ErrNotStaged       = errors.New("no complete release is staged: stage one first")
	ErrUnfinished      = errors.New("an earlier update is not finished: recover first")
	ErrInsecure        = errors.New("this must be a folder that belongs to the service alone: remove it")
	ErrGateUnavailable = errors.New("this system does not keep a program from starting while it is held open")
	ErrStagingChanged  = errors.New("the staged tree is no longer what was verified: it was given up and must be staged again")
	ErrSettle          = errors.New("too much user data changed just before the swap: try again when it is quiet")
)

// BusyError means that somebody uses the client; nothing was changed.
type BusyError struct {
	Path string // the program that runs, if the gate found it
	Err  error  // what the system or the scanner said
}

func (e *BusyError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("in use: %v", e.Err)
	}
	return fmt.Sprintf("in use: %s: %v", e.Path, e.Err)
}

func (e *BusyError) Unwrap() error { return e.Err }

// FileLockedError means that something other than the client, such as a virus scanner or a backup, held a file for
// longer than a swap may wait; the installation is as before.
type FileLockedError struct {
	Path string
	Err  error
}

func (e *FileLockedError) Error() string {
	return fmt.Sprintf("%s is held by another program: %v: find it, or wait for the next attempt", e.Path, e.Err)
}

func (e *FileLockedError) Unwrap() error { return e.Err }

// NoSpaceError means that the volume of the installation is too full to stage a release.
type NoSpaceError struct {
	Need, Available int64 // bytes
}

func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("%d bytes are needed beside the installation and %d are free: make room", e.Need, e.Available)
}

// ForeignFilesError means that the installation holds files that neither its release nor its user data explain.
type ForeignFilesError struct {
	Paths []string // at most maxListed of them
	Count int      // all of them
}

// maxListed bounds the paths in one error: enough to understand, few enough for a status message.
const maxListed = 20

func foreignFiles(paths []string) error {
	return &ForeignFilesError{Paths: paths[:min(len(paths), maxListed)], Count: len(paths)}
}

func (e *ForeignFilesError) Error() string {
	return fmt.Sprintf("%d files belong neither to the release nor to keep: %s: keep or remove them",
		e.Count, strings.Join(e.Paths, ", "))
}

// RefusedError means that a release cannot be installed as its index describes it.
type RefusedError struct {
	Version schema.Version
	Why     string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("release %s refused: %s: add the release anew", e.Version, e.Why)
}

// CheckFailedError means that the new tree did not pass its check and that the old one is back. The caller notes that
// the release is bad here and then calls Discard.
type CheckFailedError struct {
	Version schema.Version
	Why     string
}

func (e *CheckFailedError) Error() string {
	return fmt.Sprintf("release %s did not pass its check and was taken back: %s", e.Version, e.Why)
}
