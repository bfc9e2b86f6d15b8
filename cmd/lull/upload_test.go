package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/schema"
)

func TestUploadSendsWhatIsMissing(t *testing.T) {
	from := t.TempDir()
	for name, text := range map[string]string{"VERSION": "5.8.2\n", "a": "there", "b": "new", "c": "new"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := release.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := release.Description{
		Client: "viewer", Version: schema.MustVersion("5.8.2"), System: "linux",
		Platform: schema.Platform{Version: schema.VersionSource{File: "VERSION"}},
	}
	if _, err := store.Add(t.Context(), from, d); err != nil {
		t.Fatal(err)
	}
	index, data, err := store.Index(d.Client, d.Version, d.System)
	if err != nil {
		t.Fatal(err)
	}
	missing := []string{release.Digest([]byte("new")), release.Digest([]byte("5.8.2\n"))}
	var stream bytes.Buffer
	var done, total int64
	err = writeUpload(&stream, store, index, data, missing, func(d, t int64) { done, total = d, t })
	if err != nil {
		t.Fatal(err)
	}
	if done != 9 || total != 9 {
		t.Errorf("progress: %d of %d bytes, want 9 of 9", done, total)
	}
	if diff := cmp.Diff([]string{string(data), "5.8.2\n", "new"}, contents(t, &stream)); diff != "" {
		t.Error(diff)
	}
}

func contents(t *testing.T, stream io.Reader) (all []string) {
	t.Helper()
	for archive := tar.NewReader(stream); ; {
		_, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		data, readErr := io.ReadAll(archive)
		if err := errors.Join(err, readErr); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
}
