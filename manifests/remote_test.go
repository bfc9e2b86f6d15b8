package manifests

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRemoteFollowsForcePushes(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	old := commit(t, repo, tree{"a.yaml": server})
	for name, cacheDir := range map[string]string{"disk": t.TempDir(), "memory": ""} {
		run(t, repo, "git", "reset", "-q", "--hard", old)
		s := mustOpen(t, serveGit(t, repo).spec, Options{Cache: cacheDir})
		look(t, s)
		commit(t, repo, tree{"a.yaml": server9})
		look(t, s)
		run(t, repo, "git", "reset", "-q", "--hard", old)
		if snap := look(t, s); snap.Revision != old {
			t.Errorf("%s: after a rewind: %+v", name, *snap)
		}
		run(t, repo, "git", "commit", "-q", "--amend", "-m", "another")
		if snap := look(t, s); snap.Revision == old || servers(snap) != "main 5.8.2" {
			t.Errorf("%s: after an amendment: %+v", name, *snap)
		}
	}
}

func TestRemoteBranches(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	run(t, repo, "git", "switch", "-q", "-c", "team/other")
	commit(t, repo, tree{"a.yaml": server9})
	h := serveGit(t, repo)
	if got := servers(look(t, mustOpen(t, h.spec+"#main", Options{}))); got != "main 5.8.2" {
		t.Errorf("main: %q", got)
	}
	head := mustOpen(t, h.spec, Options{})
	if got := servers(look(t, head)); got != "main 5.9.0" {
		t.Errorf("HEAD: %q", got)
	}
	run(t, repo, "git", "switch", "-q", "main")
	if got := servers(look(t, head)); got != "main 5.8.2" {
		t.Errorf("HEAD elsewhere: %q", got)
	}
	other := mustOpen(t, h.spec, Options{Branch: "team/other"})
	look(t, other)
	run(t, repo, "git", "branch", "-q", "-D", "team/other")
	wantText(t, lookFails(t, other), "branch team/other does not exist there")
	if servers(other.Current()) != "main 5.9.0" {
		t.Error("the deletion of the branch forgot its manifests")
	}
}

func TestRemotePasswordStaysSecret(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	h := serveGit(t, repo)
	h.password = "s3cret"
	var log bytes.Buffer
	o := Options{Cache: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))}
	wantText(t, lookFails(t, mustOpen(t, h.spec, o)), "authentication required")
	s := mustOpen(t, strings.Replace(h.spec, "://", "://me:s3cret@", 1), o)
	look(t, s)
	h.down.Store(true)
	reason := lookFails(t, s)
	h.Server.Close()
	reason += lookFails(t, s)
	shown := log.String() + reason + s.String()
	err := filepath.WalkDir(o.Cache, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		shown += path + string(data)
		return err
	})
	if err != nil || !strings.Contains(shown, "manifests taken") {
		t.Fatal(err, shown)
	}
	if strings.Contains(shown, "s3cret") {
		t.Errorf("the password was shown or stored:\n%s", shown)
	}
}

func TestRemoteOverTLS(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	h := newGitServer(t, repo)
	h.StartTLS()
	spec := "git+" + h.URL + "/repo"
	wantText(t, lookFails(t, mustOpen(t, spec, Options{})), "certificate")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if got := servers(look(t, mustOpen(t, spec, Options{CA: ca}))); got != "main 5.8.2" {
		t.Errorf("got %q", got)
	}
}

// After a restart while the remote is down, what was fetched before is in force.
func TestRemoteStartsFromItsCache(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	h := serveGit(t, repo)
	o := Options{Cache: t.TempDir()}
	look(t, mustOpen(t, h.spec, o))
	h.down.Store(true)
	s := mustOpen(t, h.spec, o)
	lookFails(t, s)
	if servers(s.Current()) != "main 5.8.2" {
		t.Errorf("%+v", *s.Current())
	}
	lookFails(t, s)
	h.down.Store(false)
	commit(t, repo, tree{"a.yaml": server9})
	if got := servers(look(t, s)); got != "main 5.9.0" {
		t.Errorf("got %q", got)
	}
}

func TestRemoteMendsItsCache(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	h := serveGit(t, repo)
	for name, damage := range map[string]func(dir string) error{
		"packs without content": func(dir string) error { return truncateAll(filepath.Join(dir, "objects", "pack")) },
		"packs that are gone":   func(dir string) error { return os.RemoveAll(filepath.Join(dir, "objects", "pack")) },
		"no objects":            func(dir string) error { return os.RemoveAll(filepath.Join(dir, "objects")) },
		"a torn reference":      func(dir string) error { return os.Truncate(filepath.Join(dir, "refs", "lull", "head"), 7) },
		"an empty reference":    func(dir string) error { return os.Truncate(filepath.Join(dir, "refs", "lull", "head"), 0) },
		"a torn configuration":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "config"), []byte("[core"), 0o600) },
		"no HEAD":               func(dir string) error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"a file in its place":   func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Cache: t.TempDir()}
			s := mustOpen(t, h.spec, o)
			look(t, s)
			if err := damage(s.place.(*remoteRepo).cache); err != nil {
				t.Fatal(err)
			}
			again := mustOpen(t, h.spec, o)
			if got := servers(look(t, again)); got != "main 5.8.2" {
				t.Errorf("got %q", got)
			}
			if entries, err := os.ReadDir(o.Cache); err != nil || len(entries) != 1 {
				t.Errorf("the cache folder holds %v, %v", entries, err)
			}
			if got := servers(look(t, mustOpen(t, h.spec, o))); got != "main 5.8.2" {
				t.Errorf("opened once more: %q", got)
			}
		})
	}
}

func truncateAll(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		err = errors.Join(err, os.Chmod(path, 0o600), os.Truncate(path, 0))
	}
	return err
}

func TestRemoteSaysWhyItCannotBeRead(t *testing.T) {
	t.Parallel()
	repo := newRepo(t)
	h := serveGit(t, repo)
	wantText(t, lookFails(t, mustOpen(t, h.spec+"-missing", Options{})), "check the path")
	wantText(t, lookFails(t, mustOpen(t, h.spec+"#nope", Options{})), "branch nope does not exist there")

	empty := filepath.Join(t.TempDir(), "empty")
	run(t, "", "git", "init", "-q", empty)
	if snap := look(t, mustOpen(t, serveGit(t, empty).spec, Options{})); !snap.Seen() || snap.Set.Len() != 0 {
		t.Errorf("a remote without commits: %+v", *snap)
	}

	sha256 := serveGit(t, newRepo(t, "--object-format=sha256"))
	wantText(t, lookFails(t, mustOpen(t, sha256.spec, Options{})), "only sha1 can be read")
}

// A server that takes the request and never answers holds nobody longer than allowed.
func TestRemoteThatHangs(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	h := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}))
	defer h.Close()
	defer close(free)
	s := mustOpen(t, "git+"+h.URL+"/repo", Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := s.Look(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	if s.Current().Unreachable != nil {
		t.Error("the end of the caller's patience is no state of the source")
	}
}
