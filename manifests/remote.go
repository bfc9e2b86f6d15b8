package manifests

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"
)

const (
	fetchTimeout = 60 * time.Second // a server that needs longer for a few kilobytes is as good as down
	maxPacks     = 100              // each fetch leaves one, and every read searches all of them
)

// fetched is the reference under which the cache keeps what is followed, be it the remote's HEAD or a branch.
const fetched plumbing.ReferenceName = "refs/lull/head"

// remoteRepo is a git repository behind HTTPS. It is cloned once, whole and without a work tree, into a cache that may be
// lost at any time; then only what is new is fetched.
type remoteRepo struct {
	url    string // without user name and password, which are in auth alone
	auth   transport.AuthMethod
	ca     []byte
	branch string // "" is the remote's HEAD
	cache  string // folder; "" is memory
	store  storage.Storer
	walker walker
}

// cacheFolder is where a clone of one branch of one repository lies.
func cacheFolder(base, url, branch string) string {
	if base == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(url + "#" + branch))
	return filepath.Join(base, hex.EncodeToString(sum[:8]))
}

// look fetches, and publishes what came only after it was read. If the remote is down, the cache stands in for the
// first look; if the cache is broken, it is cloned anew.
func (r *remoteRepo) look(ctx context.Context, tried string) (*listing, error) {
	limited, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	l, err := r.update(limited, tried)
	if err != nil && !remoteFault(err) {
		l, err = r.renew(limited, tried)
	}
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &listing{}, nil
	}
	if err != nil && tried == untried {
		l, _ = r.cached(ctx, tried) // better than nothing; if there is nothing, the reason is the first error
	}
	if err != nil {
		err = fmt.Errorf("fetch %s: %w", r.url, inWords(err, r.branch))
	}
	return l, err
}

func (r *remoteRepo) folders() []string { return nil }

func (r *remoteRepo) before(ctx context.Context, revision string) (*listing, error) {
	return r.walker.before(ctx, r.store, revision)
}

func (r *remoteRepo) update(ctx context.Context, tried string) (*listing, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.fetch(ctx, r.store); err != nil {
		return nil, err
	}
	if packs, ok := r.store.(*filesystem.Storage); ok {
		if all, err := packs.ObjectPacks(); err != nil || len(all) > maxPacks {
			return r.renew(ctx, tried)
		}
	}
	return r.cached(ctx, tried)
}

// cached lists what was fetched last. A cache that holds nothing has no listing.
func (r *remoteRepo) cached(ctx context.Context, tried string) (*listing, error) {
	if r.store == nil {
		return nil, nil
	}
	ref, err := r.store.Reference(fetched)
	if errors.Is(err, plumbing.ErrReferenceNotFound) || err == nil && revision(ref.Hash()) == tried {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.walker.walk(ctx, r.store, ref.Hash())
}

func (r *remoteRepo) open() error {
	if r.store != nil {
		return nil
	}
	s, err := newCache(r.cache)
	if err == nil {
		r.store = s
	}
	return err
}

// newCache opens the cache in a folder, and makes it if it is not there; "" is memory.
func newCache(folder string) (storage.Storer, error) {
	if folder == "" {
		return memory.NewStorage(), nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	s := filesystem.NewStorage(osfs.New(folder), cache.NewObjectLRU(objectCache))
	if _, err := git.Init(s, nil); err != nil && !errors.Is(err, git.ErrRepositoryAlreadyExists) {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	return s, nil
}

// fetch brings what is followed up to date, also after a force-push. The remote is not part of any configuration file,
// so that no password is ever written.
func (r *remoteRepo) fetch(ctx context.Context, into storage.Storer) error {
	from := plumbing.HEAD
	if r.branch != "" {
		from = plumbing.NewBranchReferenceName(r.branch)
	}
	remote := git.NewRemote(into, &config.RemoteConfig{Name: "origin", URLs: []string{r.url}})
	err := remote.FetchContext(ctx, &git.FetchOptions{
		RefSpecs: []config.RefSpec{config.RefSpec("+" + from + ":" + fetched)},
		Auth:     r.auth,
		CABundle: r.ca,
		Tags:     git.NoTags,
		Force:    true,
	})
	if errors.Is(err, git.NoErrAlreadyUpToDate) {
		return nil
	}
	return err
}

// renew clones anew beside the cache and replaces it once the clone was read, so that a failure loses nothing.
func (r *remoteRepo) renew(ctx context.Context, tried string) (*listing, error) {
	fresh := *r
	if r.cache != "" {
		fresh.cache = r.cache + ".new"
	}
	if err := os.RemoveAll(fresh.cache); err != nil {
		return nil, err
	}
	fresh.store, fresh.walker = nil, walker{}
	if err := fresh.open(); err != nil {
		return nil, err
	}
	if err := fresh.fetch(ctx, fresh.store); err != nil {
		return nil, err
	}
	if _, err := fresh.cached(ctx, untried); err != nil {
		return nil, err
	}
	r.store, r.walker = fresh.store, fresh.walker
	if r.cache != "" {
		r.store = nil
		if err := errors.Join(os.RemoveAll(r.cache), os.Rename(fresh.cache, r.cache)); err != nil {
			return nil, fmt.Errorf("replace the cache: %w", err)
		}
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r.cached(ctx, tried)
}

// remoteFault reports whether an error comes from the other side or the way there, and not from the cache.
func remoteFault(err error) bool {
	var network *net.OpError // not net.Error, which the errors of files are, too
	var address *url.Error
	var status *plumbing.UnexpectedError
	if errors.As(err, &network) || errors.As(err, &address) || errors.As(err, &status) {
		return true
	}
	for _, known := range []error{
		transport.ErrEmptyRemoteRepository, transport.ErrAuthenticationRequired, transport.ErrAuthorizationFailed,
		transport.ErrRepositoryNotFound, git.NoMatchingRefSpecError{}, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// inWords says what to do about the errors of go-git that a person can do something about.
func inWords(err error, branch string) error {
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fmt.Errorf("%w: write git+https://USER:PASSWORD@HOST/…", err)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%w: the user may not read this repository", err)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%w: check the path, and whether it needs a user name and a password", err)
	case errors.Is(err, git.NoMatchingRefSpecError{}) && branch != "":
		return fmt.Errorf("branch %s does not exist there", branch)
	case strings.Contains(err.Error(), "object-format=sha256"): // go-git stumbles over the first line
		return errors.New("its object format is sha256, and only sha1 can be read")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", fetchTimeout)
	}
	return err
}
