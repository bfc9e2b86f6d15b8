package manifests

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe with the name of a manifest is refused; opening it would wait for a writer for ever.
func TestFolderDoesNotOpenPipes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, tree{"a.yaml": server})
	if err := syscall.Mkfifo(filepath.Join(dir, "b.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	snap := look(t, mustOpen(t, "dir:"+dir, Options{}))
	if snap.Refused == nil {
		t.Fatalf("%+v", *snap)
	}
	wantText(t, snap.Refused.Errors.Error(), "b.yaml:1:1: this is no regular file")
}
