package manifests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"lull/schema"
)

// branch is the only branch that a Store reads and writes.
const branch plumbing.ReferenceName = "refs/heads/main"

var (
	// ErrConflict says that the manifests changed since the revision that a Change expects.
	ErrConflict = errors.New("the manifests were changed in the meantime: read them again")
	// ErrBehind says that a newer revision, which was refused, changed the same files: to read them again does not help,
	// because what is read is what is in force. It is an ErrConflict, too.
	ErrBehind = fmt.Errorf("a newer revision was refused and changes the same files: push a repaired revision, or revert it (%w)", ErrConflict)
)

// Store is the server's own repository: a Source that can be written. It is an ordinary bare repository with the branch
// main, which git may clone, push to and repack at any time; a revision that is pushed is judged like any other. A new
// manifest stands in KIND/NAME.yaml, the kind in lower case; one that is there stays in its file.
type Store struct {
	*Source
	repo *localRepo
}

// Change is one change of the manifests, which becomes one commit.
type Change struct {
	Author string // required
	Email  string // may be empty
	Reason string // required; the message of the commit
	// Expect is the revision that the change was made for, else ErrConflict; "" is any. While the newest one is refused,
	// the one in force is as good, if the refused one left the files of the change alone; else ErrBehind.
	Expect string
	// Edit makes the change. It runs while nobody else can write and must not call the Store. Its error ends the change
	// and is returned as it is.
	Edit func(*Draft) error
}

// OpenStore opens the repository in a folder, and makes it if there is none. The branch and the cache of the options are
// of no use here.
func OpenStore(dir string, o Options) (*Store, error) {
	abs, err := absolute(dir)
	if err != nil {
		return nil, fmt.Errorf("open manifests %s: %w", dir, err)
	}
	if err := initStore(abs); err != nil {
		return nil, fmt.Errorf("open manifests %s: %w", abs, err)
	}
	repo := &localRepo{path: abs, ref: branch.Short()}
	return &Store{newSource(abs, repo, o.withDefaults(localInterval)), repo}, nil
}

func initStore(dir string) error {
	if _, err := openStorage(dir); err == nil {
		return nil
	} else if entries, readErr := os.ReadDir(dir); readErr == nil && len(entries) > 0 {
		return err // whatever it is, it is not ours to overwrite
	}
	fresh := dir + ".new" // made beside its place, so that a crash leaves none that is half made
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o700)); err != nil {
		return err
	}
	if err := makeStore(fresh); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return errors.Join(os.Rename(fresh, dir), syncPath(filepath.Dir(dir)))
}

// makeStore makes a bare repository. Pushes may add to its history and never take any away, because the history is the
// record of who changed what.
func makeStore(dir string) error {
	s := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(objectCache))
	if _, err := git.InitWithOptions(s, nil, git.InitOptions{DefaultBranch: branch}); err != nil {
		return err
	}
	cfg, err := s.Config()
	if err != nil {
		return err
	}
	cfg.Raw.SetOption("receive", "", "denyNonFastForwards", "true")
	cfg.Raw.SetOption("receive", "", "denyDeletes", "true")
	cfg.Raw.SetOption("receive", "", "fsckObjects", "true")
	if err := s.SetConfig(cfg); err != nil {
		return err
	}
	return errors.Join(syncPath(filepath.Join(dir, "HEAD")), syncWithFolder(filepath.Join(dir, "config")))
}

// Write carries out a change and returns the revision that it made, or the current one if nothing changed. The result is
// judged as a whole before anything moves: manifests that are wrong are an *Invalid error, and nothing was changed.
func (s *Store) Write(ctx context.Context, c Change) (revision string, err error) {
	if plain(c.Author) == "" || strings.TrimSpace(c.Reason) == "" {
		return "", errors.New("change manifests: an author and a reason are required")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.prepare(ctx, c)
	if err != nil {
		return "", err
	}
	if len(d.changed) == 0 {
		return s.tried, nil
	}
	commit, err := s.commit(d, c)
	if err != nil {
		return "", fmt.Errorf("change manifests: %w", err)
	}
	s.known = d.content.files
	// The commit stands, whoever stops waiting now. It is read back as any other; if that fails, it is state.
	_ = s.look(context.WithoutCancel(ctx))
	return commit.String(), nil
}

// Preview is Write without the writing: what the manifests would be.
func (s *Store) Preview(ctx context.Context, c Change) (*schema.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	return d.set, nil
}

// prepare makes a change in memory and judges it.
func (s *Store) prepare(ctx context.Context, c Change) (*Draft, error) {
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	current := s.Current()
	if c.Expect != "" && c.Expect != s.tried && (current.Refused == nil || c.Expect != current.Revision) {
		return nil, ErrConflict
	}
	d, err := s.draft(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.Edit(d); err != nil {
		return nil, err
	}
	if c.Expect != "" && c.Expect != s.tried && !d.agrees(current) {
		return nil, ErrBehind
	}
	return d, s.judgeDraft(d)
}

// agrees reports whether each file that was changed began as it is in a snapshot.
func (d *Draft) agrees(with *Snapshot) bool {
	for path := range d.changed {
		var before []byte
		if f := d.files[path]; f != nil {
			before = f.data
		}
		if there, ok := with.Text(path); ok != (d.files[path] != nil) || !bytes.Equal(before, there) {
			return false
		}
	}
	return true
}

// draft is the newest revision, be it good or refused, so that a change can also repair.
func (s *Store) draft(ctx context.Context) (*Draft, error) {
	storage, err := openStorage(s.repo.path)
	if err != nil {
		return nil, err
	}
	l, err := s.repo.walker.walk(ctx, storage, plumbing.NewHash(s.tried))
	if err != nil {
		return nil, err
	}
	if errs := l.within(); len(errs) > 0 {
		return nil, &Invalid{Revision: l.revision, Errors: errs} // not all of its files were read: only git can mend it
	}
	return &Draft{base: *l, files: l.parse(s.known).files, changed: make(map[string][]byte), unseen: make(map[string]bool)}, nil
}

func (s *Store) judgeDraft(d *Draft) error {
	d.drop()
	l := d.listing()
	if len(d.changed) == 0 && s.Current().Revision == s.tried {
		d.set = s.Current().Set
		return nil
	}
	c, set, errs := l.judge(s.known, s.Current().Set)
	if len(errs) > 0 {
		return &Invalid{Errors: errs}
	}
	d.content, d.set = c, set
	return nil
}

// commit writes the objects of a change and moves the branch to them.
func (s *Store) commit(d *Draft, c Change) (plumbing.Hash, error) {
	storage, err := openStorage(s.repo.path)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	parent := plumbing.NewHash(s.tried)
	b := builder{from: storage}
	hash, err := b.commit(parent, d.changed, c, s.Now())
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if err := b.flush(storage, s.repo.path); err != nil {
		return plumbing.ZeroHash, err
	}
	return hash, moveBranch(s.repo.path, parent, hash)
}

// Draft is the manifest files of a Store while a Change edits them. It is of no use after Edit returned.
type Draft struct {
	base    listing
	files   map[string]*file
	changed map[string][]byte   // nil is a file that goes
	places  map[manifest]string // the file in which each manifest was seen last; made by the first Find
	unseen  map[string]bool     // files that changed since
	folded  map[string]string   // paths by their lower case; made by the first Place of a new manifest
	content content
	set     *schema.Set
}

// manifest is what a manifest is found by.
type manifest struct {
	kind schema.Kind
	name string
}

// Paths lists the files, sorted.
func (d *Draft) Paths() []string {
	var paths []string
	for _, it := range d.listing().items {
		paths = append(paths, it.name)
	}
	return paths
}

// Read returns the content of a file. One that is not there is fs.ErrNotExist.
func (d *Draft) Read(path string) ([]byte, error) {
	if data, ok := d.changed[path]; ok && data != nil {
		return slices.Clone(data), nil
	} else if f := d.files[path]; !ok && f != nil {
		return slices.Clone(f.data), nil
	}
	return nil, fmt.Errorf("read manifest file %s: %w", path, fs.ErrNotExist)
}

// Write makes or replaces a file. The path of a new one must be one that every system can check out.
func (d *Draft) Write(path string, data []byte) error {
	if err := checkPath(path); err != nil && d.files[path] == nil {
		return err
	}
	d.put(path, append([]byte{}, data...))
	return nil
}

// put changes a file, or takes it away if data is nil.
func (d *Draft) put(path string, data []byte) {
	d.changed[path], d.unseen[path] = data, true
	if d.folded != nil && data != nil {
		d.folded[strings.ToLower(path)] = path
	}
}

// Remove removes a file. Without comments and documents a file is better removed than left.
func (d *Draft) Remove(path string) error {
	if _, err := d.Read(path); err != nil {
		return err
	}
	d.put(path, nil)
	return nil
}

// Find returns the file in which a manifest stands. One that stays in its file is found without looking at any other, so
// that ten thousand can be edited one after the other.
func (d *Draft) Find(kind schema.Kind, name string) (path string, ok bool) {
	m := manifest{kind, name}
	if path, ok := d.places[m]; ok && d.holds(path, m) {
		return path, true
	}
	d.look()
	if path, ok := d.places[m]; ok && d.holds(path, m) {
		return path, true
	}
	return "", false
}

// holds reports whether a file holds a manifest that was seen in it.
func (d *Draft) holds(path string, m manifest) bool {
	data, changed := d.changed[path]
	if !changed {
		return true
	}
	_, err := schema.Document(data, m.kind, m.name)
	return err == nil
}

// look notes what stands in the files that were not seen yet.
func (d *Draft) look() {
	note := func(path string, f *schema.File) {
		for kind, name := range f.Declared() {
			d.places[manifest{kind, name}] = path
		}
	}
	if d.places == nil {
		d.places = make(map[manifest]string)
		for path, f := range d.files {
			note(path, f.parsed)
		}
	}
	for path := range d.unseen {
		note(path, schema.ParseFile(path, d.changed[path]))
	}
	clear(d.unseen)
}

// Place returns the file in which a manifest stands, or the one in which a new one belongs: KIND/NAME.yaml. If there is a
// file whose path differs in nothing but case, it is that one, because a clone on Windows cannot hold both.
func (d *Draft) Place(kind schema.Kind, name string) string {
	if path, ok := d.Find(kind, name); ok {
		return path
	}
	path := DefaultPath(kind, name)
	if d.folded == nil {
		d.folded = make(map[string]string)
		for _, it := range d.listing().items {
			d.folded[strings.ToLower(it.name)] = it.name
		}
	}
	if other, ok := d.folded[strings.ToLower(path)]; ok && d.has(other) {
		return other
	}
	return path
}

func (d *Draft) has(path string) bool {
	data, changed := d.changed[path]
	return changed && data != nil || !changed && d.files[path] != nil
}

// drop forgets changes that change nothing.
func (d *Draft) drop() {
	for path, data := range d.changed {
		f := d.files[path]
		if f == nil && data == nil || f != nil && data != nil && slices.Equal(f.data, data) {
			delete(d.changed, path)
		}
	}
}

// listing is what the draft holds now, in the form that a revision is judged in.
func (d *Draft) listing() *listing {
	l := d.base
	l.revision, l.items = "", nil
	for _, it := range d.base.items {
		if _, ok := d.changed[it.name]; !ok {
			l.items = append(l.items, it)
		}
	}
	for path, data := range d.changed {
		if data != nil {
			id := plumbing.ComputeHash(plumbing.BlobObject, data).String()
			l.items = append(l.items, item{name: path, id: id, size: int64(len(data)), data: data})
		}
	}
	slices.SortFunc(l.items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return &l
}

// syncPath flushes a file or folder to the disk, where the system can do that to one that is only read.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// syncWithFolder flushes a file and the folder that names it.
func syncWithFolder(path string) error {
	return errors.Join(syncPath(path), syncPath(filepath.Dir(path)))
}
