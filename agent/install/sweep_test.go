package install

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestDyingAnywhere kills an update at each of its operations. After the next start a whole tree is installed, and
// the pass after that reaches the goal.
func TestDyingAnywhere(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for n := 1; ; n++ {
			w := newQuickWorld(t)
			f := &faults{at: n, kill: true, noExchange: noExchange}
			err := w.attempt(f)
			if f.hit == "" {
				if err != nil || n < 40 {
					t.Fatalf("an undisturbed update of %d operations ended with %v", n, err)
				}
				w.finished("undisturbed")
				return
			}
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

// TestDyingInRecovery kills the recovery from each death at each of its operations too. Access rights are given to one
// file after the other without a trace in the journal, so that one death there stands for all.
func TestDyingInRecovery(t *testing.T) {
	ways(t, func(t *testing.T, noExchange bool) {
		for n := firstOfSwap(t, noExchange); ; n++ {
			for m := 1; ; m++ {
				w := newQuickWorld(t)
				first := &faults{at: n, kill: true, noExchange: noExchange}
				err := w.attempt(first)
				if first.hit == "" {
					return
				}
				if strings.HasPrefix(first.hit, "like ") && !strings.HasSuffix(first.hit, "core.dll") {
					break
				}
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

// firstOfSwap is the first operation after staging.
func firstOfSwap(t *testing.T, noExchange bool) int {
	w := newQuickWorld(t)
	f := &faults{noExchange: noExchange}
	i := w.open(func(fsys) fsys { f.fsys = quick{}; return f })
	defer i.Close()
	if err := i.Stage(t.Context(), w.update(), w, nil); err != nil {
		t.Fatal(err)
	}
	return f.n
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
		for _, forever := range []bool{false, true} {
			for n := 1; ; n++ {
				w := newQuickWorld(t)
				f := &faults{at: n, forever: forever, noExchange: noExchange}
				err := w.attempt(f)
				if f.hit == "" {
					break
				}
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
		for n := firstOfSwap(t, noExchange); ; n++ {
			w := newQuickWorld(t)
			w.bad = true
			f := &faults{at: n, kill: true, noExchange: noExchange}
			err := w.attempt(f)
			when := fmt.Sprint(err)
			if f.hit != "" {
				if !noExchange {
					w.invariant(when)
				}
				w.recovered(when, noExchange)
				err = w.attempt(&faults{noExchange: noExchange})
			}
			// A death after the caller took note leaves nothing to tell: then the next pass tried, and failed, again.
			if !errors.Is(err, errBad) {
				t.Fatalf("%s: the next pass ended with %v, want a bad release", when, err)
			}
			w.invariant(when)
			w.tidy(when)
			if d := w.difference(w.baseline); d != "" {
				t.Fatalf("%s: the old tree is not back:\n%s", when, d)
			}
			if f.hit == "" {
				return
			}
		}
	})
}
