package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lull/schema"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tree makes a folder of files, given as path and content.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// viewer describes a version of the client whose files viewer makes.
func viewer(version string) Description {
	return Description{
		Client: "viewer", Version: schema.MustVersion(version), System: "linux",
		Platform: schema.Platform{Version: schema.VersionSource{File: "VERSION"}, Start: []string{"bin/viewer"}},
	}
}

func viewerTree(t *testing.T, version string) string {
	return tree(t, map[string]string{"VERSION": version + "\n", "bin/viewer": "#!/bin/sh\n", "same": "in every version"})
}

func add(t *testing.T, s *Store, version string) Added {
	t.Helper()
	added, err := s.Add(t.Context(), viewerTree(t, version), viewer(version))
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func versions(t *testing.T, s *Store) []string {
	t.Helper()
	refs, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, ref := range refs {
		all = append(all, ref.Version.String())
	}
	return all
}

func wantVersions(t *testing.T, s *Store, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, versions(t, s), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("got error %v, want %q in it", err, part)
	}
}

// blobs counts the files that are stored by content.
func blobs(t *testing.T, s *Store) int {
	t.Helper()
	all, err := filepath.Glob(s.path("blobs/sha256/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestAddedReleaseIsListedAndWhole(t *testing.T) {
	s := openStore(t, t.TempDir())
	add(t, s, "5.10")
	added := add(t, s, "5.9.1")
	wantVersions(t, s, "5.9.1", "5.10")
	index, data, err := s.Index("viewer", schema.MustVersion("5.9.1.0"), "linux")
	if err != nil {
		t.Fatal(err)
	}
	if Digest(data) != added.SHA256 || added.Size != index.Size() || added.Files != 3 {
		t.Errorf("added %+v, digest of the index %s", added, Digest(data))
	}
	if f, _ := index.File("bin/viewer"); !f.Executable {
		t.Error("a script is not executable")
	}
	for _, f := range index.Files {
		name, err := s.Blob(f.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(name)
		if err != nil || Digest(content) != f.SHA256 || int64(len(content)) != f.Size {
			t.Errorf("%s: %v, %d bytes", f.Path, err, len(content))
		}
	}
	if left, _ := os.ReadDir(s.path(incoming)); len(left) > 0 {
		t.Errorf("%d drafts are left", len(left))
	}
}

func TestWhatIsNotStoredIsNotFound(t *testing.T) {
	s := openStore(t, t.TempDir())
	add(t, s, "5.9")
	_, _, err := s.Index("viewer", schema.MustVersion("5.9"), "windows")
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("Index: %v", err)
	}
	if err := s.Remove(t.Context(), "viewer", schema.MustVersion("6"), "linux"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Remove: %v", err)
	}
	if _, err := s.Blob("../../etc/passwd"); err == nil {
		t.Error("Blob takes a path")
	}
}

func TestAVersionNeverChanges(t *testing.T) {
	s := openStore(t, t.TempDir())
	first := add(t, s, "5.8")
	if again := add(t, s, "5.8"); !again.Unchanged || again.Ref != first.Ref {
		t.Errorf("adding the same again: %+v", again)
	}
	changed := tree(t, map[string]string{"VERSION": "5.8", "bin/viewer": "#!/bin/other"})
	_, err := s.Add(t.Context(), changed, viewer("5.8"))
	wantError(t, err, "a version never changes")
	described := viewer("5.8")
	described.Platform.Keep = []string{"x"}
	_, err = s.Add(t.Context(), viewerTree(t, "5.8"), described)
	wantError(t, err, "another description")
	_, err = s.Add(t.Context(), viewerTree(t, "5.8.0"), viewer("5.8.0"))
	wantError(t, err, "is stored as 5.8")
	windows := viewer("5.8.0")
	windows.System = "windows"
	_, err = s.Add(t.Context(), viewerTree(t, "5.8.0"), windows)
	wantError(t, err, "write it as 5.8")
	wantVersions(t, s, "5.8")
}

func TestRemoveKeepsWhatOthersNeed(t *testing.T) {
	s := openStore(t, t.TempDir())
	add(t, s, "5.8")
	before := blobs(t, s)
	add(t, s, "5.9")
	if err := s.Remove(t.Context(), "viewer", schema.MustVersion("5.9.0"), "linux"); err != nil {
		t.Fatal(err)
	}
	wantVersions(t, s, "5.8")
	if got := blobs(t, s); got != before {
		t.Errorf("%d blobs, want %d", got, before)
	}
	if index, _, err := s.Index("viewer", schema.MustVersion("5.8"), "linux"); err != nil || len(s.Missing(index)) > 0 {
		t.Errorf("5.8 is damaged: %v", err)
	}
	if err := s.Remove(t.Context(), "viewer", schema.MustVersion("5.8"), "linux"); err != nil {
		t.Fatal(err)
	}
	if got := blobs(t, s); got != 0 {
		t.Errorf("%d blobs are left of nothing", got)
	}
}

func TestRemoveSparesAnUploadUnderWay(t *testing.T) {
	s := openStore(t, t.TempDir())
	add(t, s, "5.8")
	content := "uploaded a moment ago"
	if err := s.PutBlob(t.Context(), Digest([]byte(content)), int64(len(content)), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), "viewer", schema.MustVersion("5.8"), "linux"); err != nil {
		t.Fatal(err)
	}
	if got := blobs(t, s); got != 1 {
		t.Errorf("%d blobs, want the fresh one", got)
	}
	add(t, s, "5.9")
	s.now = func() time.Time { return time.Now().Add(2 * strayAfter) }
	if err := s.Remove(t.Context(), "viewer", schema.MustVersion("5.9"), "linux"); err != nil {
		t.Fatal(err)
	}
	if got := blobs(t, s); got != 0 {
		t.Errorf("%d blobs, want the stray one gone after a day", got)
	}
}

// A crash may come after the index was written and before the catalog was, or the other way round in Remove.
func TestOpenCompletesWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	add(t, s, "5.8")
	old, err := os.ReadFile(s.path(CatalogPath))
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, "5.9")
	for name, catalog := range map[string][]byte{"old": old, "empty": nil, "torn": old[:len(old)/2], "zeros": make([]byte, 100)} {
		if err := os.WriteFile(s.path(CatalogPath), catalog, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { wantVersions(t, openStore(t, dir), "5.8", "5.9") })
	}
	if err := os.RemoveAll(s.path("releases/viewer/5.9")); err != nil {
		t.Fatal(err)
	}
	wantVersions(t, openStore(t, dir), "5.8")
}

func TestADamagedReleaseIsNamedAndCanBeAddedAgain(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	add(t, s, "5.8")
	add(t, s, "5.9")
	if err := os.WriteFile(s.path("releases/viewer/5.9/linux/index.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Index("viewer", schema.MustVersion("5.9"), "linux"); err == nil {
		t.Error("a damaged index was returned")
	}
	s = openStore(t, dir)
	wantVersions(t, s, "5.8")
	wantError(t, s.Damaged(), "add the release again")
	add(t, s, "5.9")
	wantVersions(t, s, "5.8", "5.9")
	if err := s.Damaged(); err != nil {
		t.Errorf("still damaged: %v", err)
	}
}

// upload copies a release the way the server's upload does.
func upload(ctx context.Context, to, from *Store, ref Ref) error {
	index, data, err := from.Index(ref.Client, ref.Version, ref.System)
	if err != nil {
		return err
	}
	for _, f := range to.Missing(index) {
		name, _ := from.Blob(f.SHA256)
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := to.PutBlob(ctx, f.SHA256, f.Size, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	_, err = to.PutIndex(ctx, data)
	return err
}

func TestUploadGivesTheSameRelease(t *testing.T) {
	from, to := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	added := add(t, from, "5.8")
	for range 2 {
		if err := upload(t.Context(), to, from, added.Ref); err != nil {
			t.Fatal(err)
		}
	}
	refs, _ := to.List()
	if diff := cmp.Diff([]Ref{added.Ref}, refs, cmp.Comparer(schema.Version.Equal)); diff != "" {
		t.Error(diff)
	}
}

func TestUploadIsCheckedAgain(t *testing.T) {
	from, to := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	added := add(t, from, "5.8")
	index, data, err := from.Index("viewer", added.Version, "linux")
	if err != nil {
		t.Fatal(err)
	}
	_, err = to.PutIndex(t.Context(), data)
	wantError(t, err, "the content of 3 files is not in the store")
	digest := Digest([]byte("content"))
	for name, r := range map[string]io.Reader{"short": strings.NewReader("conten"), "long": strings.NewReader("content."), "other": strings.NewReader("CONTENT")} {
		if err := to.PutBlob(t.Context(), digest, 7, r); err == nil {
			t.Errorf("a blob that is %s was stored", name)
		}
	}
	if blobs(t, to) != 0 {
		t.Error("a refused blob was kept")
	}
	if err := upload(t.Context(), to, from, added.Ref); err != nil {
		t.Fatal(err)
	}
	index.Version = schema.MustVersion("5.7")
	_, err = to.PutIndex(t.Context(), index.Encode())
	wantError(t, err, "says version 5.8")
	wantVersions(t, to, "5.8")
}

func TestManyProcessesShareAStore(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for k := range 4 {
		s := openStore(t, dir) // a lock of its own, as another process has
		from := viewerTree(t, fmt.Sprintf("5.%d", k))
		for range 2 {
			wg.Go(func() {
				_, err := s.Add(t.Context(), from, viewer(fmt.Sprintf("5.%d", k)))
				errs <- err
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	wantVersions(t, openStore(t, dir), "5.0", "5.1", "5.2", "5.3")
}

func TestALockedStoreIsWaitedForInBounds(t *testing.T) {
	s := openStore(t, t.TempDir())
	err := s.locked(t.Context(), func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*lockPause)
		defer cancel()
		_, err := s.Add(ctx, viewerTree(t, "5.8"), viewer("5.8"))
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	wantVersions(t, s)
}

// What an upload left behind that was cut off goes once it cannot be going on any more.
func TestOpenSweepsWhatIsIncoming(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": time.Hour} {
		file := filepath.Join(dir, incoming, name)
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Now(), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, incoming))
	if err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left: %v, %v", left, err)
	}
}
