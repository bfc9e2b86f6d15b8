package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"lull/internal/durable"
	"lull/schema"
)

// PutIndex makes an uploaded release part of the store, byte for byte. Everything about it is checked again: the index
// itself (ErrRefused), that all its blobs are there, and that the version read from its files is the one it claims (ErrUnfit).
func (s *Store) PutIndex(ctx context.Context, data []byte) (Ref, error) {
	index, err := ParseIndex(data)
	if err != nil {
		return Ref{}, err
	}
	ref, _, err := s.commit(ctx, index, data)
	return ref, err
}

// commit writes index and catalog. unchanged means that exactly this release was stored before.
func (s *Store) commit(ctx context.Context, index *Index, data []byte) (ref Ref, unchanged bool, err error) {
	ref = index.Ref(data)
	if missing := s.Missing(index); len(missing) > 0 {
		return ref, false, unfitf("add %s: the content of %d files is not in the store, first %s; send it and try again",
			ref, len(missing), missing[0].Path)
	}
	if err := s.checkVersion(index); err != nil {
		return ref, false, fmt.Errorf("add %s: %w", ref, err)
	}
	err = s.locked(ctx, func() error {
		refs, _ := s.scan() // a damaged release may be added anew
		if unchanged, err = refuse(refs, ref); unchanged || err != nil {
			return err
		}
		if len(s.Missing(index)) > 0 {
			return unfitf("another lull removed some of its files just now; try again")
		}
		return s.publish(index, data, append(refs, ref))
	})
	if err != nil {
		return ref, false, fmt.Errorf("add %s: %w", ref, err)
	}
	return ref, unchanged, nil
}

// refuse looks for the same version among the stored ones; same is true where all of it is equal.
func refuse(refs []Ref, ref Ref) (same bool, err error) {
	for _, old := range refs {
		if err := spelling(old, ref.Client, ref.Version); err != nil {
			return false, err
		}
		if old.Client != ref.Client || old.System != ref.System || !old.Version.Equal(ref.Version) {
			continue
		}
		if old.SHA256 != ref.SHA256 {
			return false, unfitf("this version is stored with other content or another description, and a version never changes; " +
				"give the new build a new version, or remove the stored one first")
		}
		return true, nil
	}
	return false, nil
}

// spelling refuses a version that is stored in another spelling, on any system: 5.8 and 5.8.0 are the same version.
func spelling(old Ref, client string, version schema.Version) error {
	if old.Client == client && old.Version.Equal(version) && old.Version != version {
		return unfitf("%s is stored as %s; write it as %s", version, old.Version, old.Version)
	}
	return nil
}

// publish writes an index and then the catalog of refs.
func (s *Store) publish(index *Index, data []byte, refs []Ref) error {
	name, err := IndexPath(index.Ref(nil))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.path(path.Dir(name)), 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(s.path(name), data, 0o644); err != nil {
		return err
	}
	if err := s.flush(path.Dir(name)); err != nil {
		return err
	}
	slices.SortFunc(refs, compareRefs)
	return s.writeCatalog(refs)
}

// Remove takes a release out of the store and deletes the files that no other release needs. It deletes other
// unreferenced files, too, once they are a day old. A release that is not there gives ErrNotFound.
func (s *Store) Remove(ctx context.Context, client string, version schema.Version, system string) error {
	ref := Ref{Client: client, Version: version, System: system}
	err := s.locked(ctx, func() error {
		found, err := s.Find(client, version, system)
		if err != nil {
			return err
		}
		index, _, err := s.readIndex(found)
		if err != nil {
			index = &Index{} // damaged or gone: its blobs go once they are a day old
		}
		if err := s.unpublish(found); err != nil {
			return err
		}
		return s.sweep(index)
	})
	if err != nil {
		return fmt.Errorf("remove %s: %w", ref, err)
	}
	return nil
}

func (s *Store) unpublish(ref Ref) error {
	name, err := IndexPath(ref)
	if err != nil {
		return err
	}
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(name); dir != "releases"; dir = path.Dir(dir) {
		if os.Remove(s.path(dir)) != nil {
			break // it holds other versions or systems
		}
	}
	if err := s.flush("releases"); err != nil {
		return err
	}
	refs, _ := s.scan()
	return s.writeCatalog(refs)
}

// sweep deletes the blobs of the index just removed and the old ones that no release refers to. It deletes none while
// any index is damaged, because that index may need them.
func (s *Store) sweep(removed *Index) error {
	refs, err := s.scan()
	if err != nil {
		return nil
	}
	needed := make(map[string]bool)
	for _, ref := range refs {
		index, _, err := s.readIndex(ref)
		if err != nil {
			return err
		}
		for _, f := range index.Files {
			needed[f.SHA256] = true
		}
	}
	gone := make(map[string]bool)
	for _, f := range removed.Files {
		gone[f.SHA256] = true
	}
	old := s.now().Add(-strayAfter)
	return errors.Join(
		deleteFiles(s.path("blobs/sha256"), func(name string, changed time.Time) bool {
			return !needed[name] && (gone[name] || changed.Before(old))
		}),
		s.sweepIncoming())
}

// sweepIncoming deletes what uploads left behind that ended long ago without an end.
func (s *Store) sweepIncoming() error {
	old := s.now().Add(-strayAfter)
	return deleteFiles(s.path(incoming), func(_ string, changed time.Time) bool { return changed.Before(old) })
}

func deleteFiles(folder string, dead func(name string, changed time.Time) bool) error {
	return filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !dead(entry.Name(), info.ModTime()) {
			return nil
		}
		if err == nil {
			err = os.Remove(file)
		}
		return err
	})
}
