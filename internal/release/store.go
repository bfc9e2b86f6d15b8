package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"lull/internal/durable"
	"lull/schema"
)

const (
	incoming   = "incoming" // files that are not whole yet, below the root
	lockFile   = ".lock"
	lockPause  = 50 * time.Millisecond // how often a held lock is tried
	strayAfter = 24 * time.Hour        // an unreferenced blob younger than this may belong to an upload under way
)

// Store is the releases in one folder. Its methods may be called from any number of goroutines and processes at once.
type Store struct {
	root    string
	limits  limits
	now     func() time.Time
	catalog atomic.Pointer[cachedCatalog]
}

type cachedCatalog struct {
	file fs.FileInfo
	refs []Ref
}

// Open opens the store in a folder, which it makes if there is none, and completes what a crash left half done.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open release store: %w", err)
	}
	s := &Store{root: root, limits: defaultLimits(), now: time.Now}
	for _, name := range []string{"releases", "blobs/sha256", incoming} {
		if err := os.MkdirAll(s.path(name), 0o755); err != nil {
			return nil, fmt.Errorf("open release store: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = s.locked(ctx, func() error {
		refs, _ := s.scan() // what is damaged is left out; Damaged names it
		return errors.Join(s.writeCatalog(refs), s.sweepIncoming())
	})
	if err != nil {
		return nil, fmt.Errorf("open release store %s: %w", dir, err)
	}
	return s, nil
}

// path is where a name of the layout lies on this system.
func (s *Store) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// locked runs f while no other process or goroutine changes the list of releases.
func (s *Store) locked(ctx context.Context, f func() error) (err error) {
	lock := flock.New(s.path(lockFile))
	if _, err := lock.TryLockContext(ctx, lockPause); err != nil {
		return fmt.Errorf("lock the release store: %w (does another lull change it?)", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	return f()
}

// List returns the releases, sorted by client, version and system. It reads the catalog only where it has changed.
func (s *Store) List() ([]Ref, error) {
	info, err := os.Stat(s.path(CatalogPath))
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	if c := s.catalog.Load(); c != nil && sameFile(c.file, info) {
		return slices.Clone(c.refs), nil
	}
	data, err := os.ReadFile(s.path(CatalogPath))
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	c, err := ParseCatalog(data)
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	s.catalog.Store(&cachedCatalog{info, c.Releases})
	return slices.Clone(c.Releases), nil
}

func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// Find returns the release of a version in any spelling, or ErrNotFound.
func (s *Store) Find(client string, version schema.Version, system string) (Ref, error) {
	refs, err := s.List()
	if err != nil {
		return Ref{}, err
	}
	for _, ref := range refs {
		if ref.Client == client && ref.System == system && ref.Version.Equal(version) {
			return ref, nil
		}
	}
	return Ref{}, fmt.Errorf("%s: %w", Ref{Client: client, Version: version, System: system}, ErrNotFound)
}

// Index returns a release and its encoding, byte for byte as it is pinned in the catalog, or ErrNotFound.
func (s *Store) Index(client string, version schema.Version, system string) (*Index, []byte, error) {
	ref, err := s.Find(client, version, system)
	if err != nil {
		return nil, nil, err
	}
	index, data, err := s.readIndex(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: %w", ref, ErrNotFound) // removed a moment ago
	}
	if err != nil {
		return nil, nil, err
	}
	if got := Digest(data); got != ref.SHA256 {
		return nil, nil, fmt.Errorf("%s: index.json has sha256 %s, the catalog says %s; remove the release and add it again", ref, got, ref.SHA256)
	}
	return index, data, nil
}

// IndexFile is the path of the index of a release that List or Find returned. It says nothing about what is in it: who
// reads it compares it with the digest in ref.
func (s *Store) IndexFile(ref Ref) (string, error) {
	name, err := IndexPath(ref)
	if err != nil {
		return "", err
	}
	return s.path(name), nil
}

func (s *Store) readIndex(ref Ref) (*Index, []byte, error) {
	name, err := s.IndexFile(ref)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", ref, err)
	}
	index, err := ParseIndex(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", ref, err)
	}
	if index.Client != ref.Client || index.Version != ref.Version || index.System != ref.System {
		return nil, nil, fmt.Errorf("%s: %s holds %s", ref, name, index.Ref(nil))
	}
	return index, data, nil
}

// Damaged names every release on disk whose index cannot be used, and why, joined. List leaves them out.
func (s *Store) Damaged() error {
	_, err := s.scan()
	return err
}

// scan reads every index. What cannot be used is left out of the list and named in the error.
func (s *Store) scan() ([]Ref, error) {
	found, err := filepath.Glob(s.path("releases/*/*/*/index.json"))
	if err != nil {
		return nil, err
	}
	refs := make([]Ref, 0, len(found))
	var damaged []error
	for _, file := range found {
		ref, err := s.scanOne(file)
		if err != nil {
			damaged = append(damaged, fmt.Errorf("%w; remove %s and add the release again", err, filepath.Dir(file)))
			continue
		}
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, compareRefs)
	return refs, errors.Join(damaged...)
}

func (s *Store) scanOne(file string) (Ref, error) {
	system := filepath.Dir(file)
	version := filepath.Dir(system)
	v, err := schema.ParseVersion(filepath.Base(version))
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{Client: filepath.Base(filepath.Dir(version)), Version: v, System: filepath.Base(system)}
	index, data, err := s.readIndex(ref)
	if err != nil {
		return Ref{}, err
	}
	return index.Ref(data), nil
}

func compareRefs(a, b Ref) int {
	return cmp.Or(cmp.Compare(a.Client, b.Client), a.Version.Compare(b.Version), cmp.Compare(a.System, b.System))
}

// writeCatalog replaces the catalog if the list has changed.
func (s *Store) writeCatalog(refs []Ref) error {
	if old, err := s.List(); err == nil && slices.Equal(old, refs) {
		return nil
	}
	return durable.WriteJSON(s.path(CatalogPath), Catalog{Releases: refs}, 0o644)
}
