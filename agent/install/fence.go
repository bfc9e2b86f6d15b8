package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// fenced is the switch in two renames, for systems that have no exchange and rename no folder below which a handle is
// open, the gate's own included. The gate is opened before the first rename; until then the programs of both trees are
// renamed aside, so that there is nothing to start.
func (i *Installation) fenced(ctx context.Context, j *journal, w way, in string, g *gate) error {
	if err := i.fenceStaged(j, w, in, g); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fenceLimit)
	defer cancel()
	for n, h := range g.held {
		if err := h.fence(); err != nil {
			return fmt.Errorf("fence %s: %w", g.names[n], err)
		}
	}
	g.open()
	if err := i.enter(j, w.move); err != nil {
		return err
	}
	aside := i.beside(w.aside)
	if err := i.insist(ctx, i.fs.move, i.dir, aside); err != nil {
		return err
	}
	if err := i.scan(ctx); err != nil {
		return err
	}
	if err := i.insist(ctx, i.fs.move, in, i.dir); err != nil {
		return err
	}
	if !i.at(i.dir, w.in) {
		return errors.New("another tree than the one in the journal was installed")
	}
	return i.unfence(ctx, i.dir, *w.inFenced)
}

// fenceStaged notes all names and then fences the tree that nobody uses. One that was installed before may still have
// the fence from when it was moved aside.
func (i *Installation) fenceStaged(j *journal, w way, in string, g *gate) error {
	names, err := programs(in)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return unfencedName(name) != name })
	*w.inFenced = append(*w.inFenced, names...)
	*w.outFenced = g.names
	if err := i.enter(j, w.fence); err != nil {
		return err
	}
	for _, name := range names {
		if err := i.fs.rename(in, name, name+fencedEnding); err != nil {
			return fmt.Errorf("fence the staged %s: %w", name, err)
		}
	}
	return nil
}

// unfence gives programs their names back. A name that is not fenced is fine: it was never or is no longer.
func (i *Installation) unfence(ctx context.Context, root string, names []string) error {
	folders := map[string]bool{}
	for _, name := range names {
		p := place{root, name}.String()
		if _, err := os.Lstat(p + fencedEnding); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		free := func(string, string) error { return i.fs.rename(root, name+fencedEnding, name) }
		if err := i.insist(ctx, free, p+fencedEnding, p); err != nil {
			return err
		}
		folders[filepath.Dir(p)] = true
	}
	for folder := range folders {
		if err := i.fs.flush(folder); err != nil {
			return err
		}
	}
	return nil
}

// insist renames and, where something like a virus scanner holds a file, tries again until the context ends.
func (i *Installation) insist(ctx context.Context, rename func(from, to string) error, from, to string) error {
	pause := 5 * time.Millisecond
	for {
		err := rename(from, to)
		if err == nil || !isHeld(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return &FileLockedError{Path: from, Err: err}
		case <-time.After(pause):
		}
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// isHeld reports whether a rename may succeed later. Windows says "access denied" for a folder with an open file.
func isHeld(err error) bool { return errors.Is(err, fs.ErrPermission) || isSharing(err) }
