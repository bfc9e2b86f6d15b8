package install

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// do opens the world, runs f on it, and closes it.
func (w *world) do(f func(i *Installation) error) error {
	w.t.Helper()
	i := w.open(nil)
	defer func() {
		if err := i.Close(); err != nil {
			w.t.Error(err)
		}
	}()
	return f(i)
}

func (w *world) must(f func(i *Installation) error) {
	w.t.Helper()
	if err := w.do(f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stage() {
	w.t.Helper()
	w.must(func(i *Installation) error { return i.Stage(w.t.Context(), w.update(), w, nil) })
}

func (w *world) swap(i *Installation) error { return i.Swap(w.t.Context()) }

func TestUpdateOnTheRealDisk(t *testing.T) {
	w := newWorld(t)
	before, err := os.Stat(filepath.Join(w.dir, "cfg.ini"))
	if err != nil {
		t.Fatal(err)
	}
	w.must(w.pass)
	w.finished("after one pass")
	after, err := os.Stat(filepath.Join(w.dir, "cfg.ini"))
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the time of user data went from %v to %v, %v", before.ModTime(), after.ModTime(), err)
	}
	want := []string{"VERSION", "bin/app.exe", "bin/tool.exe", "cfg.ini", "copy.txt", "deep/er/still/new.txt"}
	if d := cmp.Diff(want, w.fetched); d != "" {
		t.Errorf("what both trees have, and what is there twice, needs no second fetch:\n%s", d)
	}
	w.must(w.pass)
	if n := len(w.fetched); n != len(want) {
		t.Errorf("a pass at the goal fetched %d files", n-len(want))
	}
}

func TestUserDataFromBeforeStaysThirtyDays(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	o := w.options()
	o.Now = func() time.Time { return now }
	i, err := Open(w.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if err := w.pass(i); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		later time.Duration
		kept  int
	}{{29 * 24 * time.Hour, 1}, {2 * 24 * time.Hour, 0}} {
		now = now.Add(step.later)
		if _, err := i.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept, err := filepath.Glob(filepath.Join(i.staging, keptPrefix+"*"))
		if err != nil || len(kept) != step.kept {
			t.Fatalf("%d copies of user data, want %d (%v)", len(kept), step.kept, err)
		}
		if step.kept == 1 {
			if d := cmp.Diff(w.userData, w.read(kept[0])); d != "" {
				t.Errorf("what was put aside is not the user data:\n%s", d)
			}
		}
	}
}

func TestStageGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t)
	w.unreachable = "copy.txt"
	if err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) }); !errors.Is(err, errUnreachable) {
		t.Fatalf("got %v, want what the store said", err)
	}
	w.unreachable = ""
	first := slices.Clone(w.fetched)
	var last, total int64
	w.must(func(i *Installation) error {
		return i.Stage(t.Context(), w.update(), w, func(d, all int64) { last, total = d, all })
	})
	for _, name := range w.fetched[len(first):] {
		if slices.Contains(first, name) && name != "cfg.ini" { // user data is not trusted to be the release's
			t.Errorf("%s was fetched twice", name)
		}
	}
	if last != total || total == 0 {
		t.Errorf("progress ended at %d of %d", last, total)
	}
}

func TestStageForAnotherTargetReplacesWhatIsStaged(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.fresh["VERSION"] = "5.8.3"
	delete(w.fresh, "copy.txt")
	w.target = w.index("5.8.3", w.fresh)
	w.stage()
	w.must(func(i *Installation) error {
		if v, ok := i.Staged(); !ok || v.String() != "5.8.3" {
			t.Errorf("staged is %q, %t", v, ok)
		}
		return w.pass(i)
	})
	w.finished("after the second target")
}

func TestDiscardLeavesTheInstallationAlone(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.must(func(i *Installation) error { return i.Discard(t.Context()) })
	w.tidy("after discard")
	if d := w.difference(w.baseline); d != "" {
		t.Error(d)
	}
}

func TestAdoptTellsForeignChangedAndMissing(t *testing.T) {
	w := newWorld(t)
	i := w.open(nil)
	defer i.Close()
	w.put(w.dir, files{"mine.txt": "mine", "Logs/more.log": "user data"})
	w.put(w.dir, files{"data/text.txt": "OLD text"}) // the same size
	os.Remove(filepath.Join(w.dir, "data", "gone.txt"))
	want := Difference{Foreign: []string{"mine.txt"}, Changed: []string{"data/text.txt"}, Missing: []string{"data/gone.txt"}}
	for range 2 { // the second time from memory
		got, err := i.Adopt(t.Context(), w.baseline, w.keep)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
	}
	w.put(w.dir, files{"bin/core.dll": "MZ CORE, in both"})
	os.Chtimes(filepath.Join(w.dir, "bin", "core.dll"), time.Now(), time.Now().Add(-time.Hour))
	got, err := i.Adopt(t.Context(), w.baseline, w.keep)
	if err != nil || !slices.Contains(got.Changed, "bin/core.dll") {
		t.Errorf("a file that was changed behind its old time and size was not noticed: %v, %v", got, err)
	}
}

func TestForeignFilesBlock(t *testing.T) {
	var foreign *ForeignFilesError
	t.Run("before staging", func(t *testing.T) {
		w := newWorld(t)
		for n := range 30 {
			w.put(w.dir, files{"mine/" + strings.Repeat("x", n+1): "mine"})
		}
		err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) })
		if !errors.As(err, &foreign) || foreign.Count != 30 || len(foreign.Paths) != maxListed || len(w.fetched) > 0 {
			t.Fatalf("got %v after %d fetches", err, len(w.fetched))
		}
	})
	t.Run("at the swap", func(t *testing.T) {
		w := newWorld(t)
		w.stage()
		scans := 0
		w.onScan = func() { // the second scan is the one under the gate
			if scans++; scans == 2 {
				w.put(w.dir, files{"late.txt": "mine"})
			}
		}
		if err := w.do(w.swap); !errors.As(err, &foreign) || !slices.Equal(foreign.Paths, []string{"late.txt"}) {
			t.Fatalf("got %v, want the foreign file", err)
		}
		os.Remove(filepath.Join(w.dir, "late.txt"))
		w.invariant("after a refused swap")
		w.must(w.pass)
		w.finished("after the file is gone")
	})
}

func TestNoSpaceIsFoundBeforeAnyFetch(t *testing.T) {
	w := newWorld(t)
	w.target.Files[0].Size = 1 << 60
	var full *NoSpaceError
	err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) })
	if !errors.As(err, &full) || full.Need <= 1<<60 || full.Available <= 0 || len(w.fetched) > 0 {
		t.Fatalf("got %v after %d fetches", err, len(w.fetched))
	}
}

func TestIndexThatIsRefused(t *testing.T) {
	for name, path := range map[string]string{
		"absolute": "/etc/passwd", "upwards": "../x", "not clean": "a//b", "backslash": `..\x`, "stream": "a:b",
		"twice for Windows": "version", "fenced": "a.exe.lull-fenced", "late": "a.lull-late", "part": "a.lull-part",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.target.Files[0]
			f.Path = path
			w.target.Files = append(w.target.Files, f)
			var refused *RefusedError
			if err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) }); !errors.As(err, &refused) {
				t.Fatalf("got %v, want a refusal", err)
			}
		})
	}
}

func TestReleaseWhoseVersionReadsDifferentlyIsRefused(t *testing.T) {
	w := newWorld(t)
	w.fresh["VERSION"] = "5.9.9"
	w.target = w.index("5.8.2", w.fresh)
	var refused *RefusedError
	if err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) }); !errors.As(err, &refused) {
		t.Fatalf("got %v, want a refusal", err)
	}
}

func TestStagedTreeThatChangedIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.put(filepath.Join(w.parent, ".lull-client", newName), files{"bin/app.exe": "MZ app, NEW"})
	if err := w.do(w.swap); !errors.Is(err, ErrStagingChanged) {
		t.Fatalf("got %v, want %v", err, ErrStagingChanged)
	}
	w.invariant("after a bit flip")
	w.must(w.pass)
	w.finished("after staging anew")
}

func TestUserDataThatChangesAfterStaging(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.userData["Logs/today.log"] = "a line\nanother line"
	w.userData["Logs/new/tomorrow.log"] = "new"
	delete(w.userData, "Logs/old/1.log")
	w.put(w.dir, w.userData)
	os.Remove(filepath.Join(w.dir, "Logs", "old", "1.log"))
	w.must(w.pass)
	w.finished("after the pass")
	if _, err := os.Stat(filepath.Join(w.dir, "Logs", "old", "1.log")); err == nil {
		t.Error("user data that was deleted came back")
	}
}

func TestLateWriteIsLaidBeside(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.must(func(i *Installation) error {
		if err := i.Swap(t.Context()); err != nil {
			return err
		}
		j, err := i.load()
		if err != nil {
			return err
		}
		old, _ := i.locate(j.Old)
		w.put(old, files{"Logs/today.log": "a line, and one from a handle that was open"})
		checked, err := i.Check(t.Context())
		if err != nil || !slices.Equal(checked.Late, []string{"Logs/today.log" + lateEnding}) {
			t.Errorf("late is %v, %v", checked.Late, err)
		}
		_, err = i.Commit(t.Context())
		return err
	})
	w.finished("after the commit")
	if got := w.read(w.dir)["Logs/today.log"+lateEnding]; !strings.Contains(got, "a handle that was open") {
		t.Errorf("the late write is %q", got)
	}
	w.must(func(i *Installation) error {
		d, err := i.Adopt(t.Context(), w.target, w.keep)
		if len(d.Foreign) > 0 {
			t.Errorf("%v would block the next update", d.Foreign)
		}
		return err
	})
}

func TestInstallationThatSomebodyElseReplaced(t *testing.T) {
	for name, swapped := range map[string]bool{"staged": false, "checking": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.stage()
			if swapped {
				w.must(w.swap)
			}
			// The old folder keeps its identity until the new one is there.
			if err := os.Rename(w.dir, w.dir+"-removed"); err != nil {
				t.Fatal(err)
			}
			w.put(w.dir, w.old)
			w.put(w.dir, w.userData)
			os.RemoveAll(w.dir + "-removed")
			w.must(func(i *Installation) error {
				o, err := i.Recover(t.Context())
				if !o.Replaced || o.Todo != TodoNothing {
					t.Errorf("outcome is %+v", o)
				}
				return err
			})
			w.invariant("after somebody else installed")
			w.tidy("after somebody else installed")
			w.must(w.pass)
			w.finished("after the next pass")
		})
	}
}

func TestUninstalledClientDoesNotComeBack(t *testing.T) {
	for name, swapped := range map[string]bool{"staged": false, "checking": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.stage()
			if swapped {
				w.must(w.swap)
			}
			if err := os.RemoveAll(w.dir); err != nil {
				t.Fatal(err)
			}
			w.must(func(i *Installation) error { _, err := i.Recover(t.Context()); return err })
			if _, err := os.Stat(w.dir); err == nil {
				t.Error("it came back")
			}
			w.tidy("after an uninstallation")
		})
	}
}

func TestOneAgentAtATime(t *testing.T) {
	w := newWorld(t)
	w.must(func(*Installation) error {
		if _, err := Open(w.dir, w.options()); !errors.Is(err, ErrLocked) {
			t.Errorf("got %v, want %v", err, ErrLocked)
		}
		return nil
	})
	if _, err := os.Stat(filepath.Join(w.parent, ".lull-client")); err == nil {
		t.Error("an empty folder was left beside the installation")
	}
}

func TestFolderOfSomebodyElseIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Wine creates no links; the check for the owner runs in every other test")
	}
	w := newWorld(t)
	if err := os.Symlink(filepath.Join(w.parent, "other"), filepath.Join(w.parent, ".lull-client")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(w.dir, w.options()); !errors.Is(err, ErrInsecure) {
		t.Errorf("got %v, want %v", err, ErrInsecure)
	}
}

func TestLinksAreForeignAndNeverFollowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Wine creates no links")
	}
	w := newWorld(t)
	if err := os.Symlink(filepath.Join(w.parent, "other"), filepath.Join(w.dir, "Logs", "link")); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignFilesError
	if err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) }); !errors.As(err, &foreign) {
		t.Fatalf("got %v, want the link to block", err)
	}
	w.must(func(i *Installation) error { _, err := i.removeTree(w.dir, nothing); return err })
	if got := w.read(filepath.Join(w.parent, "other")); len(got) != 1 {
		t.Error("a link out of the tree was followed")
	}
}

func TestUserDataWithTheLongestName(t *testing.T) {
	w := newWorld(t)
	w.userData["Logs/"+strings.Repeat("x", 255)] = "as long as a name can be"
	w.put(w.dir, w.userData)
	w.must(w.pass)
	w.finished("after the pass")
}

// A program among the user data is fenced like any other, and is no late write for that.
func TestUserDataThatIsAProgram(t *testing.T) {
	w := newWorld(t)
	w.userData["Logs/plugin.exe"] = "MZ the user's own"
	w.put(w.dir, w.userData)
	i := w.open(func(inner fsys) fsys { return &faults{fsys: inner, noExchange: true} })
	defer i.Close()
	i.options.Now = func() time.Time { return time.Now().Add(time.Hour) } // what was just written is settled
	if err := w.pass(i); err != nil {
		t.Fatal(err)
	}
	w.finished("after the pass")
	for name := range w.read(w.dir) {
		if strings.Contains(name, ".lull-") {
			t.Errorf("%s was left", name)
		}
	}
}

// An administrator who follows the advice about a damaged journal does not stop the agent before.
func TestFolderBesideIsRemovedWhileItIsOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove a folder with an open file")
	}
	w := newWorld(t)
	w.must(func(i *Installation) error {
		if err := os.RemoveAll(i.staging); err != nil {
			t.Fatal(err)
		}
		if err := w.pass(i); err != nil {
			return err
		}
		if _, err := Open(w.dir, w.options()); !errors.Is(err, ErrLocked) {
			t.Errorf("got %v, want %v", err, ErrLocked)
		}
		return nil
	})
	w.finished("after the pass")
}

func TestJournalOfANewerAgentIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.must(func(i *Installation) error {
		j, err := i.load()
		if err == nil {
			err = i.enter(j, "dancing")
		}
		if err != nil {
			return err
		}
		if _, err := i.Recover(t.Context()); err == nil || !strings.Contains(err.Error(), "dancing") {
			t.Errorf("got %v, want the step that is not known", err)
		}
		return nil
	})
}

// A disk that was restored gives trees other identities, so that no journal knows them.
func TestOldTreeThatNoJournalKnows(t *testing.T) {
	w := newWorld(t)
	w.put(filepath.Join(w.parent, ".lull-client", oldName), files{"cfg.ini": "of long ago"})
	if err := w.attempt(&faults{noExchange: true}); err != nil {
		t.Fatal(err)
	}
	w.finished("after the pass")
}

// TestCopyGoesThroughNoLink shows that who may write to a folder of user data cannot have another file written to.
func TestCopyGoesThroughNoLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Wine creates no links")
	}
	w := newWorld(t)
	to := place{w.dir, "Logs/today.log" + lateEnding}
	for _, planted := range []string{to.String(), to.part().String()} {
		if err := os.Symlink("../bin/app.exe", planted); err != nil {
			t.Fatal(err)
		}
	}
	if err := (system{}).copy(place{w.dir, "Logs/today.log"}, to); err != nil {
		t.Fatal(err)
	}
	if got := w.read(w.dir); got["bin/app.exe"] != w.old["bin/app.exe"] || got[to.path] != "a line" {
		t.Errorf("the program is %q and the copy %q", got["bin/app.exe"], got[to.path])
	}
}

// TestCopyReplacesAFileAsAWhole holds what the sweeps, which copy without flushing, take for granted.
func TestCopyReplacesAFileAsAWhole(t *testing.T) {
	w := newWorld(t)
	from, to := place{w.dir, "data/text.txt"}, place{w.dir, "cfg.ini"}
	before, err := identify(to.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := (system{}).copy(from, to); err != nil {
		t.Fatal(err)
	}
	after, err := identify(to.String())
	if err != nil || after.same(before) || w.read(w.dir)["cfg.ini"] != w.old["data/text.txt"] {
		t.Errorf("the file was written over in place (%v)", err)
	}
	if _, err := os.Lstat(to.part().String()); err == nil {
		t.Error("the temporary file was left")
	}
}
