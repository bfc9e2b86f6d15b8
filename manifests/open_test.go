package manifests

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"lull/schema"
)

func TestOpenRefusesWithWords(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, tree{"file.yaml": server})
	for spec, want := range map[string]string{
		"":                                   "it is empty",
		"dir:":                               "the path is empty",
		"dir:" + dir + "/file.yaml":          "it is a file",
		dir:                                  "not a git repository; for a folder of manifests write dir:PATH",
		"~/manifests":                        "~ is a word of the shell",
		"dir:~/manifests":                    "~ is a word of the shell",
		"git+ssh://git@example.org/m.git":    "ssh is not carried out yet",
		"git@example.org:m.git":              "ssh is not carried out yet",
		"https://example.org/m.git":          "write git+https://",
		"git+http://example.org/m.git":       "http protects nothing",
		"git+https:///m.git":                 "want git+https://HOST/PATH",
		"git+https://me:secret@ho st/m":      "want git+https://HOST/PATH",
		"ftp://example.org/m":                "want dir:PATH",
		"git+https://me:secret@[::1/m?x=y#z": "want git+https://HOST/PATH",
		"git+https://me:s/secret@host/m":     "want git+https://HOST/PATH",
	} {
		_, err := Open(spec, Options{})
		if err == nil {
			t.Errorf("%q was opened", spec)
			continue
		}
		wantText(t, err.Error(), want)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password: %v", spec, err)
		}
	}
	if _, err := Open("dir:"+dir, Options{Branch: "main"}); err == nil || !strings.Contains(err.Error(), "no branches") {
		t.Errorf("a folder with a branch: %v", err)
	}
}

func TestOpenTakesPathsAsPeopleGiveThem(t *testing.T) {
	repo := newRepo(t)
	commit(t, repo, tree{"a.yaml": server})
	run(t, repo, "git", "branch", "other")
	t.Chdir(filepath.Dir(repo))
	for _, spec := range []string{"repo", "./repo", "repo/", "repo#other", "repo/.git", "dir:repo", "dir:./repo/"} {
		if got := servers(look(t, mustOpen(t, spec, Options{}))); got != "main 5.8.2" {
			t.Errorf("%s: %q", spec, got)
		}
	}
}

func TestReadAPathAsItLies(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "m", tree{"a.yaml": server, "sub/b.json": `{"apiVersion": "lull/v1", "kind": "Server", "metadata": {"name": "second"}, "spec": {"version": "1.0"}}`})
	for spec, want := range map[string][2]string{
		"m":          {"main 5.8.2, second 1.0", "m/a.yaml"},
		"./m/":       {"main 5.8.2, second 1.0", "m/a.yaml"},
		"m/a.yaml":   {"main 5.8.2", "m/a.yaml"},
		"dir:m":      {"main 5.8.2, second 1.0", "a.yaml"},
		dir + "/m/.": {"main 5.8.2, second 1.0", filepath.ToSlash(dir) + "/m/a.yaml"},
	} {
		snap, err := Read(t.Context(), spec, Options{})
		if err != nil {
			t.Errorf("%s: %v", spec, err)
			continue
		}
		if path, _ := snap.Find(schema.KindServer, "main"); servers(snap) != want[0] || path != want[1] {
			t.Errorf("%s: %q in %q", spec, servers(snap), path)
		}
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "m", tree{"a.yaml": broken, "b.yaml": "kind: [\n"})
	_, err := Read(t.Context(), "m", Options{})
	var invalid *Invalid
	if !errors.As(err, &invalid) || len(invalid.Errors) < 2 {
		t.Fatalf("got %v", err)
	}
	wantText(t, err.Error(), "m/a.yaml:4:")
	wantText(t, err.Error(), "m/b.yaml:")
	if _, err := Read(t.Context(), "dir:missing", Options{}); err == nil || !strings.Contains(err.Error(), "it does not exist") {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := Read(t.Context(), "missing", Options{}); err == nil || !strings.Contains(err.Error(), "it does not exist") {
		t.Errorf("a missing path: %v", err)
	}
}

func TestReadARevisionOfARepository(t *testing.T) {
	repo := newRepo(t)
	old := commit(t, repo, tree{"a.yaml": server})
	run(t, repo, "git", "tag", "-a", "v1", "-m", "a tag with a message")
	run(t, repo, "git", "branch", "feature/x")
	commit(t, repo, tree{"a.yaml": server9})
	for ref, want := range map[string]string{"main": "main 5.9.0", "feature/x": "main 5.8.2", "v1": "main 5.8.2", old: "main 5.8.2"} {
		snap, err := Read(t.Context(), repo, Options{Branch: ref})
		if err != nil || servers(snap) != want {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err := Read(t.Context(), repo, Options{Branch: "nope"})
	wantText(t, err.Error(), "branch nope does not exist: there are feature/x, main")
}

func TestSourcesNeverNameAPassword(t *testing.T) {
	for _, spec := range []string{"git+https://me:secret@example.org/m.git#b", "git+https://secret@example.org/m.git"} {
		if s := mustOpen(t, spec, Options{}); s.String() != "git+https://example.org/m.git" {
			t.Errorf("%s is shown as %s", spec, s)
		}
	}
}

func TestPhaseSpreadsLooks(t *testing.T) {
	at := time.Date(2026, 12, 1, 6, 7, 0, 0, time.UTC)
	for _, c := range []struct{ interval, phase, want time.Duration }{
		{5 * time.Minute, 0, 5 * time.Minute},
		{5 * time.Minute, time.Minute, 4 * time.Minute},     // 06:11
		{5 * time.Minute, 3 * time.Minute, time.Minute},     // 06:08
		{5 * time.Minute, 2 * time.Minute, 5 * time.Minute}, // now, so the next one
		{5 * time.Minute, 13 * time.Minute, time.Minute},
	} {
		if got := (Options{Interval: c.interval, Phase: c.phase}).pause(at); got != c.want {
			t.Errorf("interval %s, phase %s: %s, want %s", c.interval, c.phase, got, c.want)
		}
	}
}

// Many waiters see each change, and a nudge makes a source look that would not have looked for an hour.
func TestChangedReachesEverybody(t *testing.T) {
	repo := newRepo(t)
	h := serveGit(t, repo)
	s := mustOpen(t, h.spec, Options{Interval: time.Hour})
	start(t, s)
	await(t, s, "the first look", (*Snapshot).Seen)
	seen := make(chan string, 3)
	for range 3 {
		changed := s.Changed()
		go func() { <-changed; seen <- servers(s.Current()) }()
	}
	commit(t, repo, tree{"a.yaml": server})
	s.Nudge()
	for range 3 {
		if got := <-seen; got != "main 5.8.2" {
			t.Errorf("got %q", got)
		}
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, open := range places() {
		ctx, cancel := context.WithCancel(t.Context())
		s := open(t).source
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		await(t, s, "the first look", (*Snapshot).Seen)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	// One goroutine is the test server's, which ends with the test.
	for runtime.NumGoroutine() > before+1 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before+1 {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after:\n%s", before, now, stacks[:runtime.Stack(stacks, true)])
	}
}

// A source that was never reachable is not seen as one without manifests.
func TestUnreachableIsNotEmpty(t *testing.T) {
	s := mustOpen(t, "dir:"+filepath.Join(t.TempDir(), "later"), Options{})
	wantText(t, lookFails(t, s), "it does not exist")
	if s.Current().Seen() {
		t.Error("seen")
	}
	since := s.Current().Unreachable.Since
	lookFails(t, s)
	if !s.Current().Unreachable.Since.Equal(since) {
		t.Error("a second failure moved the time of the first")
	}
	if err := os.Mkdir(strings.TrimPrefix(s.String(), "dir:"), 0o755); err != nil {
		t.Fatal(err)
	}
	if snap := look(t, s); !snap.Seen() || snap.Unreachable != nil {
		t.Errorf("%+v", *snap)
	}
}
