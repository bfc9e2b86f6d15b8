package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/schema"
)

func newStore(t testing.TB) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	begin := time.Date(2026, 12, 1, 6, 0, 0, 0, time.FixedZone("", 3600))
	var minutes atomic.Int64
	now := func() time.Time { return begin.Add(time.Duration(minutes.Add(1)) * time.Minute) }
	s, err := OpenStore(dir, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// put is a change that writes files and removes those whose text is empty.
func put(files tree) Change {
	return Change{Author: "A. Berger", Email: "a@example.org", Reason: "CHG-4711", Edit: func(d *Draft) error {
		var err error
		for path, text := range files {
			if text == "" {
				err = errors.Join(err, d.Remove(path))
				continue
			}
			err = errors.Join(err, d.Write(path, []byte(text)))
		}
		return err
	}}
}

func mustWrite(t testing.TB, s *Store, c Change) string {
	t.Helper()
	revision, err := s.Write(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func wantFsck(t *testing.T, dir string) {
	t.Helper()
	if out := run(t, dir, "git", "fsck", "--strict", "--full", "--no-dangling"); out != "" {
		t.Errorf("git fsck: %s", out)
	}
}

func TestStoreWritesWhatGitReads(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	c := put(tree{"server/main.yaml": server, "a/b/c.yaml": second, "z.yaml": "# nothing yet\n"})
	c.Author, c.Reason = "A. Berger\ncommitter Forged <f@example.org>", "CHG-4711: the first\n\nAnd: why"
	revision := mustWrite(t, s, c)
	if snap := s.Current(); snap.Revision != revision || servers(snap) != "main 5.8.2, second 1.0" {
		t.Errorf("%+v", *snap)
	}
	wantFsck(t, dir)
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	if got, err := os.ReadFile(filepath.Join(clone, "a", "b", "c.yaml")); err != nil || string(got) != second {
		t.Errorf("the clone: %q, %v", got, err)
	}
	got := run(t, clone, "git", "log", "-1", "--format=%H %D|%an|%ae|%aI|%cn|%B")
	want := revision + " HEAD -> main, origin/main, origin/HEAD|A. Berger committer Forged  f@example.org|a@example.org|2026-12-01T06:02:00+01:00|Lull|" +
		"CHG-4711: the first\n\nAnd: why"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	mustWrite(t, s, put(tree{"a/b/c.yaml": ""}))
	wantFsck(t, dir)
	if got := run(t, dir, "git", "ls-tree", "-r", "--name-only", "main"); got != "server/main.yaml\nz.yaml" {
		t.Errorf("after the last file of a folder went: %q", got)
	}
}

// Whatever is wrong with a change, nothing of it is seen, by anybody.
func TestStoreRefusesAndChangesNothing(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	good := mustWrite(t, s, put(tree{"main.yaml": server}))
	before := s.Current()
	boom := errors.New("boom")
	stale := put(tree{"main.yaml": server9})
	stale.Expect = strings.Repeat("0", 40)
	nobody := put(tree{"main.yaml": server9})
	nobody.Author = "<>"
	failing := put(nil)
	failing.Edit = func(d *Draft) error { return errors.Join(d.Write("main.yaml", []byte(server9)), boom) }
	for name, c := range map[string]struct {
		change Change
		want   string
		is     error
	}{
		"a broken manifest":     {put(tree{"main.yaml": broken}), "main.yaml:4:", nil},
		"the last one removed":  {put(tree{"main.yaml": ""}), "the revision holds no manifest", nil},
		"a name that is taken":  {put(tree{"other.yaml": server9}), "two manifests of kind Server", nil},
		"a stale revision":      {stale, "read them again", ErrConflict},
		"no author":             {nobody, "an author and a reason are required", nil},
		"a failing edit":        {failing, "boom", boom},
		"a path that leaves":    {put(tree{"../main.yaml": server9}), "is not a file name on every system", nil},
		"a file that is absent": {put(tree{"absent.yaml": ""}), "absent.yaml", fs.ErrNotExist},
	} {
		_, err := s.Write(t.Context(), c.change)
		if err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantText(t, err.Error(), c.want)
		if s.Current() != before || run(t, dir, "git", "rev-parse", "main") != good {
			t.Errorf("%s: something changed", name)
		}
		if _, err := s.Preview(t.Context(), c.change); name != "no author" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: the preview says %v", name, err)
		}
	}
	_, err := s.Write(t.Context(), put(tree{"main.yaml": broken}))
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Errors[0].At.Line != 4 {
		t.Errorf("got %#v", err)
	}
	if out := run(t, dir, "git", "count-objects"); !strings.HasPrefix(out, "3 objects") {
		t.Errorf("refused changes left objects: %s", out)
	}
}

func TestStorePreviewMovesNothing(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	good := mustWrite(t, s, put(tree{"main.yaml": server}))
	set, err := s.Preview(t.Context(), put(tree{"main.yaml": server9, "second.yaml": second}))
	if err != nil || servers(&Snapshot{Set: set}) != "main 5.9.0, second 1.0" {
		t.Errorf("%v, %v", set, err)
	}
	if snap := look(t, s.Source); snap.Revision != good || servers(snap) != "main 5.8.2" {
		t.Errorf("%+v", *snap)
	}
	same, err := s.Preview(t.Context(), put(nil))
	if err != nil || same != s.Current().Set {
		t.Errorf("a change of nothing: %v", err)
	}
}

func TestStoreMakesNoCommitOfNothing(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	if got := mustWrite(t, s, put(nil)); got != "" {
		t.Errorf("nothing in an empty store is %q", got)
	}
	good := mustWrite(t, s, put(tree{"main.yaml": server}))
	back := put(nil)
	back.Expect = good
	back.Edit = func(d *Draft) error {
		return errors.Join(d.Write("new.yaml", []byte(second)), d.Remove("new.yaml"), d.Remove("main.yaml"), d.Write("main.yaml", []byte(server)))
	}
	if got := mustWrite(t, s, back); got != good {
		t.Errorf("%s became %s", good, got)
	}
	if n := run(t, dir, "git", "rev-list", "--count", "main"); n != "1" {
		t.Errorf("%s commits", n)
	}
}

func TestDraft(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	mustWrite(t, s, put(tree{"all.yaml": server + "---\n" + second}))
	c := put(nil)
	c.Edit = func(d *Draft) error {
		for name, want := range map[string]string{"main": "all.yaml", "second": "all.yaml", "third": "server/third.yaml"} {
			if got := d.Place(schema.KindServer, name); got != want {
				t.Errorf("%s belongs into %s, want %s", name, got, want)
			}
		}
		err := errors.Join(d.Write("all.yaml", []byte(second)), d.Write("main.yaml", []byte(server9)))
		if path, ok := d.Find(schema.KindServer, "main"); !ok || path != "main.yaml" {
			t.Errorf("after it moved it is in %q", path)
		}
		if got, readErr := d.Read("main.yaml"); readErr != nil || string(got) != server9 {
			t.Errorf("read back: %q, %v", got, readErr)
		}
		if got := d.Paths(); !slices.Equal(got, []string{"all.yaml", "main.yaml"}) {
			t.Errorf("paths: %v", got)
		}
		err = errors.Join(err, d.Remove("main.yaml"))
		if _, ok := d.Find(schema.KindServer, "main"); ok {
			t.Error("it was removed and is found")
		}
		if _, readErr := d.Read("main.yaml"); !errors.Is(readErr, fs.ErrNotExist) {
			t.Errorf("reading a removed file: %v", readErr)
		}
		return err
	}
	mustWrite(t, s, c)
	if got := servers(s.Current()); got != "second 1.0" {
		t.Errorf("got %q", got)
	}
}

// A change of many manifests looks at each file once, however many were changed before.
func TestDraftFindsAmongMany(t *testing.T) {
	const many = 500
	s, _ := newStore(t)
	files := tree{"viewer.yaml": benchClient}
	for i := range many {
		path, text := benchWorkstation(i, "5.8.0")
		files[path] = text
	}
	mustWrite(t, s, put(files))
	c := put(nil)
	c.Edit = func(d *Draft) error {
		for i := range many {
			path, text := benchWorkstation(i, "5.8.1")
			if err := d.Write(path, []byte(text)); err != nil {
				return err
			}
		}
		if path, ok := d.Find(schema.KindWorkstation, "ws-00007"); !ok || path != "ward-07/ws-00007.yaml" {
			t.Errorf("found in %q", path)
		}
		if n := testing.AllocsPerRun(10, func() { d.Find(schema.KindWorkstation, "ws-00007") }); n > many {
			t.Errorf("finding what was changed makes %v allocations", n)
		}
		if n := testing.AllocsPerRun(10, func() { d.Find(schema.KindWorkstation, "new") }); n > many {
			t.Errorf("finding nothing makes %v allocations", n)
		}
		return nil
	}
	if _, err := s.Preview(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// While a newer revision is refused, what is read is the one in force. A change made for that is taken where the refused
// one changed nothing, and else says that reading again does not help.
func TestStoreBehindARefusedRevision(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	good := mustWrite(t, s, put(tree{"main.yaml": server, "second.yaml": second}))
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	refused := commit(t, clone, tree{"main.yaml": broken, "second.yaml": second})
	run(t, clone, "git", "push", "-q", "origin", "main")
	if err := s.Look(t.Context()); err != nil || s.Current().Revision != good || s.Current().Refused == nil {
		t.Fatalf("after a broken push: %+v, %v", s.Current(), err)
	}
	for name, test := range map[string]struct {
		expect, path string
		want         error
	}{
		"what the refused one left alone": {good, "second.yaml", nil},
		"a new file":                      {good, "new.yaml", nil},
		"what the refused one changed":    {good, "main.yaml", ErrBehind},
		"made for the refused one":        {refused, "main.yaml", nil},
		"made for neither":                {strings.Repeat("0", 40), "second.yaml", ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			text := server9
			if test.path != "main.yaml" {
				text = strings.Replace(second, "1.0", "1.1", 1)
			}
			c := put(tree{test.path: text})
			c.Expect = test.expect
			_, err := s.Preview(t.Context(), c)
			if invalid := (*Invalid)(nil); test.want == nil && errors.As(err, &invalid) {
				err = nil // what is wrong is the other file, or the same manifest twice: it was looked at
			}
			if !errors.Is(err, test.want) || errors.Is(err, ErrBehind) != (test.want == ErrBehind) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	repair := put(tree{"main.yaml": server9})
	repair.Expect = refused
	if mustWrite(t, s, repair); s.Current().Refused != nil {
		t.Errorf("it was repaired: %+v", s.Current().Refused)
	}
}

// Two files whose names differ in case only cannot both be checked out on Windows.
func TestDraftPlacesApartOnWindows(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	mustWrite(t, s, put(tree{"server/Main.yaml": strings.Replace(server, "main", "Main", 1)}))
	c := put(nil)
	c.Edit = func(d *Draft) error {
		place := func(name, want string) {
			t.Helper()
			if got := d.Place(schema.KindServer, name); got != want {
				t.Errorf("%s belongs into %s, want %s", name, got, want)
			}
		}
		place("main", "server/Main.yaml")
		place("MAIN", "server/Main.yaml")
		place("other", "server/other.yaml")
		err := d.Write("server/Other.yaml", []byte(second))
		place("other", "server/Other.yaml")
		err = errors.Join(err, d.Remove("server/Main.yaml"))
		place("main", "server/main.yaml")
		return err
	}
	if _, err := s.Preview(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// A file that stands under a name which no new file may have is edited and restored where it stands.
func TestStoreEditsFilesOfAnyName(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	mustWrite(t, s, put(tree{"second.yaml": second}))
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	pushed := commit(t, clone, tree{"second.yaml": second, "Süd/main.yaml": server})
	run(t, clone, "git", "push", "-q", "origin", "main")
	c := put(nil)
	c.Edit = func(d *Draft) error { return d.Write(d.Place(schema.KindServer, "main"), []byte(server9)) }
	mustWrite(t, s, c)
	if path, _ := s.Current().Find(schema.KindServer, "main"); path != "Süd/main.yaml" || servers(s.Current()) != "main 5.9.0, second 1.0" {
		t.Errorf("%s in %q", servers(s.Current()), path)
	}
	mustWrite(t, s, put(tree{"Süd/main.yaml": ""}))
	old, err := s.At(t.Context(), pushed)
	if err != nil {
		t.Fatal(err)
	}
	c.Edit = func(d *Draft) error { d.Restore(old); return nil }
	mustWrite(t, s, c)
	if got := servers(s.Current()); got != "main 5.8.2, second 1.0" {
		t.Errorf("restored: %q", got)
	}
	wantFsck(t, dir)
}

// Upon a revision that is too large to be read nothing can be built: what was not read would count as empty.
func TestStoreWritesNothingUponWhatItDidNotRead(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	mustWrite(t, s, put(tree{"main.yaml": server}))
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	commit(t, clone, tree{"main.yaml": server, "large.yaml": "# " + strings.Repeat("x", maxFileSize)})
	run(t, clone, "git", "push", "-q", "origin", "main")
	_, err := s.Write(t.Context(), put(tree{"large.yaml": ""}))
	var invalid *Invalid
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "large.yaml:1:1: the file has") {
		t.Errorf("got %v", err)
	}
}

// What people push is judged like any other revision; a bad one is repaired by a push or by a change.
func TestStoreTakesPushes(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	mustWrite(t, s, put(tree{"main.yaml": server}))
	clone := filepath.Join(t.TempDir(), "clone")
	run(t, "", "git", "clone", "-q", dir, clone)
	bad := commit(t, clone, tree{"main.yaml": broken, "README.md": "kept"})
	run(t, clone, "git", "push", "-q", "origin", "main")
	if snap := look(t, s.Source); snap.Refused == nil || snap.Refused.Revision != bad || servers(snap) != "main 5.8.2" {
		t.Fatalf("%+v", *snap)
	}
	if _, err := s.Write(t.Context(), put(tree{"second.yaml": second})); err == nil {
		t.Error("a change upon a bad revision that leaves it bad")
	}
	repair := put(nil)
	repair.Expect = bad
	repair.Edit = func(d *Draft) error {
		path, _ := d.Find(schema.KindServer, "main")
		return d.Write(path, []byte(server9))
	}
	good := mustWrite(t, s, repair)
	if snap := s.Current(); snap.Revision != good || snap.Refused != nil || servers(snap) != "main 5.9.0" {
		t.Errorf("%+v", *snap)
	}
	if got := run(t, dir, "git", "ls-tree", "--name-only", "main"); got != "README.md\nmain.yaml" {
		t.Errorf("the repair left %q", got)
	}
	commit(t, clone, tree{"main.yaml": server})
	for _, force := range []string{"--no-force", "--force"} {
		if err := execGit(clone, "push", "-q", force, "origin", "main").Run(); err == nil {
			t.Errorf("git push %s took the repair away", force)
		}
	}
	wantFsck(t, dir)
}

// A push between the reading and the moving of the branch is never lost.
func TestBranchMovesFromWhereItWas(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	first := mustWrite(t, s, put(tree{"main.yaml": server}))
	second := mustWrite(t, s, put(tree{"main.yaml": server9}))
	if err := moveBranch(dir, hash(first), hash(first)); !errors.Is(err, ErrConflict) {
		t.Errorf("got %v", err)
	}
	run(t, dir, "git", "pack-refs", "--all")
	if err := moveBranch(dir, hash(first), hash(first)); !errors.Is(err, ErrConflict) {
		t.Errorf("with packed references: %v", err)
	}
	if got := run(t, dir, "git", "rev-parse", "main"); got != second {
		t.Errorf("main is at %s", got)
	}
	if err := moveBranch(dir, hash(second), hash(first)); err != nil || run(t, dir, "git", "rev-parse", "main") != first {
		t.Errorf("from where it was: %v", err)
	}
}

func TestStoreWaitsForGitsLock(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	mustWrite(t, s, put(tree{"main.yaml": server}))
	lock := filepath.Join(dir, "refs", "heads", "main.lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(5 * lockRetry)
		_ = os.Remove(lock) // if it fails, so does the write below
	}()
	mustWrite(t, s, put(tree{"main.yaml": server9}))
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * lockStale)
	if err := os.Chtimes(lock, old, old); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, put(tree{"main.yaml": server}))
	if _, err := os.Stat(lock); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is left: %v", err)
	}
}

func TestStoreManyWritersAndReaders(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	start(t, s.Source)
	const writers = 8
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			text := strings.Replace(second, "second", fmt.Sprintf("server-%d", i), 1)
			if _, err := s.Write(t.Context(), put(tree{fmt.Sprintf("server/server-%d.yaml", i): text})); err != nil {
				t.Error(err)
			}
			if _, err := s.History(t.Context(), "", 3); err != nil {
				t.Error(err)
			}
			if snap := s.Current(); snap.Set.Len() == 0 {
				t.Error("nobody sees what was written")
			}
		})
	}
	all.Wait()
	if n := s.Current().Set.Len(); n != writers {
		t.Errorf("%d manifests", n)
	}
	wantFsck(t, dir)
}

// One change of many manifests is one commit and one pack.
func TestStoreWritesManyAsAPack(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	files := make(tree)
	for i := range 200 {
		files[fmt.Sprintf("server/s%d.yaml", i)] = strings.Replace(second, "second", fmt.Sprintf("s%d", i), 1)
	}
	mustWrite(t, s, put(files))
	mustWrite(t, s, put(tree{"server/s7.yaml": ""}))
	if n := s.Current().Set.Len(); n != 199 {
		t.Errorf("%d manifests", n)
	}
	wantFsck(t, dir)
	if out := run(t, dir, "git", "count-objects", "-v"); !strings.Contains(out, "packs: 1") || !strings.Contains(out, "count: 3") {
		t.Errorf("objects: %s", out)
	}
	run(t, dir, "git", "gc", "-q", "--prune=now")
	mustWrite(t, s, put(tree{"server/s8.yaml": ""}))
	wantFsck(t, dir)
}

func TestStoreHistory(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	if empty, err := s.History(t.Context(), "", 10); err != nil || len(empty) != 0 {
		t.Errorf("of an empty store: %v, %v", empty, err)
	}
	var want []string
	for i := range 5 {
		c := put(tree{"main.yaml": fmt.Sprintf("# %d\n%s", i, server)})
		c.Reason += "\n\nStep: one" // an own paragraph is part of the reason
		want = append([]string{mustWrite(t, s, c)}, want...)
	}
	var got []string
	for after := ""; ; {
		page, err := s.History(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.Revision)
			if c.Author != "A. Berger" || c.Reason != "CHG-4711\n\nStep: one" || c.When.IsZero() {
				t.Errorf("%+v", c)
			}
		}
		after = page[len(page)-1].Revision
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.History(t.Context(), "nonsense", 2); err == nil {
		t.Error("after a revision that is none")
	}
}

func TestStoreGoesBack(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	first := mustWrite(t, s, put(tree{"main.yaml": server, "a/second.yaml": second}))
	digest := s.Current().Digest
	mustWrite(t, s, put(tree{"main.yaml": server9, "a/second.yaml": "", "b/second.yaml": second}))
	old, err := s.At(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	c := put(nil)
	c.Edit = func(d *Draft) error { d.Restore(old); return nil }
	mustWrite(t, s, c)
	if now := s.Current(); now.Digest != digest || now.Revision == first {
		t.Errorf("%+v", *now)
	}
	if _, err := s.At(t.Context(), "main"); err == nil {
		t.Error("a branch is no revision")
	}
	if _, err := s.At(t.Context(), strings.Repeat("1", 40)); err == nil {
		t.Error("a revision that is not there")
	}
}

func TestOpenStore(t *testing.T) {
	t.Parallel()
	s, dir := newStore(t)
	mustWrite(t, s, put(tree{"main.yaml": server}))
	again, err := OpenStore(dir, Options{})
	if err != nil || servers(look(t, again.Source)) != "main 5.8.2" {
		t.Errorf("opened again: %v", err)
	}
	half := filepath.Join(t.TempDir(), "half")
	write(t, half+".new", tree{"objects/left": "by a crash"})
	write(t, half, tree{}) // an empty folder, as a service manager makes it
	if s, err := OpenStore(half, Options{}); err != nil {
		t.Errorf("after a crash during the first start: %v", err)
	} else {
		mustWrite(t, s, put(tree{"main.yaml": server}))
		wantFsck(t, half)
	}
	other := t.TempDir()
	write(t, other, tree{"photo.txt": "mine"})
	if _, err := OpenStore(other, Options{}); err == nil {
		t.Error("a folder of somebody else became a store")
	}
	if head := run(t, t.TempDir(), "git", "--git-dir="+dir, "symbolic-ref", "HEAD"); head != "refs/heads/main" {
		t.Errorf("HEAD is %s", head)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, ok := range map[string]bool{
		"a.yaml": true, "a/b.yml": true, "A b/c.json": true, "_x.yaml": true, "a..yaml": true, "-.yaml": true,
		"": false, "a": false, "a.txt": false, ".a.yaml": false, "a/.b/c.yaml": false, "/a.yaml": false, "a//b.yaml": false,
		"../a.yaml": false, "a/../b.yaml": false, `a\b.yaml`: false, "a:b.yaml": false, "con.yaml": false, "con .yaml": false, "Lpt1 .a.yaml": false, "a/NUL/b.yaml": false,
		"Lpt1.x.yaml": false, "a./b.yaml": false, "a /b.yaml": false, "ä.yaml": false, "a\n.yaml": false, "a.YAML": false,
		strings.Repeat("a", maxPath) + ".yaml": false,
	} {
		if err := checkPath(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Whatever name the language allows, its default path is one that the store takes.
func TestDefaultPathIsAlwaysGood(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "..", ".hidden", "-", "con", "COM1.x", "a.", "nul", "A.b_c-d", strings.Repeat("x", 63)} {
		for _, kind := range schema.Kinds() {
			path := DefaultPath(kind, name)
			if err := checkPath(path); err != nil {
				t.Error(err)
			}
		}
	}
	if got := DefaultPath(schema.KindWorkstation, "card-ecg-01"); got != "workstation/card-ecg-01.yaml" {
		t.Errorf("got %q", got)
	}
}
