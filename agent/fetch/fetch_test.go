package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lull/internal/release"
	"lull/schema"
)

// store holds one release with one large file.
type store struct {
	dir     string
	ref     release.Ref
	file    release.File
	content []byte
	blob    string // where content lies
}

func newStore(t *testing.T) *store {
	t.Helper()
	content := make([]byte, 300_000)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(content) // never fails
	from := t.TempDir()
	for name, data := range map[string][]byte{"VERSION": []byte("5.8"), "big": content} {
		if err := os.WriteFile(filepath.Join(from, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &store{dir: t.TempDir(), content: content}
	releases, err := release.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	added, err := releases.Add(t.Context(), from, release.Description{
		Client: "viewer", Version: schema.MustVersion("5.8"), System: "linux",
		Platform: schema.Platform{Version: schema.VersionSource{File: "VERSION"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	index, _, err := releases.Index("viewer", added.Version, "linux")
	if err != nil {
		t.Fatal(err)
	}
	s.ref = added.Ref
	s.file, _ = index.File("big")
	s.blob, err = releases.Blob(s.file.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *store) handler() http.Handler { return http.FileServer(http.Dir(s.dir)) }

// serve makes a Source of a server on loopback, with short pauses.
func serve(t *testing.T, h http.Handler) *Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return open(t, server.URL, Options{Client: server.Client(), Pause: time.Millisecond, Stall: 200 * time.Millisecond})
}

func open(t *testing.T, address string, o Options) *Source {
	t.Helper()
	s, err := Open(address, filepath.Join(t.TempDir(), "cache"), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantFile(t *testing.T, dst string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(dst)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v; want the %d bytes of the file", dst, len(got), err, len(want))
	}
	wantGone(t, dst+partSuffix)
}

func wantGone(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there: %v", name, err)
	}
}

// Every kind of source keeps the same contract.
func TestSources(t *testing.T) {
	kinds := map[string]func(*testing.T, *store) *Source{
		"folder": func(t *testing.T, s *store) *Source { return open(t, s.dir, Options{Pause: time.Millisecond}) },
		"web":    func(t *testing.T, s *store) *Source { return serve(t, s.handler()) },
		"web below a path": func(t *testing.T, s *store) *Source {
			server := httptest.NewServer(http.StripPrefix("/agent/v1/releases", s.handler()))
			t.Cleanup(server.Close)
			return open(t, server.URL+"/agent/v1/releases", Options{Pause: time.Millisecond})
		},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			source := kind(t, s)
			t.Run("catalog and index", func(t *testing.T) { checkIndex(t, s, source) })
			t.Run("file", func(t *testing.T) { checkFile(t, s, source) })
			t.Run("resume", func(t *testing.T) { checkResume(t, s, source) })
			t.Run("missing", func(t *testing.T) { checkMissing(t, s, source) })
			t.Run("corrupt", func(t *testing.T) { checkCorrupt(t, s, source) }) // last: it damages the store
		})
	}
}

func checkIndex(t *testing.T, s *store, source *Source) {
	catalog, err := source.Catalog(t.Context())
	if err != nil || len(catalog.Releases) != 1 || catalog.Releases[0] != s.ref {
		t.Fatalf("catalog %+v, %v", catalog, err)
	}
	for range 2 { // from the source, then from the cache
		index, err := source.Index(t.Context(), s.ref)
		if err != nil || len(index.Files) != 2 {
			t.Fatalf("index %+v, %v", index, err)
		}
	}
}

func checkFile(t *testing.T, s *store, source *Source) {
	dst := filepath.Join(t.TempDir(), "big")
	for range 2 { // the second time over the first
		if err := source.Fetch(t.Context(), s.file, dst); err != nil {
			t.Fatal(err)
		}
		wantFile(t, dst, s.content)
	}
	empty := release.File{Path: "empty", SHA256: release.Digest(nil)}
	dst = filepath.Join(t.TempDir(), "empty")
	if err := source.Fetch(t.Context(), empty, dst); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dst, nil)
}

func checkResume(t *testing.T, s *store, source *Source) {
	other := bytes.Repeat([]byte("x"), len(s.content))
	for name, part := range map[string][]byte{
		"begun": s.content[:100_000], "whole": s.content, "other": other[:1000], "other and whole": other,
		"too long": append(bytes.Clone(s.content), 'x'), "empty": nil,
	} {
		dst := filepath.Join(t.TempDir(), "big")
		if err := os.WriteFile(dst+partSuffix, part, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := source.Fetch(t.Context(), s.file, dst); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantFile(t, dst, s.content)
	}
}

func checkMissing(t *testing.T, s *store, source *Source) {
	dst := filepath.Join(t.TempDir(), "none")
	f := release.File{Path: "none", Size: 4, SHA256: release.Digest([]byte("none"))}
	if err := source.Fetch(t.Context(), f, dst); !errors.Is(err, ErrNotFound) {
		t.Errorf("file: %v", err)
	}
	wantGone(t, dst)
	wantGone(t, dst+partSuffix)
	ref := s.ref
	ref.Version, ref.SHA256 = schema.MustVersion("5.9"), release.Digest(nil)
	if _, err := source.Index(t.Context(), ref); !errors.Is(err, ErrNotFound) {
		t.Errorf("index: %v", err)
	}
	ref.Client = "../viewer"
	if _, err := source.Index(t.Context(), ref); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a name that climbs: %v", err)
	}
}

func checkCorrupt(t *testing.T, s *store, source *Source) {
	wrong := bytes.Clone(s.content)
	wrong[len(wrong)-1]++
	for name, content := range map[string][]byte{
		"wrong": wrong, "short": s.content[:1000], "long": append(bytes.Clone(s.content), "more"...),
	} {
		if err := os.WriteFile(s.blob, content, 0o600); err != nil {
			t.Fatal(err)
		}
		dst := filepath.Join(t.TempDir(), "big")
		var corrupt *Corrupt
		if err := source.Fetch(t.Context(), s.file, dst); !errors.As(err, &corrupt) {
			t.Errorf("%s: %v", name, err)
		}
		wantGone(t, dst)
		wantGone(t, dst+partSuffix)
	}
	ref := s.ref
	ref.SHA256 = release.Digest([]byte("another index"))
	var corrupt *Corrupt
	if _, err := source.Index(t.Context(), ref); !errors.As(err, &corrupt) {
		t.Errorf("index: %v", err)
	}
}

func TestIndexNeedsNoSourceTwice(t *testing.T) {
	s := newStore(t)
	var asked atomic.Int32
	source := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		s.handler().ServeHTTP(w, r)
	}))
	kept := filepath.Join(source.cache, s.ref.SHA256+".json")
	for want, damage := range map[int32]string{1: "", 2: "torn by a power cut"} {
		asked.Store(want - 1)
		if damage != "" {
			if err := os.MkdirAll(source.cache, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(kept, []byte(damage), 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			_ = os.Remove(kept) // may not be there yet
		}
		for range 3 {
			if _, err := source.Index(t.Context(), s.ref); err != nil {
				t.Fatal(err)
			}
		}
		if asked.Load() != want {
			t.Errorf("asked %d times, want once", asked.Load()-want+1)
		}
	}
}

func TestAnIndexOfAnotherReleaseIsCorrupt(t *testing.T) {
	s := newStore(t)
	data, err := os.ReadFile(filepath.Join(s.dir, "releases/viewer/5.8/linux/index.json"))
	if err != nil {
		t.Fatal(err)
	}
	source := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }))
	ref := s.ref
	ref.Version = schema.MustVersion("5.9")
	var corrupt *Corrupt
	if _, err := source.Index(t.Context(), ref); !errors.As(err, &corrupt) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesWhatNoSourceIs(t *testing.T) {
	for _, address := range []string{"", "http://example.com/releases", "ftp://example.com", "http://%zz"} {
		if _, err := Open(address, t.TempDir(), Options{}); err == nil {
			t.Errorf("%q was opened", address)
		}
	}
	for _, address := range []string{"https://example.com/releases", "http://127.0.0.1:1", "http://localhost", "/srv/lull", `C:\lull`} {
		if _, err := Open(address, t.TempDir(), Options{}); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
	_, err := Open("http://me:secret@example.com", t.TempDir(), Options{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is in the error: %v", err)
	}
}

func TestAFolderThatIsAwayIsUnavailable(t *testing.T) {
	s := newStore(t)
	source := open(t, filepath.Join(t.TempDir(), "not mounted"), Options{Pause: time.Millisecond})
	var away *Unavailable
	if err := source.Fetch(t.Context(), s.file, filepath.Join(t.TempDir(), "f")); !errors.As(err, &away) {
		t.Errorf("got %v", err)
	}
}

func TestAFullDiskIsNotTriedAgain(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full; the code is the same")
	}
	s := newStore(t)
	var asked atomic.Int32
	source := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		s.handler().ServeHTTP(w, r)
	}))
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p, err := openPart(t.Context(), filepath.Join(t.TempDir(), "f"), s.file)
	if err != nil {
		t.Fatal(err)
	}
	p.file.Close()
	p.file = full
	name, _ := release.BlobPath(s.file.SHA256)
	err = source.try(t.Context(), func() (bool, error) { err := source.advance(t.Context(), name, p); return p.further(), err })
	var path *fs.PathError
	if !errors.As(err, &path) || asked.Load() != 1 {
		t.Errorf("asked %d times, got %v", asked.Load(), err)
	}
}

func TestLargeFilesAreNeverInMemory(t *testing.T) {
	const size = 64 << 20
	zeros := bytes.NewReader(make([]byte, size))
	digest := release.Digest(make([]byte, size))
	source := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(zeros, 0, size))
	}))
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			f := release.File{Path: "zeros", Size: size, SHA256: digest}
			if err := source.Fetch(context.Background(), f, filepath.Join(t.TempDir(), fmt.Sprint(b.N))); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("a file of %d bytes took %d bytes of memory", size, allocated)
	}
}
