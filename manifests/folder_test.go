package manifests

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// byEvents runs a folder that is looked at once an hour, so that everything else is seen by events.
func byEvents(t *testing.T, files tree) (dir string, s *Source) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "manifests")
	write(t, dir, files)
	s = mustOpen(t, "dir:"+dir, Options{Interval: time.Hour})
	start(t, s)
	await(t, s, "the first look", (*Snapshot).Seen)
	time.Sleep(20 * time.Millisecond) // until it watches; an event before that is seen by the second look
	return dir, s
}

func TestFolderSeesNewFoldersAtOnce(t *testing.T) {
	t.Parallel()
	dir, s := byEvents(t, tree{})
	write(t, dir, tree{"a/b/c/main.yaml": server})
	await(t, s, "a file three new folders deep", func(n *Snapshot) bool { return servers(n) == "main 5.8.2" })
	write(t, dir, tree{"a/b/c/main.yaml": server9})
	await(t, s, "a change there", func(n *Snapshot) bool { return servers(n) == "main 5.9.0" })
}

func TestFolderSeesAtomicSaves(t *testing.T) {
	t.Parallel()
	dir, s := byEvents(t, tree{"main.yaml": server})
	for _, text := range []string{server9, server, server9} {
		tmp := filepath.Join(dir, ".main.yaml.tmp")
		if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		rename(t, tmp, filepath.Join(dir, "main.yaml"))
		await(t, s, "an atomic save", func(n *Snapshot) bool {
			now, _ := n.Text("main.yaml")
			return string(now) == text
		})
	}
}

// Kubernetes mounts a config map as links to ..data/NAME, where ..data is a link that is replaced.
func TestFolderSeesAConfigMapSwap(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "manifests")
	write(t, dir, tree{"..1/main.yaml": server, "..2/main.yaml": server9, "main.yaml": ""})
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..1", "..data")
	if err := os.Remove(filepath.Join(dir, "main.yaml")); err != nil {
		t.Fatal(err)
	}
	link("..data/main.yaml", "main.yaml")
	s := mustOpen(t, "dir:"+dir, Options{Interval: time.Hour})
	start(t, s)
	await(t, s, "the first config map", func(n *Snapshot) bool { return servers(n) == "main 5.8.2" })
	link("..2", "..data_tmp")
	rename(t, filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data"))
	await(t, s, "the second config map", func(n *Snapshot) bool { return servers(n) == "main 5.9.0" })
}

func TestFolderSeesAnotherFolderInItsPlace(t *testing.T) {
	t.Parallel()
	dir, s := byEvents(t, tree{"main.yaml": server})
	write(t, dir+".new", tree{"main.yaml": server9})
	hide(t, dir)
	rename(t, dir+".new", dir)
	await(t, s, "the other folder", func(n *Snapshot) bool { return servers(n) == "main 5.9.0" })
	write(t, dir, tree{"main.yaml": server})
	await(t, s, "a change in it", func(n *Snapshot) bool { return servers(n) == "main 5.8.2" })
}

// A folder that is being written is not taken before two reads agree.
func TestFolderIsNotTakenHalfWritten(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, tree{"main.yaml": server})
	synctest.Test(t, func(t *testing.T) {
		f := &folderPlace{root: dir}
		const writes = 12
		go func() {
			for i := range writes {
				write(t, dir, tree{"main.yaml": server, "part.yaml": strings.Repeat("# more\n", i)})
				time.Sleep(settle * 8 / 25) // never at the moment of a read
			}
		}()
		time.Sleep(time.Millisecond)
		l, err := f.look(t.Context(), untried)
		if err != nil {
			t.Fatal(err)
		}
		if size := l.items[1].size; size != (writes-1)*7 {
			t.Errorf("the folder was taken with %d bytes of %d", size, (writes-1)*7)
		}
		if l, err := f.look(t.Context(), l.revision); l != nil || err != nil {
			t.Errorf("a second look at the same: %v, %v", l, err)
		}
	})
}

// One that never stands still is an error in the end, and no endless look.
func TestFolderThatNeverStandsStill(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, tree{"main.yaml": server})
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-time.After(settle * 8 / 25):
					write(t, dir, tree{"main.yaml": server, "part.yaml": strings.Repeat("#\n", i)})
				}
			}
		}()
		time.Sleep(time.Millisecond)
		_, err := (&folderPlace{root: dir}).look(t.Context(), untried)
		if err == nil || !strings.Contains(err.Error(), "it changes faster than it can be read") {
			t.Errorf("got %v", err)
		}
		close(done)
	})
}

func TestFolderCountsManifestsOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, tree{"a.yaml": server, "b.txt": "text", "yaml": "text"})
	for _, hidden := range []string{".hidden.yaml", ".git/config.yaml", "..data/x.yaml"} {
		path := filepath.Join(dir, hidden)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := servers(look(t, mustOpen(t, "dir:"+dir, Options{}))); got != "main 5.8.2" {
		t.Errorf("got %q", got)
	}
}

func TestFolderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"a link to a folder": {func(dir string) error { return os.Symlink(t.TempDir(), filepath.Join(dir, "more")) }, "more:1:1: links to folders are not followed"},
		"a link to nothing":  {func(dir string) error { return os.Symlink("nothing", filepath.Join(dir, "b.yaml")) }, "b.yaml:1:1: the link leads nowhere"},
		"a large file":       {func(dir string) error { return sparse(dir, "b.yaml", maxFileSize+1) }, "b.yaml:1:1: the file has"},
		"a pointer of LFS": {func(dir string) error {
			return text(dir, "b.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n")
		}, "b.yaml:1:1: the file is a pointer of git LFS"},
		"a very deep folder": {func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", maxDepth+2)), 0o755)
		}, "folders in each other"},
		"more folders than a fleet has": {func(dir string) error {
			for i := range maxFolders {
				if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(i)), 0o755); err != nil {
					return err
				}
			}
			return nil
		}, "more than 50000 manifest files or 10000 folders"},
		"two of the same name": {func(dir string) error { return text(dir, "b.yaml", server9) }, "two manifests of kind Server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tree{"a.yaml": server})
			s := mustOpen(t, "dir:"+dir, Options{})
			look(t, s)
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			snap := look(t, s)
			if snap.Refused == nil || servers(snap) != "main 5.8.2" {
				t.Fatalf("%+v", *snap)
			}
			wantText(t, snap.Refused.Errors.Error(), c.want)
		})
	}
}

func text(dir, name, data string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644)
}

func sparse(dir, name string, size int64) error {
	if err := text(dir, name, ""); err != nil {
		return err
	}
	return os.Truncate(filepath.Join(dir, name), size)
}
