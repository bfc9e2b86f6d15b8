package manifests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// objectCache bounds what go-git keeps of an open repository. Its own default is 96 MiB for each one, and manifests are
// small and read once.
const objectCache = 8 * cache.MiByte

// localRepo is a git repository on this disk, opened where it lies. Only its objects are read, never its work tree.
type localRepo struct {
	path   string
	ref    string // "" is HEAD
	walker walker
}

// look opens the repository anew, because go-git would not notice that git repacked it in the meantime. For the same
// reason it looks twice before it gives up.
func (r *localRepo) look(ctx context.Context, tried string) (*listing, error) {
	l, err := r.read(ctx, tried)
	if err != nil && ctx.Err() == nil {
		l, err = r.read(ctx, tried)
	}
	if err != nil {
		return nil, fmt.Errorf("repository %s: %w", r.path, err)
	}
	return l, nil
}

func (r *localRepo) read(ctx context.Context, tried string) (*listing, error) {
	s, err := openStorage(r.path)
	if err != nil {
		return nil, err
	}
	head, err := resolve(s, r.ref)
	if err != nil || revision(head) == tried {
		return nil, err
	}
	return r.walker.walk(ctx, s, head)
}

func (r *localRepo) before(ctx context.Context, revision string) (*listing, error) {
	s, err := openStorage(r.path)
	if err != nil {
		return nil, err
	}
	return r.walker.before(ctx, s, revision)
}

// folders are those in which git replaces HEAD, packed-refs and branches. The worktree does not matter.
func (r *localRepo) folders() []string {
	dir, common, err := gitFolders(r.path)
	if err != nil {
		return []string{r.path}
	}
	folders := []string{dir}
	if common != dir {
		folders = append(folders, common)
	}
	// What cannot be walked is not watched; the interval is what is relied on.
	_ = filepath.WalkDir(filepath.Join(common, "refs", "heads"), func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			folders = append(folders, p)
		}
		return nil
	})
	return folders
}

// errNoRepository says that a path is there and no repository.
var errNoRepository = errors.New("it is not a git repository; for a folder of manifests write dir:PATH")

// openStorage opens the repository at path, bare or with a worktree, for reading its objects.
func openStorage(path string) (*filesystem.Storage, error) {
	dir, common, err := gitFolders(path)
	if err != nil {
		return nil, err
	}
	var fsys billy.Filesystem = osfs.New(dir)
	if common != dir {
		fsys = dotgit.NewRepositoryFilesystem(fsys, osfs.New(common))
	}
	s := filesystem.NewStorageWithOptions(fsys, cache.NewObjectLRU(objectCache), filesystem.Options{
		AlternatesFS: osfs.New(filepath.VolumeName(common) + string(filepath.Separator)),
	})
	return s, supported(s)
}

// supported says which repositories go-git cannot read, in better words than its own.
func supported(s *filesystem.Storage) error {
	cfg, err := s.Config()
	if err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	extensions := cfg.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && !strings.EqualFold(format, "sha1") {
		return fmt.Errorf("its object format is %s, and only sha1 can be read: make one with git init --object-format=sha1", format)
	}
	if refs := extensions.Option("refstorage"); refs != "" && !strings.EqualFold(refs, "files") {
		return fmt.Errorf("its references are stored as %s, and only files can be read: git refs migrate --ref-format=files", refs)
	}
	return nil
}

// gitFolders finds the git folder of a repository and the one it shares with its other worktrees, which is the same
// for most.
func gitFolders(path string) (dir, common string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", "", errors.New("it does not exist")
	}
	dir = filepath.Join(path, ".git")
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		if dir, err = pointer(dir, "gitdir: "); err != nil {
			return "", "", err
		}
	case errors.Is(err, fs.ErrNotExist):
		dir = path
	case err != nil:
		return "", "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil {
		return "", "", errNoRepository
	}
	common, err = pointer(filepath.Join(dir, "commondir"), "")
	if errors.Is(err, fs.ErrNotExist) {
		return dir, dir, nil
	}
	return dir, common, err
}

// pointer reads a file of git that holds a path, relative to its own folder.
func pointer(file, prefix string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), prefix)
	if !ok {
		return "", fmt.Errorf("read %s: it does not begin with %q", file, prefix)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(file), target)
	}
	return target, nil
}
