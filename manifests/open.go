package manifests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"lull/schema"
)

// How often a source is looked at by itself. Folders and local repositories are watched too, so that theirs are for what
// events miss: network drives, and systems that ran out of watches.
const (
	folderInterval = 30 * time.Second
	localInterval  = 2 * time.Second
	remoteInterval = time.Minute
)

// Options say how a source is looked at. The zero Options are good for a server.
type Options struct {
	// Branch of a repository; it goes before one that the value names. Default: HEAD. A local repository may also name a
	// tag or a commit.
	Branch string
	// Interval between two looks. Default: 30 s for a folder, 2 s for a local repository, 1 min for a remote one.
	Interval time.Duration
	// Phase spreads many readers of one repository: looks after the first happen at multiples of Interval plus Phase.
	// Default: Interval after the last one.
	Phase time.Duration
	// Cache is the folder for clones of remote repositories. Default: they are kept in memory.
	Cache string
	// CA holds further certificates in PEM form that a remote repository may be signed by.
	CA []byte
	// Log gets one line when the state changes. Default: none.
	Log *slog.Logger
	// Now is the clock, which several goroutines read. Default: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults(interval time.Duration) Options {
	o.Interval = cmp.Or(o.Interval, interval)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Open makes a source of what --manifests says: dir:PATH, git+https://… with an optional #BRANCH, or the path of a local
// repository. It looks at nothing yet: what is not there is a state of the source. Its errors are about the value.
func Open(spec string, o Options) (*Source, error) {
	s, err := open(spec, o)
	if err != nil {
		return nil, fmt.Errorf("manifests %q: %w", redact(spec), err)
	}
	return s, nil
}

// scpLike is user@host:path, which git takes for SSH.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:`)

var errSSH = errors.New("ssh is not carried out yet: use git+https, or a local clone")

func open(spec string, o Options) (*Source, error) {
	scheme, _, hasScheme := strings.Cut(spec, "://")
	folder, isFolder := strings.CutPrefix(spec, "dir:")
	switch {
	case spec == "":
		return nil, errors.New("it is empty: want dir:PATH, git+https://… or the path of a repository")
	case isFolder && !strings.HasPrefix(folder, "//"):
		return openFolder(folder, o)
	case hasScheme && (scheme == "git+https" || scheme == "git+http"):
		return openRemote(strings.TrimPrefix(spec, "git+"), o)
	case hasScheme && (scheme == "git+ssh" || scheme == "ssh"), scpLike.MatchString(spec):
		return nil, errSSH
	case hasScheme && (scheme == "https" || scheme == "http"):
		return nil, errors.New("write git+https://… if it is a repository")
	case hasScheme:
		return nil, errors.New("want dir:PATH, git+https://… or the path of a repository")
	}
	return openLocal(spec, o)
}

func openFolder(path string, o Options) (*Source, error) {
	abs, err := absolute(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, errors.New("it is a file, and a folder is wanted")
	}
	if o.Branch != "" {
		return nil, errors.New("a folder has no branches: leave out dir: if it is a repository")
	}
	return newSource("dir:"+abs, &folderPlace{root: abs}, o.withDefaults(folderInterval)), nil
}

func openLocal(spec string, o Options) (*Source, error) {
	path, branch := spec, o.Branch
	if _, err := os.Stat(spec); err != nil && branch == "" { // a path may hold a #, too
		path, branch, _ = strings.Cut(spec, "#")
	}
	abs, err := absolute(path)
	if err != nil {
		return nil, err
	}
	if _, err := openStorage(abs); errors.Is(err, errNoRepository) {
		return nil, err
	}
	return newSource(abs, &localRepo{path: abs, ref: branch}, o.withDefaults(localInterval)), nil
}

func openRemote(spec string, o Options) (*Source, error) {
	u, err := url.Parse(spec)
	if err != nil || u.Host == "" {
		return nil, errors.New("want git+https://HOST/PATH") // the error of url.Parse would show a password
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, errors.New("manifests decide what runs where, and http protects nothing: use git+https")
	}
	r := &remoteRepo{branch: cmp.Or(o.Branch, u.Fragment), ca: o.CA}
	if u.User != nil {
		password, _ := u.User.Password()
		r.auth = &githttp.BasicAuth{Username: u.User.Username(), Password: password}
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	r.url = u.String()
	r.cache = cacheFolder(o.Cache, r.url, r.branch)
	return newSource("git+"+r.url, r, o.withDefaults(remoteInterval)), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// absolute makes a path as a person gives it absolute.
func absolute(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty")
	case path == "~", strings.HasPrefix(path, "~/"):
		return "", errors.New("~ is a word of the shell: write the whole path")
	}
	return filepath.Abs(path)
}

// redact leaves user name and password out of a value, also of one that is no URL.
func redact(spec string) string {
	before, rest, ok := strings.Cut(spec, "://")
	if !ok {
		return spec
	}
	host := rest
	if _, err := url.Parse(spec); err == nil {
		host, _, _ = strings.Cut(rest, "/") // a path may hold an @, too
	}
	return before + "://" + rest[strings.LastIndex(host, "@")+1:]
}

// Invalid says that a revision was refused, and why.
type Invalid struct {
	Revision string // "" if it is none yet
	Errors   schema.Errors
}

// Error is all errors, one a line.
func (e *Invalid) Error() string { return e.Errors.Error() }

// Read reads manifests once: the path of a file or folder as it lies on the disk, or what Open takes. With a Branch a path
// is a repository. Manifests that are wrong are an *Invalid error. Positions begin with the path as it was given.
func Read(ctx context.Context, spec string, o Options) (*Snapshot, error) {
	s, err := openOnce(spec, o)
	if err != nil {
		return nil, err
	}
	if err := s.Look(ctx); err != nil {
		return nil, err
	}
	snap := s.Current()
	if snap.Refused != nil {
		return nil, &Invalid{Revision: snap.Refused.Revision, Errors: snap.Refused.Errors}
	}
	return snap, nil
}

func openOnce(spec string, o Options) (*Source, error) {
	info, err := os.Stat(spec)
	if err != nil || o.Branch != "" {
		return Open(spec, o)
	}
	abs, err := absolute(spec)
	if err != nil {
		return nil, fmt.Errorf("manifests %q: %w", spec, err)
	}
	prefix := filepath.ToSlash(spec)
	if info.IsDir() {
		prefix = strings.TrimSuffix(filepath.ToSlash(filepath.Clean(spec)), "/") + "/"
	}
	return newSource(spec, &folderPlace{root: abs, prefix: prefix}, o.withDefaults(folderInterval)), nil
}
