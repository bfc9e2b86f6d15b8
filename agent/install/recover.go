package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lull/schema"
)

// Todo is the call with which an update goes on.
type Todo string

// What may come after Recover.
const (
	TodoNothing Todo = "nothing" // no update is on its way
	TodoSwap    Todo = "swap"    // a verified tree is staged
	TodoCheck   Todo = "check"   // the new tree is installed and must prove itself
	TodoDiscard Todo = "discard" // the old tree is installed again: note that the release is bad here, then discard it
)

// Outcome says where an installation stands. It is whole in each case.
type Outcome struct {
	Todo     Todo
	Version  schema.Version // of the release that the update is about
	Undone   bool           // an interrupted swap was undone just now
	Replaced bool           // somebody else has replaced the installation; the update was dropped, user data kept aside
	Failure  string         // with TodoDiscard: why the release was taken back
}

// Recover is the first call after Open: it leads whatever an earlier attempt left, in whichever step it was cut off,
// to a whole old or a whole new tree, and deletes what is not needed any more. A *BusyError means that a release that
// failed its check could not be taken back yet, because somebody uses it.
func (i *Installation) Recover(ctx context.Context) (Outcome, error) {
	j, err := i.load()
	if err != nil {
		return Outcome{}, err
	}
	if j == nil {
		return Outcome{Todo: TodoNothing}, errors.Join(i.tidy(), i.removeExpired())
	}
	o, err := i.recover(ctx, j)
	o.Version = j.target.Version
	if err != nil {
		return o, fmt.Errorf("recover the update to %s: %w", j.target.Version, spaceError(i.staging, err))
	}
	return o, nil
}

func (i *Installation) recover(ctx context.Context, j *journal) (Outcome, error) {
	if i.replaced(j) {
		return Outcome{Todo: TodoNothing, Replaced: true}, i.drop(j)
	}
	before := j.State
	limited, cancel := context.WithTimeout(ctx, undoLimit)
	defer cancel()
	if err := i.lead(limited, j); err != nil {
		return Outcome{}, err
	}
	if j.State == reverting {
		if err := i.revert(ctx, j); err != nil {
			return Outcome{}, err
		}
	}
	switch j.State {
	case staged:
		return i.recoverStaged(j, before != staged)
	case committed:
		return Outcome{Todo: TodoNothing}, i.finish(j, j.Old, j.baseline)
	case reverted:
		return Outcome{Todo: TodoDiscard, Failure: j.Failure}, nil
	}
	return Outcome{Todo: TodoCheck}, nil
}

// recoverStaged drops a staged tree that does not belong to what is installed.
func (i *Installation) recoverStaged(j *journal, undone bool) (Outcome, error) {
	if !i.at(i.beside(newName), j.New) {
		return Outcome{Todo: TodoNothing, Undone: undone}, i.forget()
	}
	return Outcome{Todo: TodoSwap, Undone: undone}, nil
}

// lead brings the installation from wherever an interrupted step left it to a whole tree, and the journal to the state
// that says which. It decides by identity alone.
func (i *Installation) lead(ctx context.Context, j *journal) error {
	switch {
	case j.State == staged, j.State == committed, j.State == reverted: // no step was under way that moves a tree
		return nil
	case i.at(i.dir, j.New):
		return i.leadNew(ctx, j)
	}
	if err := i.home(ctx, j.Old); err != nil {
		return err
	}
	return i.leadOld(ctx, j)
}

// leadNew is the end of lead where the new tree is installed. One that is being taken back is usable until it can be.
func (i *Installation) leadNew(ctx context.Context, j *journal) error {
	if err := i.unfence(ctx, i.dir, j.NewFenced); err != nil || j.State == reverting || j.State == checking {
		return err
	}
	return i.enter(j, checking)
}

// leadOld is the end of lead where the old tree is installed.
func (i *Installation) leadOld(ctx context.Context, j *journal) error {
	if err := i.unfence(ctx, i.dir, j.OldFenced); err != nil {
		return err
	}
	if j.State == reverting {
		return i.enter(j, reverted)
	}
	if path, ok := i.locate(j.New); ok {
		if err := i.unfence(ctx, path, j.NewFenced); err != nil {
			return err
		}
		if path != i.beside(newName) {
			if err := i.insist(ctx, i.fs.move, path, i.beside(newName)); err != nil {
				return err
			}
		}
	}
	j.OldFenced, j.NewFenced = nil, nil
	return i.enter(j, staged)
}

// home puts a tree back to where the client is installed, if nothing is there.
func (i *Installation) home(ctx context.Context, id identity) error {
	if i.at(i.dir, id) {
		return nil
	}
	if _, err := os.Lstat(i.dir); !errors.Is(err, fs.ErrNotExist) {
		return err // another tree is installed; the caller looks which
	}
	path, ok := i.locate(id)
	if !ok {
		return fmt.Errorf("%s is gone and its tree is not in %s: install the client anew", i.dir, i.staging)
	}
	return i.insist(ctx, i.fs.move, path, i.dir)
}

// replaced reports whether somebody else has put another tree in the place of the journal's two, or has removed the
// installation in a state in which the engine itself moves nothing.
func (i *Installation) replaced(j *journal) bool {
	found, err := identify(i.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err == nil && !found.same(j.Old) && !found.same(j.New)
	}
	switch j.State {
	case fencing, swapping, reverting:
		return false
	case checking:
		_, moved := i.locate(j.New)
		return !moved
	}
	return true
}

// tidy deletes the files that lie beside an installation without a journal. A tree that is being staged stays for the
// next Stage to go on with. An old tree that no journal knows, as from a disk that was restored, would be in the way of
// the next one and is put aside like user data.
func (i *Installation) tidy() error {
	entries, err := os.ReadDir(i.staging)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == oldName {
			if err := i.fs.move(i.beside(oldName), i.beside(i.freeKeptName())); err != nil {
				return err
			}
		}
		if e.IsDir() || e.Name() == lockName {
			continue
		}
		if err := i.removeIfThere(place{i.staging, e.Name()}); err != nil {
			return err
		}
	}
	return nil
}
