package install

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// operations lists the numbers of the operations of an undisturbed update that a sweep disturbs, from the one whose name
// begins with first. Access rights are given to one file after the other without a trace in the journal, so that one
// file stands for all. Under Wine, where an update takes a second, only some are disturbed: the logic is the same.
func operations(t *testing.T, f *faults, bad bool, first string) []int {
	t.Helper()
	w := newQuickWorld(t)
	w.bad = bad
	if err := w.attempt(f); err != nil && !bad {
		t.Fatal(err)
	}
	w.invariant("undisturbed")
	var chosen []int
	begin := slices.IndexFunc(f.names, func(name string) bool { return strings.HasPrefix(name, first) })
	for n, name := range f.names {
		if n >= begin && (!strings.HasPrefix(name, "like ") || strings.HasSuffix(name, "core.dll")) {
			chosen = append(chosen, n+1)
		}
	}
	if begin < 0 || len(chosen) < 30 {
		t.Fatalf("%d of %d operations found", len(chosen), len(f.names))
	}
	if runtime.GOOS == "windows" {
		return everyNth(chosen, 13)
	}
	return chosen
}

func everyNth(all []int, n int) (some []int) {
	for at := 0; at < len(all); at += n {
		some = append(some, all[at])
	}
	return some
}

// afterStaging is the first operation of an update that has a journal.
const afterStaging = "write journal.json"

// TestDyingAnywhere kills an update at each of its operations. After the next start a whole tree is installed, and
// the pass after that reaches the goal.
func TestDyingAnywhere(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for _, n := range operations(t, &faults{noExchange: noExchange}, false, "") {
			w := newQuickWorld(t)
			err := w.attempt(&faults{at: n, kill: true, noExchange: noExchange})
			if !noExchange {
				w.invariant(err.Error()) // where folders can be exchanged nothing is broken even before the next start
			}
			w.recovered(err.Error(), noExchange)
			if again := w.attempt(&faults{noExchange: noExchange}); again != nil {
				t.Fatalf("%v: the next pass: %v", err, again)
			}
			w.finished(err.Error())
		}
	})
}

// TestDyingInRecovery kills the recovery from each death at each of its operations too.
func TestDyingInRecovery(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for _, n := range operations(t, &faults{noExchange: noExchange}, false, afterStaging) {
			for m := 1; ; m++ {
				w := newQuickWorld(t)
				err := w.attempt(&faults{at: n, kill: true, noExchange: noExchange})
				second := &faults{at: m, kill: true, noExchange: noExchange}
				when := fmt.Sprintf("%v, then %v", err, w.dieInRecover(second))
				w.recovered(when, noExchange)
				if again := w.attempt(&faults{noExchange: noExchange}); again != nil {
					t.Fatalf("%s: the next pass: %v", when, again)
				}
				w.finished(when)
				if second.hit == "" {
					break
				}
			}
		}
	})
}

func (w *world) dieInRecover(f *faults) (err error) {
	i := w.open(func(fsys) fsys { f.fsys = quick{}; return f })
	defer i.lock.Close()
	defer func() {
		if dead, ok := recover().(killed); ok {
			err = fmt.Errorf("killed at %s", dead.op)
		}
	}()
	_, err = i.Recover(w.t.Context())
	return err
}

// TestFailingAnywhere lets each operation fail, once or from then on. The failure is reported, a whole tree is
// installed after it, and the next undisturbed pass reaches the goal.
func TestFailingAnywhere(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for _, n := range operations(t, &faults{noExchange: noExchange}, false, "") {
			for _, forever := range []bool{false, true} {
				w := newQuickWorld(t)
				f := &faults{at: n, forever: forever, noExchange: noExchange}
				err := w.attempt(f)
				when := fmt.Sprintf("forever %t, %d: %s: %v", forever, n, f.hit, err)
				if err == nil && !w.installed(w.target) {
					t.Fatalf("%s: I4: a failure that kept the goal away was not reported", when)
				}
				w.recovered(when, noExchange)
				if again := w.attempt(&faults{noExchange: noExchange}); again != nil {
					t.Fatalf("%s: the next pass: %v", when, again)
				}
				w.finished(when)
			}
		}
	})
}

// TestDyingOnTheWayBack kills an update whose new version fails its check at each operation. In the end the old tree is
// installed, and the caller was told that the release is bad.
func TestDyingOnTheWayBack(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for _, n := range operations(t, &faults{noExchange: noExchange}, true, afterStaging) {
			w := newQuickWorld(t)
			w.bad = true
			when := fmt.Sprint(w.attempt(&faults{at: n, kill: true, noExchange: noExchange}))
			if !noExchange {
				w.invariant(when)
			}
			w.recovered(when, noExchange)
			if err := w.attempt(&faults{noExchange: noExchange}); !errors.Is(err, errBad) {
				t.Fatalf("%s: the next pass ended with %v, want a bad release", when, err)
			}
			w.invariant(when)
			w.tidy(when)
			if d := w.difference(w.baseline); d != "" {
				t.Fatalf("%s: the old tree is not back:\n%s", when, d)
			}
		}
	})
}
