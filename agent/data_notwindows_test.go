//go:build !windows

package agent

import (
	"errors"
	"os"
	"testing"

	"lull/agent/install"
)

func TestDataFolderIsTheAgentsAlone(t *testing.T) {
	w := newWorld(t)
	data := w.path("a/b/data")
	for _, prepare := range []func() error{
		func() error { return nil },
		func() error { return os.Chmod(data, 0o755) },
	} {
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		if err := makeDataFolder(data); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	link := w.path("link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	if err := makeDataFolder(link); !errors.Is(err, install.ErrInsecure) {
		t.Errorf("a link: %v", err)
	}
	w.config.Data = link
	if _, err := New(w.config, nil); !errors.Is(err, install.ErrInsecure) {
		t.Errorf("an agent with a link for its data folder: %v", err)
	}
}
