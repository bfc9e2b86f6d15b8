package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAccessComesFromTheCounterpart looks at modes and, where the test may give files away, at owners.
func TestAccessComesFromTheCounterpart(t *testing.T) {
	w := newWorld(t)
	data := filepath.Join(w.dir, "data")
	if err := os.Chmod(data, 0o775|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	const user = 12345
	root := os.Geteuid() == 0
	if root {
		if err := os.Lchown(filepath.Join(data, "text.txt"), user, user); err != nil {
			t.Fatal(err)
		}
	}
	w.must(w.pass)
	for name, want := range map[string]fs.FileMode{
		"data":                  0o775 | fs.ModeSetgid | fs.ModeDir,
		"data/text.txt":         0o640, // as in the old tree
		"bin/app.exe":           0o750, // as in the old tree
		"bin/tool.exe":          0o755, // new and executable
		"deep/er/still":         0o755 | fs.ModeDir,
		"deep/er/still/new.txt": 0o644,
		"Logs/today.log":        0o640,
		"../.lull-client":       0o700 | fs.ModeDir,
	} {
		info, err := os.Lstat(filepath.Join(w.dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode(), want, err)
		}
	}
	info, err := os.Lstat(filepath.Join(data, "text.txt"))
	if err != nil || root && info.Sys().(*syscall.Stat_t).Uid != user {
		t.Errorf("the owner was not kept (%v)", err)
	}
}

func TestAccessIsGivenThroughNoLink(t *testing.T) {
	w := newWorld(t)
	for name, plant := range map[string]func(string) error{
		"symbolic": func(name string) error { return os.Symlink("../bin/app.exe", name) },
		"hard":     func(name string) error { return os.Link(filepath.Join(w.dir, "bin", "app.exe"), name) },
	} {
		p := place{w.dir, "Logs/" + name}
		if err := plant(p.String()); err != nil {
			t.Fatal(err)
		}
		if err := (system{}).like(p, filepath.Join(w.dir, "cfg.ini"), false); err == nil {
			t.Errorf("a %s link was taken for a file", name)
		}
	}
	if info, err := os.Stat(filepath.Join(w.dir, "bin", "app.exe")); err != nil || info.Mode() != 0o750 {
		t.Errorf("the program has mode %v (%v)", info.Mode(), err)
	}
}

func TestProgramIsHeldThroughNoLinkOutOfTheTree(t *testing.T) {
	w := newWorld(t)
	if err := os.Symlink(filepath.Join(w.parent, "other"), filepath.Join(w.dir, "bin", "planted")); err != nil {
		t.Fatal(err)
	}
	if h, err := (system{}).hold(place{w.dir, "bin/planted/file.txt"}); err == nil {
		h.Close()
		t.Error("a file outside was held")
	}
}

func TestFolderThatOthersMayWriteToIsRefused(t *testing.T) {
	w := newWorld(t)
	staging := filepath.Join(w.parent, ".lull-client")
	if err := os.Mkdir(staging, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(staging, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(w.dir, w.options()); !errors.Is(err, ErrInsecure) {
		t.Errorf("got %v, want %v", err, ErrInsecure)
	}
}

// ntfs refuses, as NTFS does and Wine does not, to rename a folder while a handle is open below it. Only handles of
// this process are looked at, which are the ones that the engine must not forget.
type ntfs struct{ *faults }

func (n ntfs) move(from, to string) error {
	handles, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, h := range handles {
		name, err := os.Readlink("/proc/self/fd/" + h.Name())
		if err == nil && (name == from || strings.HasPrefix(name, from+"/")) {
			return &fs.PathError{Op: "rename", Path: name, Err: fs.ErrPermission}
		}
	}
	return n.faults.move(from, to)
}

func TestNoHandleIsOpenWhenAFolderIsRenamed(t *testing.T) {
	w := newWorld(t)
	i := w.open(func(inner fsys) fsys { return ntfs{&faults{fsys: inner, noExchange: true}} })
	defer i.Close()
	if err := w.pass(i); err != nil {
		t.Fatal(err)
	}
	w.finished("on a file system as strict as NTFS")
	g, err := i.shut(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer g.open()
	if err := i.fs.move(w.dir, w.dir+"-moved"); err == nil {
		t.Error("the strict file system let a folder with open handles go")
	}
}
