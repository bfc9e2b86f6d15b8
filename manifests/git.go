package manifests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"

	"lull/schema"
)

// walker lists the manifest files of commits. It remembers the folders of the last commit, so that a folder that did
// not change is never read again.
type walker struct{ root *node }

// node is one folder of a commit. It is never changed once made.
type node struct {
	hash    plumbing.Hash
	items   []item
	errors  schema.Errors
	folders map[string]*node
}

// walk lists the manifests of a commit; the zero hash has none. Every object that is new to the walker is read, so that
// a commit whose objects are not all there is an error.
func (w *walker) walk(ctx context.Context, objects storer.EncodedObjectStorer, commit plumbing.Hash) (*listing, error) {
	if commit.IsZero() {
		return &listing{}, nil
	}
	c, err := object.GetCommit(objects, commit)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", commit, incomplete(err))
	}
	p := pass{ctx: ctx, objects: objects}
	l := &listing{revision: commit.String()}
	root, err := p.folder("", c.TreeHash, w.root, 0)
	switch {
	case errors.Is(err, errTooMuch):
		l.errors = tooMuch(l)
		return l, nil
	case err != nil:
		return nil, fmt.Errorf("read commit %s: %w", commit, incomplete(err))
	}
	root.list(l)
	if w.root = root; len(l.within()) > 0 {
		w.root = nil // some files were not read
	}
	slices.SortFunc(l.items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return l, nil
}

// before lists the first parent of a commit, or returns nil if it has none.
func (w *walker) before(ctx context.Context, objects storer.EncodedObjectStorer, revision string) (*listing, error) {
	c, err := object.GetCommit(objects, plumbing.NewHash(revision))
	if err != nil || parent(c).IsZero() {
		return nil, err
	}
	return w.walk(ctx, objects, parent(c))
}

// incomplete adds what to do to the error for a missing object, which alone reads as if a file were missing.
func incomplete(err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%w: the repository is incomplete: it must be neither a partial clone nor damaged (see git fsck)", err)
	}
	return err
}

// list appends everything below a folder to a listing.
func (n *node) list(l *listing) {
	l.items = append(l.items, n.items...)
	l.errors = append(l.errors, n.errors...)
	for _, sub := range n.folders {
		sub.list(l)
	}
}

// pass is one walk over a commit.
type pass struct {
	ctx     context.Context
	objects storer.EncodedObjectStorer
	files   int   // that were read
	folders int   // that were read
	total   int64 // bytes of files
}

// folder reads a tree; old is what the last commit had at the same path.
func (p *pass) folder(name string, hash plumbing.Hash, old *node, depth int) (*node, error) {
	if old != nil && old.hash == hash {
		return old, nil
	}
	if p.folders++; p.folders > maxFolders {
		return nil, errTooMuch
	}
	if err := p.ctx.Err(); err != nil {
		return nil, err
	}
	tree, err := object.GetTree(p.objects, hash)
	if err != nil {
		return nil, fmt.Errorf("folder %q: %w", name, err)
	}
	n := &node{hash: hash, folders: make(map[string]*node)}
	known := old.known()
	for _, e := range tree.Entries {
		if err := p.entry(n, path.Join(name, e.Name), e, old, known, depth); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// known is the items of a folder by identity and name.
func (n *node) known() map[string]item {
	if n == nil {
		return nil
	}
	known := make(map[string]item, len(n.items))
	for _, it := range n.items {
		known[it.name] = it
	}
	return known
}

func (p *pass) entry(n *node, name string, e object.TreeEntry, old *node, known map[string]item, depth int) error {
	switch {
	case isHidden(e.Name):
		return nil
	case e.Mode == filemode.Dir && depth == maxDepth:
		n.refuse(name, fmt.Sprintf("more than %d folders in each other", maxDepth), "put manifests higher")
		return nil
	case e.Mode == filemode.Dir:
		return p.subfolder(n, name, e, old, depth)
	case e.Mode == filemode.Submodule:
		n.refuse(name, "submodules are not read", "put the manifests into this repository")
		return nil
	case e.Mode == filemode.Symlink:
		n.refuse(name, "symbolic links in git are not followed", "put the file itself here")
		return nil
	case !isManifest(e.Name):
		return nil
	}
	return p.file(n, name, e, known)
}

func (p *pass) subfolder(n *node, name string, e object.TreeEntry, old *node, depth int) error {
	var before *node
	if old != nil {
		before = old.folders[e.Name]
	}
	sub, err := p.folder(name, e.Hash, before, depth+1)
	if err == nil {
		n.folders[e.Name] = sub
	}
	return err
}

func (p *pass) file(n *node, name string, e object.TreeEntry, known map[string]item) error {
	id := e.Hash.String()
	if it, ok := known[name]; ok && it.id == id {
		n.items = append(n.items, it)
		return nil
	}
	if p.files++; p.files > maxFiles {
		return errTooMuch
	}
	it, err := p.blob(name, e.Hash)
	if err != nil {
		return fmt.Errorf("file %q: %w", name, err)
	}
	n.items = append(n.items, it)
	return nil
}

// blob reads a file. One that is beyond what a revision may hold is not read: its size alone will be refused.
func (p *pass) blob(name string, hash plumbing.Hash) (item, error) {
	it := item{name: name, id: hash.String()}
	size, err := p.objects.EncodedObjectSize(hash)
	if err != nil && !errors.Is(err, plumbing.ErrObjectNotFound) { // go-git looks for sizes in no alternate
		return it, err
	}
	if p.total += size; size > maxFileSize || p.total > maxTotalSize {
		it.size = size
		return it, nil
	}
	b, err := object.GetBlob(p.objects, hash)
	if err != nil {
		return it, err
	}
	r, err := b.Reader()
	if err != nil {
		return it, err
	}
	it.data = make([]byte, b.Size)
	it.size = b.Size
	_, err = io.ReadFull(r, it.data)
	return it, errors.Join(err, r.Close())
}

func (n *node) refuse(name, message, hint string) {
	n.errors = append(n.errors, refuse(name, message, hint))
}

// resolve finds the commit that HEAD, or a branch, a tag or a commit by name, stands for. The zero hash is a repository
// without any commit.
func resolve(s storage.Storer, name string) (plumbing.Hash, error) {
	for _, ref := range candidates(name) {
		r, err := storer.ResolveReference(s, ref)
		if err == nil {
			return peel(s, r.Hash())
		}
		if !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return plumbing.ZeroHash, fmt.Errorf("read %s: %w", ref, err)
		}
	}
	if plumbing.IsHash(name) {
		return peel(s, plumbing.NewHash(name))
	}
	branches, err := branchNames(s)
	switch {
	case err != nil:
		return plumbing.ZeroHash, err
	case len(branches) == 0:
		return plumbing.ZeroHash, nil
	case name == "":
		return plumbing.ZeroHash, fmt.Errorf("HEAD names a branch without a commit: name one of %s", strings.Join(branches, ", "))
	}
	return plumbing.ZeroHash, fmt.Errorf("branch %s does not exist: there are %s", name, strings.Join(branches, ", "))
}

func candidates(name string) []plumbing.ReferenceName {
	if name == "" {
		return []plumbing.ReferenceName{plumbing.HEAD}
	}
	return []plumbing.ReferenceName{plumbing.NewBranchReferenceName(name), plumbing.NewTagReferenceName(name),
		plumbing.ReferenceName("refs/remotes/" + name)}
}

// peel follows annotated tags to the commit.
func peel(s storage.Storer, hash plumbing.Hash) (plumbing.Hash, error) {
	tag, err := object.GetTag(s, hash)
	if err != nil {
		return hash, nil // a commit, or nothing, which reading it will say
	}
	c, err := tag.Commit()
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("tag %s: %w", tag.Name, err)
	}
	return c.Hash, nil
}

// branchNames lists the branches, at most ten.
func branchNames(s storage.Storer) ([]string, error) {
	refs, err := s.IterReferences()
	if err != nil {
		return nil, fmt.Errorf("read branches: %w", err)
	}
	defer refs.Close()
	var names []string
	err = refs.ForEach(func(r *plumbing.Reference) error {
		if r.Name().IsBranch() && len(names) < 10 {
			names = append(names, r.Name().Short())
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// revision is the name of a commit; the zero hash, no commit, is the empty revision.
func revision(commit plumbing.Hash) string {
	if commit.IsZero() {
		return ""
	}
	return commit.String()
}
