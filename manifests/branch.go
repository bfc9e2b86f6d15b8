package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	lockPatience = 2 * time.Second       // git holds the lock of a branch for milliseconds
	lockRetry    = 20 * time.Millisecond // between two attempts
	lockStale    = time.Minute           // a lock as old as this was left behind by a power cut
)

// moveBranch sets the branch main from one commit to the next, or returns ErrConflict if it stands elsewhere. It takes
// the same lock file as git, so that a push at the same moment is never lost, and replaces the file whole, which go-git
// does not.
func moveBranch(dir string, from, to plumbing.Hash) error {
	file := filepath.Join(dir, filepath.FromSlash(string(branch)))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	lock, err := lockFile(file + ".lock")
	if err != nil {
		return err
	}
	_, err = lock.WriteString(to.String() + "\n")
	err = errors.Join(err, lock.Sync(), lock.Close())
	if err == nil {
		err = standsAt(dir, from)
	}
	if err == nil {
		err = os.Rename(lock.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(lock.Name()))
	}
	return syncPath(filepath.Dir(file))
}

// standsAt checks where the branch is, while it is locked.
func standsAt(dir string, want plumbing.Hash) error {
	s, err := openStorage(dir)
	if err != nil {
		return err
	}
	ref, err := s.Reference(branch)
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound) && want.IsZero():
		return nil
	case err != nil:
		return err
	case ref.Hash() != want:
		return ErrConflict
	}
	return nil
}

func lockFile(name string) (*os.File, error) {
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(lockRetry) {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > lockStale {
			_ = os.Remove(name) // if it fails, the next attempt to make it fails, too
			continue
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s is there: another program writes to this repository, or died: the lock is ignored after %s", name, lockStale)
		}
	}
}
