package inventory_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lull/internal/wire"
	"lull/server/database"
	"lull/server/inventory"
	"lull/server/inventory/conformance"
)

func TestSQLite(t *testing.T) {
	conformance.Run(t, func(t *testing.T) inventory.Store {
		db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "a #?%20 b.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return inventory.NewSQLite(db)
	})
}

func TestMemory(t *testing.T) {
	conformance.Run(t, func(*testing.T) inventory.Store { return newMemory() })
}

// memory is a store that counts its writes and fails when it is told to.
type memory struct {
	mu        sync.Mutex
	computers map[string]inventory.Computer
	saves     int
	broken    bool
}

func newMemory() *memory { return &memory{computers: map[string]inventory.Computer{}} }

func (m *memory) Load(context.Context) ([]inventory.Computer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []inventory.Computer
	for _, c := range m.computers {
		list = append(list, c)
	}
	return list, nil
}

func (m *memory) Save(_ context.Context, computers []inventory.Computer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errors.New("the disk is full")
	}
	if len(computers) > 0 {
		m.saves++
	}
	for _, c := range computers {
		m.computers[c.ID] = c
	}
	return nil
}

func (m *memory) Delete(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.computers, id)
	return nil
}

func (m *memory) set(broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = broken
}

func (m *memory) writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves
}

func report(host string) *wire.Checkin {
	return &wire.Checkin{Facts: map[string]string{wire.FactHost: host, wire.FactSystem: "linux"}}
}

// Reports are written once a second, all in one; what says nothing new is not written at all; and what could not be
// written is tried again.
func TestWritingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		fleet, err := inventory.OpenFleet(t.Context(), store, slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, key := range []string{"a", "b", "c"} {
			id, err := fleet.Enrol(t.Context(), []byte(key), key)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); fleet.Run(ctx) }()
		before := store.writes()
		wait := func(want int, what string) {
			t.Helper()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got := store.writes() - before; got != want {
				t.Fatalf("%s: %d writes, want %d", what, got, want)
			}
		}
		all := func(host string) {
			for _, id := range ids {
				if err := fleet.Report(id, report(host)); err != nil {
					t.Fatal(err)
				}
			}
		}
		all("x")
		wait(1, "three reports at once")
		all("x")
		fleet.Seen(ids[0])
		wait(1, "the same reports again")
		store.set(true)
		all("y")
		wait(1, "while the disk is full")
		store.set(false)
		wait(2, "when it has space again")
		fleet.Seen(ids[0])
		seen := time.Now()
		cancel()
		<-done
		loaded, _ := store.Load(t.Context())
		i := slices.IndexFunc(loaded, func(c inventory.Computer) bool { return c.ID == ids[0] })
		if loaded[i].Host != "y" || loaded[i].Seen.Unix() != seen.Unix() {
			t.Errorf("after a clean end: %+v", loaded[i])
		}
	})
}

func TestFirstCheckinKeepsStatuses(t *testing.T) {
	fleet, err := inventory.OpenFleet(t.Context(), newMemory(), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	id, err := fleet.Enrol(t.Context(), []byte("a"), "a")
	if err != nil {
		t.Fatal(err)
	}
	full := report("a")
	full.Clients = []wire.Status{{Client: "viewer", Workstation: "a", Phase: "UpToDate"}}
	for _, in := range []*wire.Checkin{full, report("a")} {
		if err := fleet.Report(id, in); err != nil {
			t.Fatal(err)
		}
	}
	if c, _ := fleet.Computer(id); len(c.Clients) != 1 {
		t.Errorf("statuses after a start of the agent: %+v", c.Clients)
	}
	if err := fleet.Report("nobody", full); !errors.Is(err, inventory.ErrUnknown) {
		t.Errorf("a report of nobody: %v", err)
	}
}

func TestActionsAreBoundedAndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet, err := inventory.OpenFleet(t.Context(), newMemory(), slog.New(slog.DiscardHandler), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		id, err := fleet.Enrol(t.Context(), []byte("a"), "a")
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for fleet.Ask(wire.Action{Verb: wire.Look, Until: time.Now().Add(time.Hour)}, id) == nil {
			if asked++; asked > 100 {
				t.Fatal("actions are not bounded")
			}
		}
		time.Sleep(2 * time.Hour)
		if err := fleet.Ask(wire.Action{Verb: wire.Look, Until: time.Now().Add(time.Minute)}, id); err != nil {
			t.Errorf("actions whose time is over take the place of new ones: %v", err)
		}
		time.Sleep(time.Hour)
		if err := fleet.Report(id, report("a")); err != nil {
			t.Fatal(err)
		}
		if c, _ := fleet.Computer(id); len(c.Actions) != 0 {
			t.Errorf("%d actions outlived their time", len(c.Actions))
		}
	})
}

// What is asked of many computers is asked of all of them or of none.
func TestAskAllOrNone(t *testing.T) {
	fleet, err := inventory.OpenFleet(t.Context(), newMemory(), slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, key := range []string{"a", "b"} {
		id, err := fleet.Enrol(t.Context(), []byte(key), key)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	look := wire.Action{Verb: wire.Look}
	if err := fleet.Ask(look, ids...); err != nil {
		t.Fatal(err)
	}
	for fleet.Ask(look, ids[1]) == nil { // until there is no room; that this ends is tested above
	}
	if err := fleet.Ask(look, ids...); !errors.Is(err, inventory.ErrFull) {
		t.Errorf("with one that has no room: %v", err)
	}
	if err := fleet.Ask(look, ids[0], "unknown"); !errors.Is(err, inventory.ErrUnknown) {
		t.Errorf("with one that is not enrolled: %v", err)
	}
	if c, _ := fleet.Computer(ids[0]); len(c.Actions) != 1 {
		t.Errorf("%d actions wait where one was asked for in full", len(c.Actions))
	}
}

// held is a store that stops once, in the next Save after hold was set, until it may go on.
type held struct {
	*memory
	hold      atomic.Bool
	begun, on chan struct{}
}

func (h *held) Save(ctx context.Context, computers []inventory.Computer) error {
	if h.hold.CompareAndSwap(true, false) {
		close(h.begun)
		<-h.on
	}
	return h.memory.Save(ctx, computers)
}

// A computer that is forgotten while its report is being written is not in the store afterwards: it would be enrolled
// again at the next start.
func TestForgottenWhileWritten(t *testing.T) {
	store := &held{memory: newMemory(), begun: make(chan struct{}), on: make(chan struct{})}
	fleet, err := inventory.OpenFleet(t.Context(), store, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	id, err := fleet.Enrol(t.Context(), []byte("a"), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); fleet.Run(ctx) }()
	store.hold.Store(true)
	if err := fleet.Report(id, report("b")); err != nil {
		t.Fatal(err)
	}
	<-store.begun
	forgotten := make(chan error, 1)
	go func() { forgotten <- fleet.Forget(t.Context(), id) }()
	time.Sleep(50 * time.Millisecond) // so that Forget comes before the write, if it may
	if fleet.Seen(id) == nil {
		t.Error("it was forgotten while its report was being written")
	}
	close(store.on)
	if err := <-forgotten; err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	if left, _ := store.Load(t.Context()); len(left) != 0 {
		t.Errorf("the store still holds %+v", left)
	}
}
