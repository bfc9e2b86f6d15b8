package manifests

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// The manifests that tests write.
const (
	server  = "apiVersion: lull/v1\nkind: Server\nmetadata: {name: main}\nspec: {version: \"5.8.2\"}\n"
	server9 = "apiVersion: lull/v1\nkind: Server\nmetadata: {name: main}\nspec: {version: \"5.9.0\"}\n"
	second  = "apiVersion: lull/v1\nkind: Server\nmetadata: {name: second}\nspec: {version: \"1.0\"}\n"
	broken  = "apiVersion: lull/v1\nkind: Server\nmetadata: {name: main}\nspec: {version: 5.10}\n"
)

// tree is the files of a place, by path.
type tree map[string]string

// fixture is a source and the hands of a person on the place that it reads.
type fixture struct {
	source *Source
	put    func(tree)           // makes the place hold these files and no others
	block  func() (free func()) // makes the place unreachable
}

// places is one fixture for each kind of place, for the conformance suite.
func places() map[string]func(*testing.T) fixture {
	return map[string]func(*testing.T) fixture{
		"folder": folderFixture,
		"local":  localFixture,
		"remote": remoteFixture,
		"store":  storeFixture,
	}
}

func folderFixture(t *testing.T) fixture {
	dir := filepath.Join(t.TempDir(), "manifests")
	write(t, dir, tree{})
	return fixture{
		source: mustOpen(t, "dir:"+dir, Options{}),
		put:    func(files tree) { write(t, dir, files) },
		block:  func() func() { return hide(t, dir) },
	}
}

func localFixture(t *testing.T) fixture {
	dir := newRepo(t)
	return fixture{
		source: mustOpen(t, dir, Options{}),
		put:    func(files tree) { commit(t, dir, files) },
		block:  func() func() { return hide(t, dir) },
	}
}

func remoteFixture(t *testing.T) fixture {
	dir := newRepo(t)
	h := serveGit(t, dir)
	return fixture{
		source: mustOpen(t, h.spec, Options{Interval: 50 * time.Millisecond, Cache: t.TempDir()}),
		put:    func(files tree) { commit(t, dir, files) },
		block: func() func() {
			h.down.Store(true)
			return func() { h.down.Store(false) }
		},
	}
}

func storeFixture(t *testing.T) fixture {
	dir := filepath.Join(t.TempDir(), "store")
	s, err := OpenStore(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	return fixture{
		source: s.Source,
		put: func(files tree) {
			commit(t, clone, files)
			run(t, clone, "git", "push", "-q", "origin", "HEAD:main")
		},
		block: func() func() { return hide(t, dir) },
	}
}

func mustOpen(t *testing.T, spec string, o Options) *Source {
	t.Helper()
	s, err := Open(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write makes a folder hold these files and no others, beside what begins with a dot.
func write(t *testing.T, dir string, files tree) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if old, err := os.ReadFile(path); err == nil && string(old) == text {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		if _, ok := files[filepath.ToSlash(rel)]; ok || e.IsDir() {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hide moves a folder away, as a network drive that is gone.
func hide(t *testing.T, dir string) func() {
	t.Helper()
	rename(t, dir, dir+".away")
	return func() { rename(t, dir+".away", dir) }
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// run runs a program and returns what it printed. Git sees no configuration but the repository's own.
func run(t testing.TB, dir string, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir, c.Env = dir, gitEnv()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=A. Berger", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A. Berger", "GIT_COMMITTER_EMAIL=a@example.org")
}

// newRepo makes a repository with a worktree and one commit without manifests.
func newRepo(t testing.TB, options ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	run(t, "", append([]string{"git", "init", "-q", "-b", "main", dir}, options...)...)
	run(t, dir, "git", "commit", "-q", "--allow-empty", "-m", "begin")
	return dir
}

// commit makes the worktree hold these files and commits it.
func commit(t *testing.T, dir string, files tree) string {
	t.Helper()
	write(t, dir, files)
	run(t, dir, "git", "add", "-A")
	run(t, dir, "git", "commit", "-q", "--allow-empty", "-m", "change")
	return run(t, dir, "git", "rev-parse", "HEAD")
}

// gitServer is git's own HTTP server on loopback, which can be switched off and can want a password.
type gitServer struct {
	*httptest.Server
	spec     string
	down     atomic.Bool
	password string
}

func serveGit(t *testing.T, dir string) *gitServer {
	t.Helper()
	s := newGitServer(t, dir)
	s.Server.Start()
	s.spec = "git+" + s.URL + "/" + filepath.Base(dir)
	return s
}

func newGitServer(t *testing.T, dir string) *gitServer {
	t.Helper()
	backend := filepath.Join(run(t, "", "git", "--exec-path"), "git-http-backend")
	git := &cgi.Handler{Path: backend, Stderr: io.Discard, Env: append(gitEnv()[len(os.Environ()):], "GIT_PROJECT_ROOT="+filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1")}
	s := new(gitServer)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		switch {
		case s.down.Load():
			http.Error(w, "down", http.StatusServiceUnavailable)
		case password != s.password:
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "who are you", http.StatusUnauthorized)
		default:
			git.ServeHTTP(w, r)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() {
		s.Server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return s
}

// start runs a source until the test is over, and fails the test if it does not end.
func start(t *testing.T, s *Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end")
		}
	})
}

// await returns the first snapshot for which ok holds.
func await(t *testing.T, s *Source, what string, ok func(*Snapshot) bool) *Snapshot {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		changed := s.Changed()
		if snap := s.Current(); ok(snap) {
			return snap
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: not seen within 30 s; the state is %+v", what, *s.Current())
		}
	}
}

// servers lists the Server manifests with their versions, such as "main 5.8.2".
func servers(snap *Snapshot) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(snap.Set.Servers)) {
		all = append(all, name+" "+snap.Set.Servers[name].Spec.Version.String())
	}
	return strings.Join(all, ", ")
}

func look(t *testing.T, s *Source) *Snapshot {
	t.Helper()
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.Current()
}

// lookFails looks and returns the error, which must also be the state.
func lookFails(t *testing.T, s *Source) string {
	t.Helper()
	err := s.Look(t.Context())
	if err == nil {
		t.Fatalf("the look succeeded: %+v", *s.Current())
	}
	if u := s.Current().Unreachable; u == nil || u.Reason != err.Error() {
		t.Fatalf("the look failed with %v, and the state is %+v", err, u)
	}
	return err.Error()
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got:\n\t%s\nwant it to hold:\n\t%s", got, want)
	}
}

// execGit is git in a folder, for commands that may fail.
func execGit(dir string, args ...string) *exec.Cmd {
	c := exec.Command("git", args...)
	c.Dir, c.Env = dir, gitEnv()
	return c
}

func hash(revision string) plumbing.Hash { return plumbing.NewHash(revision) }
