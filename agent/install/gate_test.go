package install

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lull/schema"
)

func TestGateSelfTest(t *testing.T) {
	if err := GateSelfTest(t.Context(), filepath.Join(t.TempDir(), "gate"), waitArgument); err != nil {
		t.Fatal(err)
	}
}

// withRealClient makes bin/app.exe of both versions a program that can be started.
func withRealClient(t *testing.T) *world {
	w := newWorld(t)
	w.old["bin/app.exe"] = ownProgram(t)
	w.fresh["bin/app.exe"] = ownProgram(t)
	w.baseline, w.target = w.index("5.8.1", w.old), w.index("5.8.2", w.fresh)
	w.put(w.dir, files{"bin/app.exe": w.old["bin/app.exe"]})
	return w
}

func (w *world) app() string { return filepath.Join(w.dir, "bin", "app.exe") }

func TestRunningClientIsLeftAlone(t *testing.T) {
	w := withRealClient(t)
	w.stage()
	client := exec.Command(w.app(), waitArgument)
	stdin, err := client.StdinPipe()
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if err := w.do(w.swap); !errors.As(err, &busy) || busy.Path != "bin/app.exe" {
		t.Errorf("got %v, want the running program", err)
	}
	stdin.Close()
	if err := client.Wait(); err != nil {
		t.Errorf("the client was disturbed: %v", err)
	}
	w.invariant("after the client ended")
	w.must(w.pass)
	w.finished("when nobody is there any more")
}

// TestStartDuringTheSwap is the mistake of updaters that only look: a client that starts after the look. It must not
// start, or must start whole.
func TestStartDuringTheSwap(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		w := withRealClient(t)
		w.stage()
		starter := newStarter(t, w.app())
		scans := 0
		w.onScan = func() {
			scans++
			if started := starter.try(w.app()); started != (scans == 1) {
				t.Errorf("at scan %d the client started: %t", scans, started)
			}
		}
		i := w.open(func(inner fsys) fsys { return &faults{fsys: inner, noExchange: noExchange} })
		defer i.Close()
		if err := w.pass(i); err != nil {
			t.Fatal(err)
		}
		w.finished("after the swap")
		if want := 2; scans < want || !starter.try(w.app()) {
			t.Errorf("%d scans; and the new client must start", scans)
		}
	})
}

// starter starts programs from another process, since this one forks nothing under the gate.
type starter struct {
	in  io.Writer
	out *bufio.Scanner
}

func newStarter(t *testing.T, _ string) *starter {
	own := filepath.Join(t.TempDir(), "starter.exe")
	if err := copyExecutable(own); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(own, startArgument)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return &starter{in, bufio.NewScanner(out)}
}

func (s *starter) try(program string) bool {
	fmt.Fprintln(s.in, program)
	return s.out.Scan() && strings.TrimSpace(s.out.Text()) == "true"
}

func TestBusyScannerEndsTheAttempt(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for at := 1; at <= 3; at++ { // before, under the gate, and at the switch
			w := newWorld(t)
			w.stage()
			scans := 0
			w.onScan = func() {
				if scans++; scans == at {
					w.busy = errors.New("an interpreter runs a script")
				}
			}
			var busy *BusyError
			if err := w.attempt(&faults{noExchange: noExchange}); !errors.As(err, &busy) || scans != at {
				t.Fatalf("scan %d of %d: got %v", at, scans, err)
			}
			w.invariant(fmt.Sprintf("busy at scan %d", at))
			w.busy = nil
			if err := w.attempt(&faults{noExchange: noExchange}); err != nil {
				t.Fatal(err)
			}
			w.finished(fmt.Sprintf("after busy at scan %d", at))
		}
	})
}

// denied is Windows with a handle open below a folder: its rename fails with "access denied".
type denied struct {
	*faults
	from func(string) bool
}

func (d denied) move(from, to string) error {
	if d.from(from) {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrPermission}
	}
	return d.faults.move(from, to)
}

func TestFenceIsUndoneWhenAFolderCannotBeRenamed(t *testing.T) {
	for name, which := range map[string]func(*world, string) bool{
		"the old one": func(w *world, from string) bool { return from == w.dir },
		"the new one": func(w *world, from string) bool { return filepath.Base(from) == newName },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.stage()
			i := w.open(func(fsys) fsys {
				return denied{&faults{fsys: quick{}, noExchange: true}, func(from string) bool { return which(w, from) }}
			})
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var locked *FileLockedError
				if err := i.Swap(context.Background()); !errors.As(err, &locked) {
					t.Fatalf("got %v, want a locked file", err)
				}
				if took := time.Since(begin); took > fenceLimit+undoLimit/10 || took < fenceLimit {
					t.Errorf("the fence stood for %v, want %v", took, fenceLimit)
				}
			})
			w.invariant("after the fence")
			if d := w.difference(w.baseline); d != "" {
				t.Fatalf("the old tree is not as before:\n%s", d)
			}
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			w.must(w.pass)
			w.finished("when nobody holds it any more")
		})
	}
}

// heldNames is a system on which no program gets its name back.
type heldNames struct{ *faults }

func (heldNames) rename(_, from, _ string) error {
	return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrPermission}
}

func TestRecoveryDoesNotWaitForever(t *testing.T) {
	w := newWorld(t)
	w.stage()
	w.must(func(i *Installation) error {
		j, err := i.load()
		if err != nil {
			return err
		}
		if err := i.fs.rename(w.dir, "bin/app.exe", "bin/app.exe"+fencedEnding); err != nil {
			return err
		}
		j.OldFenced = []string{"bin/app.exe"}
		if err := i.enter(j, fencing); err != nil {
			return err
		}
		i.fs = heldNames{&faults{fsys: quick{}}}
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var locked *FileLockedError
			if _, err := i.Recover(context.Background()); !errors.As(err, &locked) || time.Since(begin) > undoLimit {
				t.Errorf("got %v after %v, want a locked file", err, time.Since(begin))
			}
		})
		i.fs = system{}
		_, err = i.Recover(t.Context())
		return err
	})
	w.invariant("when nobody holds it any more")
}

func TestCheckCommand(t *testing.T) {
	for name, c := range map[string]struct {
		arguments []string
		onTimeout schema.OnTimeout
		failed    bool
		timedOut  bool
	}{
		"passes":                    {arguments: []string{exitArgument, "0"}},
		"fails":                     {arguments: []string{exitArgument, "3"}, failed: true},
		"hangs, which is reported":  {arguments: []string{sleepArgument}, timedOut: true},
		"hangs, which is a failure": {arguments: []string{sleepArgument}, onTimeout: schema.TimeoutRollback, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fresh["bin/check.exe"] = ownProgram(t)
			w.target = w.index("5.8.2", w.fresh)
			w.target.Check = &schema.Check{Command: append([]string{"bin/check.exe"}, c.arguments...), OnTimeout: c.onTimeout}
			w.target.Check.Timeout.Duration = 20 * time.Second
			if c.arguments[0] == sleepArgument {
				w.target.Check.Timeout.Duration = 500 * time.Millisecond
			}
			w.stage()
			w.must(w.swap)
			w.must(func(i *Installation) error {
				checked, err := i.Check(t.Context())
				var failed *CheckFailedError
				if errors.As(err, &failed) != c.failed || checked.TimedOut != c.timedOut || err != nil && !c.failed {
					t.Errorf("got %+v, %v", checked, err)
				}
				return nil
			})
			w.invariant("after the check")
			if w.installed(w.baseline) != c.failed {
				t.Errorf("the old tree is installed: %t", !c.failed)
			}
		})
	}
}

func TestCommandMustBeAFileOfTheRelease(t *testing.T) {
	for name, program := range map[string]string{"a system's": "/bin/true", "upwards": "../other/file.txt", "user data": "cfg.ini"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.target.Check = &schema.Check{Command: []string{program}}
			var refused *RefusedError
			if err := w.do(func(i *Installation) error { return i.Stage(t.Context(), w.update(), w, nil) }); !errors.As(err, &refused) {
				t.Fatalf("got %v, want a refusal", err)
			}
		})
	}
}

// TestWayBackWaits shows that a release that failed its check stays, usable, while somebody uses it, and goes later.
func TestWayBackWaits(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		w := newWorld(t)
		w.bad = true
		w.stage()
		i := w.open(func(inner fsys) fsys { return &faults{fsys: inner, noExchange: noExchange} })
		defer i.Close()
		if err := i.Swap(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.put(w.dir, files{"Logs/today.log": "written by the new version"})
		w.userData["Logs/today.log"] = "written by the new version"
		w.busy = errors.New("started meanwhile")
		var busy *BusyError
		if _, err := i.Check(t.Context()); !errors.As(err, &busy) {
			t.Fatalf("got %v, want busy", err)
		}
		if _, err := i.Recover(t.Context()); !errors.As(err, &busy) || !w.installed(w.target) {
			t.Fatalf("got %v, want busy with a whole new tree", err)
		}
		w.busy = nil
		o, err := i.Recover(t.Context())
		if err != nil || o.Todo != TodoDiscard || o.Failure == "" {
			t.Fatalf("got %+v, %v", o, err)
		}
		w.invariant("after the way back")
		if !w.installed(w.baseline) {
			t.Error("the old tree is not back")
		}
		before, err := filepath.Glob(filepath.Join(i.staging, keptPrefix+"*"))
		if err != nil || len(before) != 1 || w.read(before[0])["Logs/today.log"] != "a line" {
			t.Errorf("user data from before the update is not in %v (%v)", before, err)
		}
		if err := i.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.tidy("after the discard")
	})
}
