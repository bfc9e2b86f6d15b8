package manifests

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"
)

// committer is who makes the commits; their author is who asked for them.
const committer = "Lull"

// maxLoose is how many objects of a commit are written as files of their own. A change of a thousand manifests is
// twenty times faster as one pack, and a pack for each small change would be worse to read.
const maxLoose = 32

// builder makes the objects of one commit: only the folders on the way to a change are read and written.
type builder struct {
	from    storer.EncodedObjectStorer
	objects memory.ObjectStorage
	hashes  []plumbing.Hash
}

// encoder is an object that can be written.
type encoder interface {
	Encode(plumbing.EncodedObject) error
}

func (b *builder) add(e encoder) (plumbing.Hash, error) {
	o := new(plumbing.MemoryObject)
	if err := e.Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return b.keep(o)
}

func (b *builder) blob(data []byte) (plumbing.Hash, error) {
	o := new(plumbing.MemoryObject)
	o.SetType(plumbing.BlobObject)
	if _, err := o.Write(data); err != nil {
		return plumbing.ZeroHash, err
	}
	return b.keep(o)
}

func (b *builder) keep(o plumbing.EncodedObject) (plumbing.Hash, error) {
	if b.objects.Objects == nil {
		b.objects = memory.NewStorage().ObjectStorage
	}
	if _, known := b.objects.Objects[o.Hash()]; !known {
		b.hashes = append(b.hashes, o.Hash())
	}
	return b.objects.SetEncodedObject(o)
}

// commit makes the commit of a change upon its parent, which is zero for the first one.
func (b *builder) commit(parent plumbing.Hash, changed map[string][]byte, c Change, now time.Time) (plumbing.Hash, error) {
	commit := &object.Commit{
		Author:    object.Signature{Name: plain(c.Author), Email: plain(c.Email), When: now},
		Committer: object.Signature{Name: committer, When: now},
		Message:   message(c),
	}
	var root plumbing.Hash
	if !parent.IsZero() {
		old, err := object.GetCommit(b.from, parent)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("read commit %s: %w", parent, err)
		}
		commit.ParentHashes, root = []plumbing.Hash{parent}, old.TreeHash
	}
	var err error
	if commit.TreeHash, err = b.tree(root, changed); err != nil {
		return plumbing.ZeroHash, err
	}
	return b.add(commit)
}

// tree makes a folder with changes in it. A folder that becomes empty is the zero hash, since git has no empty folders.
func (b *builder) tree(old plumbing.Hash, changed map[string][]byte) (plumbing.Hash, error) {
	entries, err := b.entries(old)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	folders := make(map[string]map[string][]byte)
	for path, data := range changed {
		name, rest, below := strings.Cut(path, "/")
		if !below {
			err = errors.Join(err, b.setFile(entries, name, data))
			continue
		}
		if folders[name] == nil {
			folders[name] = make(map[string][]byte)
		}
		folders[name][rest] = data
	}
	for name, below := range folders {
		err = errors.Join(err, b.setFolder(entries, name, below))
	}
	if err != nil || len(entries) == 0 {
		return plumbing.ZeroHash, err
	}
	tree := &object.Tree{Entries: slices.Collect(maps.Values(entries))}
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	return b.add(tree)
}

func (b *builder) entries(tree plumbing.Hash) (map[string]object.TreeEntry, error) {
	entries := make(map[string]object.TreeEntry)
	if tree.IsZero() {
		return entries, nil
	}
	old, err := object.GetTree(b.from, tree)
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", tree, err)
	}
	for _, e := range old.Entries {
		entries[e.Name] = e
	}
	return entries, nil
}

func (b *builder) setFile(entries map[string]object.TreeEntry, name string, data []byte) error {
	old, ok := entries[name]
	switch {
	case ok && old.Mode == filemode.Dir:
		return fmt.Errorf("path %q: there is a folder of this name", name)
	case data == nil:
		delete(entries, name)
		return nil
	}
	hash, err := b.blob(data)
	entries[name] = object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: hash}
	return err
}

func (b *builder) setFolder(entries map[string]object.TreeEntry, name string, changed map[string][]byte) error {
	old, ok := entries[name]
	if ok && old.Mode != filemode.Dir {
		return fmt.Errorf("path %q: there is a file of this name", name)
	}
	hash, err := b.tree(old.Hash, changed)
	if err != nil {
		return err
	}
	entries[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: hash}
	if hash.IsZero() {
		delete(entries, name)
	}
	return nil
}

// flush writes the objects to the repository and to the disk. Until a reference names them, they do no harm.
func (b *builder) flush(to *filesystem.Storage, dir string) error {
	if len(b.hashes) > maxLoose {
		return b.flushPack(to, dir)
	}
	for _, h := range b.hashes {
		if to.HasEncodedObject(h) == nil {
			continue
		}
		if _, err := to.SetEncodedObject(b.objects.Objects[h]); err != nil {
			return fmt.Errorf("write object %s: %w", h, err)
		}
		if err := syncWithFolder(filepath.Join(dir, "objects", h.String()[:2], h.String()[2:])); err != nil {
			return fmt.Errorf("flush object %s: %w", h, err)
		}
	}
	return syncPath(filepath.Join(dir, "objects"))
}

func (b *builder) flushPack(to *filesystem.Storage, dir string) error {
	w, err := to.PackfileWriter()
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	sum, err := packfile.NewEncoder(w, &b.objects, false).Encode(b.hashes, 0)
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	base := filepath.Join(dir, "objects", "pack", "pack-"+sum.String())
	return errors.Join(syncPath(base+".pack"), syncWithFolder(base+".idx"))
}

// message is the reason as the message of a commit.
func message(c Change) string {
	return strings.TrimSpace(strings.ReplaceAll(c.Reason, "\x00", "")) + "\n"
}

// plain keeps text from being anything but text in the header of a commit.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return ' '
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}
