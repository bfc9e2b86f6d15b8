package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"lull/internal/release"
)

// keptFor is how long user data from before an update stays beside the installation.
const keptFor = 30 * 24 * time.Hour

// Commit ends an update that passed its check: the old tree is deleted. Its user data, and whatever else no release
// explains, stays beside the installation for 30 days. The names of late writes are returned (see Checked.Late).
func (i *Installation) Commit(ctx context.Context) (late []string, err error) {
	j, err := i.require(checking, committed)
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	late, err = i.lateOf(ctx, j)
	if err == nil {
		err = i.enter(j, committed)
	}
	if err == nil {
		err = i.finish(j, j.Old, j.baseline)
	}
	if err != nil {
		return late, fmt.Errorf("commit %s: %w", j.target.Version, spaceError(i.staging, err))
	}
	return late, nil
}

// Discard gives a release up that is staged, partly staged, or taken back after its check. The installation, which is
// the old one in each case, is not touched.
func (i *Installation) Discard(context.Context) error {
	j, err := i.load()
	if err != nil {
		return err
	}
	switch {
	case j == nil:
	case j.State == reverted:
		return i.finish(j, j.New, j.target)
	case j.State == staged:
		err = i.forget()
	default:
		err = ErrUnfinished
	}
	for _, name := range []string{newName, partsName} {
		if err == nil {
			_, err = i.removeTree(i.beside(name), nothing)
		}
	}
	if err != nil {
		return fmt.Errorf("discard what is staged: %w", err)
	}
	return nil
}

// drop ends an update whose installation somebody else has replaced.
func (i *Installation) drop(j *journal) error {
	if _, ok := i.locate(j.Old); ok && j.State != staged {
		if err := i.dispose(j.Old, j.baseline, j.keep); err != nil {
			return err
		}
	}
	return i.finish(j, j.New, j.target)
}

// finish deletes a tree that has served and then the journal.
func (i *Installation) finish(j *journal, id identity, index *release.Index) error {
	if err := i.dispose(id, index, j.keep); err != nil {
		return err
	}
	if err := i.forget(); err != nil {
		return err
	}
	return i.removeExpired()
}

// dispose deletes from a tree what its release explains, and puts user data and everything else aside.
func (i *Installation) dispose(id identity, index *release.Index, k keep) error {
	root, ok := i.locate(id)
	if !ok {
		return nil
	}
	files := know(index).files
	left, err := i.removeTree(root, func(e entry) bool {
		_, ours := files[fold(unfencedName(e.path))]
		return !e.info.IsDir() && (!ours || k.has(e.path)) && !isPart(e.path)
	})
	if err != nil || !left {
		return err
	}
	return i.fs.move(root, i.beside(i.freeKeptName()))
}

// freeKeptName is the name for user data that is put aside now.
func (i *Installation) freeKeptName() string {
	for at := i.options.Now().Unix(); ; at++ {
		name := keptPrefix + strconv.FormatInt(at, 10)
		if _, err := os.Lstat(i.beside(name)); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// removeExpired deletes user data that was put aside more than 30 days ago.
func (i *Installation) removeExpired() error {
	entries, err := os.ReadDir(i.staging)
	if err != nil {
		return err
	}
	for _, e := range entries {
		number, kept := strings.CutPrefix(e.Name(), keptPrefix)
		at, err := strconv.ParseInt(number, 10, 64)
		if !kept || err != nil || i.options.Now().Sub(time.Unix(at, 0)) < keptFor {
			continue
		}
		if _, err := i.removeTree(i.beside(e.Name()), nothing); err != nil {
			return fmt.Errorf("delete old user data: %w", err)
		}
	}
	return nil
}
