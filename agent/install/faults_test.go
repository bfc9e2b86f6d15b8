package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// killed is what a fault panics with where the process is to die: nothing of the engine runs after it but deferred
// calls that only close handles, as the system would.
type killed struct{ op string }

// quick is the machine's fsys without the flushing, which takes nearly all the time of a small update and which no
// test can see the effect of.
type quick struct{ system }

func (quick) copy(from, to place) error {
	data, err := os.ReadFile(from.String())
	if err != nil {
		return err
	}
	info, err := os.Stat(from.String())
	if err != nil {
		return err
	}
	part := to.part().String()
	return errors.Join(os.WriteFile(part, data, 0o600), os.Chtimes(part, info.ModTime(), info.ModTime()), os.Rename(part, to.String()))
}

func (quick) move(from, to string) error { return os.Rename(from, to) }

func (quick) write(file string, data []byte) error { return os.WriteFile(file, data, 0o600) }

func (quick) flush(name string) error {
	_, err := os.Lstat(name)
	return err
}

// faults is an fsys that fails or dies at a chosen operation.
type faults struct {
	fsys
	at         int  // the operation at which it happens; 0: never
	kill       bool // die instead of failing
	forever    bool // fail at every operation from then on
	noExchange bool
	n          int
	hit        string // the operation at which it happened
	names      []string
}

func (f *faults) next(op string, torn func()) error {
	f.n++
	f.names = append(f.names, op)
	if f.at == 0 || f.n < f.at || f.n > f.at && !f.forever {
		return nil
	}
	if f.hit == "" {
		f.hit = op
	}
	if f.kill {
		torn()
		panic(killed{fmt.Sprintf("%d: %s", f.n, op)})
	}
	return &os.PathError{Op: op, Path: "injected", Err: syscall.EIO}
}

func whole() {}

func (f *faults) mkdir(p place) error {
	if err := f.next("mkdir "+p.path, whole); err != nil {
		return err
	}
	return f.fsys.mkdir(p)
}

func (f *faults) copy(from, to place) error {
	torn := func() { os.WriteFile(to.part().String(), []byte("half"), 0o600) }
	if err := f.next("copy "+from.String()+" to "+to.String(), torn); err != nil {
		return err
	}
	return f.fsys.copy(from, to)
}

func (f *faults) rename(root, from, to string) error {
	if err := f.next("rename "+from+" to "+to, whole); err != nil {
		return err
	}
	return f.fsys.rename(root, from, to)
}

func (f *faults) move(from, to string) error {
	if err := f.next("move "+from+" to "+to, whole); err != nil {
		return err
	}
	return f.fsys.move(from, to)
}

func (f *faults) exchanges(folder string) bool { return !f.noExchange && f.fsys.exchanges(folder) }

func (f *faults) exchange(a, b string) error {
	if err := f.next("exchange", whole); err != nil {
		return err
	}
	return f.fsys.exchange(a, b)
}

func (f *faults) remove(p place) error {
	if err := f.next("remove "+p.String(), whole); err != nil {
		return err
	}
	return f.fsys.remove(p)
}

func (f *faults) write(file string, data []byte) error {
	torn := func() {
		os.WriteFile(filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".1"), data[:len(data)/2], 0o600)
	}
	if err := f.next("write "+filepath.Base(file)+" "+string(data[:min(len(data), 24)]), torn); err != nil {
		return err
	}
	return f.fsys.write(file, data)
}

func (f *faults) flush(name string) error {
	if err := f.next("flush "+name, whole); err != nil {
		return err
	}
	return f.fsys.flush(name)
}

func (f *faults) like(p place, counterpart string, executable bool) error {
	if err := f.next("like "+p.String(), whole); err != nil {
		return err
	}
	return f.fsys.like(p, counterpart, executable)
}

func (f *faults) hold(program place) (held, error) {
	if err := f.next("hold "+program.String(), whole); err != nil {
		return nil, err
	}
	h, err := f.fsys.hold(program)
	if err != nil {
		return nil, err
	}
	return heldFault{h, f, program.path}, nil
}

type heldFault struct {
	held
	faults *faults
	name   string
}

func (h heldFault) fence() error {
	if err := h.faults.next("fence "+h.name, whole); err != nil {
		return err
	}
	return h.held.fence()
}

// attempt runs one pass on f. Dying releases the lock as the end of a process would, and nothing else.
func (w *world) attempt(f *faults) (err error) {
	w.t.Helper()
	i := w.open(func(fsys) fsys { f.fsys = quick{}; return f })
	defer func() {
		dead, ok := recover().(killed)
		if !ok {
			if closing := i.Close(); closing != nil {
				w.t.Fatal(closing)
			}
			return
		}
		err = fmt.Errorf("killed at %s", dead.op)
		if closing := i.lock.Close(); closing != nil {
			w.t.Fatal(closing)
		}
	}()
	return w.pass(i)
}

// recovered opens the world as the next start of the agent does and looks at it.
func (w *world) recovered(when string, noExchange bool) {
	w.t.Helper()
	i := w.open(func(fsys) fsys { return &faults{fsys: quick{}, noExchange: noExchange} })
	if _, err := i.Recover(w.t.Context()); err != nil {
		w.t.Fatalf("%s: recover: %v", when, err)
	}
	w.invariant(when)
	if err := i.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// ways runs a test for both ways to switch.
func ways(t *testing.T, test func(t *testing.T, noExchange bool)) {
	t.Parallel()
	t.Run("exchange", func(t *testing.T) {
		t.Parallel()
		if !(system{}).exchanges(t.TempDir()) {
			t.Skip("this system or file system cannot exchange folders")
		}
		test(t, false)
	})
	t.Run("fence", func(t *testing.T) {
		t.Parallel()
		test(t, true)
	})
}
