package install

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits of a swap.
const (
	fenceLimit  = 2 * time.Second  // how long people may find no program to start
	undoLimit   = 10 * time.Second // how long the way back is tried before recovery gets it
	settleLimit = 64 << 20         // bytes of user data copied under the gate: well below a second
)

// Swap switches the installation to the staged tree. Nobody can start the client in between, and a client that runs
// already ends the attempt: then the error is a *BusyError and nothing was changed. After any other error too the old
// tree is installed, or Recover will see to it. When Swap returns nil, Check comes next.
//
// Errors to tell apart: *BusyError, *FileLockedError, *ForeignFilesError, *NoSpaceError, ErrSettle, ErrStagingChanged,
// ErrNotStaged, *command.InsecureError.
func (i *Installation) Swap(ctx context.Context) error {
	j, err := i.require(staged)
	if err != nil {
		return err
	}
	if err := i.swap(ctx, j); err != nil {
		return fmt.Errorf("swap to %s: %w", j.target.Version, spaceError(i.staging, err))
	}
	return nil
}

func (i *Installation) swap(ctx context.Context, j *journal) error {
	if !i.at(i.dir, j.Old) || !i.at(i.beside(newName), j.New) {
		return errors.Join(ErrStagingChanged, i.forget())
	}
	if err := i.quiet(ctx); err != nil { // before the work that only pays if nobody is there
		return err
	}
	if err := i.refuseForeign(j.baseline, j.keep); err != nil {
		return err
	}
	d, err := compare(ctx, i.beside(newName), j.target, j.keep, matches)
	if err != nil {
		return err
	}
	if !d.Same() || len(d.Foreign) > 0 {
		return errors.Join(ErrStagingChanged, i.forget())
	}
	return i.turn(ctx, j, forward(j))
}

// quiet asks once, without changing anything, whether the client is in use.
func (i *Installation) quiet(ctx context.Context) error {
	g, err := i.shut(i.dir)
	if err != nil {
		return err
	}
	g.open()
	return i.scan(ctx)
}

func (i *Installation) scan(ctx context.Context) error {
	if err := i.options.Scan(ctx, []string{i.dir, i.staging}); err != nil {
		return &BusyError{Err: err}
	}
	return nil
}

// way is one direction of the switch: in takes the place of out.
type way struct {
	out, in             identity
	outFenced, inFenced *[]string
	aside               string // the name beside the installation that out gets where folders cannot be exchanged
	fence, move, done   state
	settle              carriage // user data that goes along; from and to are known only when the trees are found
	dress               bool     // in is a new tree and gets its access rights from out
}

func forward(j *journal) way {
	target := know(j.target)
	return way{
		out: j.Old, in: j.New, outFenced: &j.OldFenced, inFenced: &j.NewFenced, aside: oldName,
		fence: fencing, move: swapping, done: checking,
		settle: carriage{keep: j.keep, known: know(j.baseline), target: &target, kept: j.Kept}, dress: true,
	}
}

func back(j *journal) way {
	return way{
		out: j.New, in: j.Old, outFenced: &j.NewFenced, inFenced: &j.OldFenced, aside: newName,
		fence: reverting, move: reverting, done: reverted,
		settle: carriage{keep: j.keep, known: know(j.target), alike: true, aside: j.Aside},
	}
}

// revert is the way back. What it carries may be much and is carried only if nobody uses the client.
func (i *Installation) revert(ctx context.Context, j *journal) error {
	if err := i.quiet(ctx); err != nil {
		return err
	}
	return i.turn(ctx, j, back(j))
}

// turn is the switch itself. Whatever fails, it ends with a whole tree installed.
func (i *Installation) turn(ctx context.Context, j *journal, w way) error {
	in, ok := i.locate(w.in)
	if !ok {
		return fmt.Errorf("the tree that shall be installed is gone from %s", i.staging)
	}
	w.settle.from, w.settle.to = i.dir, in
	if err := i.settleAhead(ctx, &w); err != nil {
		return err
	}
	g, err := i.shut(i.dir)
	if err != nil {
		return err
	}
	defer g.open()
	if err := i.scan(ctx); err != nil {
		return err
	}
	if err := i.settle(ctx, j, w); err != nil {
		return err
	}
	exchange := i.fs.exchanges(i.staging)
	if exchange {
		err = i.exchange(ctx, j, w, in)
	} else {
		err = i.fenced(ctx, j, w, in, g)
	}
	g.open()
	if err != nil {
		return errors.Join(err, i.undo(ctx, j, w))
	}
	return i.enter(j, w.done)
}

// settleAhead carries what has changed since staging while there is no hurry.
func (i *Installation) settleAhead(ctx context.Context, w *way) (err error) {
	ahead := w.settle
	ahead.lenient = true
	w.settle.kept, err = i.carry(ctx, ahead)
	return err
}

// settle carries the last changes under the gate, where the amount is bounded, and only here gives users their access
// to the new tree: before, they could have started it where it was staged.
func (i *Installation) settle(ctx context.Context, j *journal, w way) error {
	last := w.settle
	last.limit = settleLimit
	kept, err := i.carry(ctx, last)
	if err != nil {
		return err
	}
	if !w.dress {
		return nil
	}
	if err := i.refuseForeign(j.baseline, j.keep); err != nil { // somebody may have put a file there since Swap looked
		return err
	}
	j.Kept = kept
	if err := i.dress(last.from, last.to, *last.target); err != nil {
		return err
	}
	return trusted(last.to, j.target, j.keep) // now that it has the rights with which it will be installed
}

// exchange is the switch in one step. It scans again because settling may have taken a second, in which an interpreter
// can have begun to read the tree, unhindered by the gate.
func (i *Installation) exchange(ctx context.Context, j *journal, w way, in string) error {
	if err := i.scan(ctx); err != nil {
		return err
	}
	if err := i.enter(j, w.move); err != nil {
		return err
	}
	if err := i.fs.exchange(i.dir, in); err != nil {
		return fmt.Errorf("exchange %s and %s: %w", i.dir, in, err)
	}
	if !i.at(i.dir, w.in) {
		return errors.New("another tree than the one in the journal was installed")
	}
	return nil
}

// undo leads a switch that failed to a whole tree: the one that was installed, or the other one if it is installed
// already. It is tried for a while even if the caller's context has ended.
func (i *Installation) undo(ctx context.Context, j *journal, w way) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	if err := i.home(ctx, w.out); err != nil {
		return fmt.Errorf("undo the swap: %w", err)
	}
	if err := i.lead(ctx, j); err != nil {
		return fmt.Errorf("undo the swap: %w", err)
	}
	return nil
}
