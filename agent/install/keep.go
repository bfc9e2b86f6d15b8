package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// carriage says how user data is carried from one tree to the other.
type carriage struct {
	from, to string
	keep     keep
	known    known            // the index of the tree at from
	target   *known           // the index of the tree at to, if that tree shall have no other user data than from
	kept     map[string]stamp // what was carried before; the same stamp means the same content
	limit    int64            // bytes that may be copied; 0: any number
	lenient  bool             // the client may run: what cannot be read now is left for the next time
	alike    bool             // give what is carried the owner, mode and access list that it has at from
	aside    string           // a folder beside the installation for what is replaced at to for the first time; "": none
}

// carry brings user data and the folders that no release explains up to date in the tree at c.to, and returns what is
// there now, by path.
func (i *Installation) carry(ctx context.Context, c carriage) (map[string]stamp, error) {
	entries, err := walk(c.from)
	if err != nil {
		return nil, err
	}
	now := map[string]stamp{}
	present := map[string]bool{}
	var copied int64
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case e.info.IsDir():
			if !c.known.folders[fold(e.path)] {
				err = i.carryFolder(c, e.path)
			}
		case e.info.Mode().IsRegular() && c.keep.has(e.path) && !isPart(e.path):
			present[e.path] = true
			err = i.carryFile(c, e.path, now, &copied)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.target == nil {
		return now, nil
	}
	return now, i.dropGone(c, present)
}

// carryFile copies a file whose stamp is not the one it was copied with. The stamp is taken before the copy, and one
// that is too young to be trusted is noted as none, so that a write during the copy leads to another copy.
func (i *Installation) carryFile(c carriage, name string, now map[string]stamp, copied *int64) error {
	s, err := stampOf(place{c.from, name}.String())
	if err == nil {
		if s == c.kept[name] {
			now[name] = s
			return nil
		}
		if *copied += s.Size; c.limit > 0 && *copied > c.limit {
			return fmt.Errorf("%s: %w", name, ErrSettle)
		}
		err = i.carryCopy(c, name)
	}
	if isSharing(err) && !c.lenient {
		return &FileLockedError{Path: place{c.from, name}.String(), Err: err}
	}
	if err != nil && (!c.lenient || isFull(err)) {
		return fmt.Errorf("carry %s: %w", name, err)
	}
	if err != nil || c.lenient && !i.trusted(s) {
		s = stamp{}
	}
	now[name] = s
	return nil
}

func (i *Installation) carryFolder(c carriage, name string) error {
	if err := i.fs.mkdir(place{c.to, name}); err != nil || !c.alike {
		return err
	}
	return i.fs.like(place{c.to, name}, place{c.from, name}.String(), false)
}

func (i *Installation) carryCopy(c carriage, name string) error {
	if err := errors.Join(i.putAside(c, name), i.fs.mkdir(place{c.to, path.Dir(name)})); err != nil {
		return err
	}
	if err := i.fs.copy(place{c.from, name}, place{c.to, name}); err != nil || !c.alike {
		return err
	}
	return i.fs.like(place{c.to, name}, place{c.from, name}.String(), false)
}

// putAside saves a file that the other tree's is about to replace. What is replaced once more was carried itself.
func (i *Installation) putAside(c carriage, name string) error {
	if c.aside == "" {
		return nil
	}
	tree, err := filepath.Rel(i.staging, c.to)
	if err != nil {
		return err
	}
	from, to := path.Join(filepath.ToSlash(tree), name), path.Join(c.aside, name)
	if _, err := os.Lstat(place{i.staging, to}.String()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Lstat(place{i.staging, from}.String()); err != nil {
		return ignoreMissing(err)
	}
	if err := i.fs.mkdir(place{i.staging, path.Dir(to)}); err != nil {
		return err
	}
	return i.fs.rename(i.staging, from, to)
}

// dropGone removes copies of user data that has meanwhile been deleted, and what a copy left that was cut off.
func (i *Installation) dropGone(c carriage, present map[string]bool) error {
	entries, err := walk(c.to)
	if err != nil {
		return err
	}
	for _, e := range entries {
		_, shipped := c.target.files[fold(e.path)]
		if e.info.IsDir() || shipped || present[e.path] || !c.keep.has(e.path) && !isPart(e.path) {
			continue
		}
		if err := i.removeIfThere(place{c.to, e.path}); err != nil {
			return err
		}
	}
	return nil
}

// late finds user data that was written to the old tree after its last copy, by a process that still had it open, and
// lays it beside the current one as NAME.lull-late. The names are returned for the report, and j notes what was saved.
func (i *Installation) late(ctx context.Context, j *journal, old string) ([]string, error) {
	entries, err := walk(old)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	if j.Kept == nil {
		j.Kept = map[string]stamp{}
	}
	var found []string
	for _, e := range entries {
		name := unfencedName(e.path) // a program of the user's may still have the fence
		if !e.info.Mode().IsRegular() || !j.keep.has(name) || isPart(name) {
			continue
		}
		saved := stamp{Size: e.info.Size(), Written: e.info.ModTime().UnixNano()}
		if s := j.Kept[name]; s.Size == saved.Size && s.Written == saved.Written {
			continue
		}
		if err := errors.Join(ctx.Err(), i.layBeside(place{old, e.path}, name+lateEnding)); err != nil {
			return found, fmt.Errorf("save the late write to %s: %w", name, err)
		}
		j.Kept[name] = saved
		found = append(found, name+lateEnding)
	}
	slices.Sort(found)
	return found, nil
}

func (i *Installation) layBeside(late place, name string) error {
	to := place{i.dir, name}
	if err := i.fs.mkdir(place{i.dir, path.Dir(name)}); err != nil {
		return err
	}
	if err := i.fs.copy(late, to); err != nil {
		return err
	}
	return i.fs.like(to, late.String(), false)
}

// dress gives every file and folder of the tree at to the owner, mode and access list of its counterpart in the tree
// at from; new ones inherit from the folder they are in. Folders come before what is in them.
func (i *Installation) dress(from, to string, target known) error {
	entries, err := walk(to)
	if err != nil {
		return err
	}
	if err := i.fs.like(place{to, "."}, from, false); err != nil {
		return err
	}
	counterparts, err := spelling(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		counterpart := ""
		if name, ok := counterparts[fold(e.path)]; ok {
			counterpart = place{from, name}.String()
		}
		if err := i.fs.like(place{to, e.path}, counterpart, target.files[fold(e.path)].Executable); err != nil {
			return fmt.Errorf("give %s its access rights: %w", e.path, err)
		}
	}
	return nil
}

func spelling(root string) (map[string]string, error) {
	entries, err := walk(root)
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if e.info.IsDir() || e.info.Mode().IsRegular() {
			names[fold(e.path)] = e.path
		}
	}
	return names, err
}
