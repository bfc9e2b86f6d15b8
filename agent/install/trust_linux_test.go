package install

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"lull/agent/command"
	"lull/schema"
)

// runs makes the new version one with a version command and a check command that leaves a trace.
func (w *world) runs() {
	w.fresh["bin/check.exe"] = "#!/bin/sh\necho 5.8.2\n: >>Logs/ran\n"
	w.target = w.index("5.8.2", w.fresh)
	line := []string{"bin/check.exe"}
	w.target.Read, w.target.Check = schema.VersionSource{Command: line}, &schema.Check{Command: line}
}

func (w *world) allow(name string, mode fs.FileMode) {
	w.t.Helper()
	if err := os.Chmod(filepath.Join(w.dir, name), mode); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exposed(when string, err error, path string) {
	w.t.Helper()
	var insecure *command.InsecureError
	if !errors.As(err, &insecure) || insecure.Path != path {
		w.t.Errorf("%s: %v, want %s to be to blame", when, err, path)
	}
}

// Where users may write, a release with commands is not even staged.
func TestExposedInstallationIsNotStaged(t *testing.T) {
	for _, name := range []string{"bin/core.dll", "bin", "data", ".", ".."} {
		w := newWorld(t)
		w.runs()
		w.allow(name, 0o777)
		i := w.open(nil)
		w.exposed(name, i.Stage(t.Context(), w.update(), w, nil), filepath.Join(w.dir, name))
		if entries, err := os.ReadDir(i.staging); err != nil || len(entries) != 1 || len(w.fetched) > 0 {
			t.Errorf("%s: %v beside the installation, %v, and %v was fetched", name, entries, err, w.fetched)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUserDataMayBeExposed(t *testing.T) {
	w := newWorld(t)
	w.runs()
	for _, name := range []string{"Logs", "Logs/old", "Logs/today.log", "cfg.ini"} {
		w.allow(name, 0o777)
	}
	w.must(w.pass)
	if _, err := os.Stat(filepath.Join(w.dir, "Logs", "ran")); err != nil {
		t.Errorf("the check did not run: %v", err)
	}
	w.userData["Logs/ran"] = ""
	w.finished("with user data that users may write")
}

func TestReleaseWithoutCommandsMayBeExposed(t *testing.T) {
	w := newWorld(t)
	w.allow("bin", 0o777)
	w.must(w.pass)
	w.finished("without a command")
}

// Rights that are given away while a release is staged are found with the new tree in its final dress, before the swap.
func TestExposedInstallationIsNotSwapped(t *testing.T) {
	w := newWorld(t)
	w.runs()
	w.stage()
	w.allow("bin", 0o777)
	w.must(func(i *Installation) error {
		w.exposed("swap", i.Swap(t.Context()), filepath.Join(i.beside(newName), "bin"))
		return nil
	})
	if !w.installed(w.baseline) {
		t.Error("the old tree is not installed")
	}
	w.allow("bin", 0o755)
	w.must(w.pass)
}

// Rights that are given away after the swap keep the check from running, and are no fault of the release.
func TestExposedInstallationIsNotChecked(t *testing.T) {
	w := newWorld(t)
	w.runs()
	w.stage()
	w.must(w.swap)
	trace := filepath.Join(w.dir, "Logs", "ran")
	if err := os.Remove(trace); !errors.Is(err, fs.ErrNotExist) && err != nil {
		t.Fatal(err)
	}
	w.allow("bin/core.dll", 0o666)
	w.must(func(i *Installation) error {
		_, err := i.Check(t.Context())
		w.exposed("check", err, filepath.Join(w.dir, "bin", "core.dll"))
		return nil
	})
	if _, err := os.Stat(trace); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something ran: %v", err)
	}
	if !w.installed(w.target) {
		t.Error("the new tree is not installed any more")
	}
	w.allow("bin/core.dll", 0o644)
	w.must(w.pass)
	if _, err := os.Stat(trace); err != nil {
		t.Errorf("the check did not run: %v", err)
	}
}

// The gate's own test runs a program too.
func TestGateIsNotTestedWhereTheCopyCouldBeExchanged(t *testing.T) {
	parent := t.TempDir()
	if err := os.Chmod(parent, 0o777); err != nil {
		t.Fatal(err)
	}
	var insecure *command.InsecureError
	err := GateSelfTest(t.Context(), filepath.Join(parent, "gate-test"), waitArgument)
	if !errors.As(err, &insecure) || insecure.Path != parent {
		t.Errorf("%v, want %s to be to blame", err, parent)
	}
}
