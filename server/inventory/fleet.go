package inventory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lull/internal/wire"
)

const (
	flushEvery = time.Second
	maxActions = 16 // waiting on one computer; more is a mistake of who asks
)

var (
	// ErrUnknown means that no such computer is enrolled.
	ErrUnknown = errors.New("this computer is not enrolled")
	// ErrFull means that a computer has no room for another action.
	ErrFull = fmt.Errorf("%d actions already wait on this computer: let its agent do them first", maxActions)
)

// Fleet is the inventory in memory, and the only writer of its Store.
type Fleet struct {
	store Store
	now   func() time.Time
	log   *slog.Logger

	disk sync.Mutex // held while the store is written, and taken before mu: what was forgotten must not be written again

	mu      sync.RWMutex // never held while the store is written: every check-in needs it
	members map[string]*member
	dirty   map[string]struct{}
}

type member struct {
	computer atomic.Pointer[Computer]
	seen     atomic.Int64  // Unix seconds; newer than computer.Seen
	asked    chan struct{} // closed and replaced when an action was added, closed when the computer is forgotten
}

// OpenFleet reads the inventory from store.
func OpenFleet(ctx context.Context, store Store, log *slog.Logger, now func() time.Time) (*Fleet, error) {
	all, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	f := &Fleet{store: store, now: now, log: log, members: make(map[string]*member, len(all)), dirty: map[string]struct{}{}}
	for i := range all {
		f.members[all[i].ID] = newMember(&all[i])
	}
	return f, nil
}

func newMember(c *Computer) *member {
	m := &member{asked: make(chan struct{})}
	m.computer.Store(c)
	m.seen.Store(c.Seen.Unix())
	return m
}

// Enrol makes a computer known by its key, durably. A known key is answered as the first time.
func (f *Fleet) Enrol(ctx context.Context, key []byte, host string) (string, error) {
	id := wire.ComputerID(key)
	f.disk.Lock()
	defer f.disk.Unlock()
	if f.member(id) != nil {
		return id, nil
	}
	now := f.now().UTC().Truncate(time.Second)
	c := &Computer{ID: id, Key: slices.Clone(key), Host: host, Enrolled: now, Seen: now}
	if err := f.store.Save(ctx, []Computer{*c}); err != nil {
		return "", fmt.Errorf("enrol %s: %w", host, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[id] = newMember(c)
	return id, nil
}

// Forget removes a computer; its agent must enrol again. ErrUnknown: there is none.
func (f *Fleet) Forget(ctx context.Context, id string) error {
	f.disk.Lock()
	defer f.disk.Unlock()
	m := f.member(id)
	if m == nil {
		return ErrUnknown
	}
	if err := f.store.Delete(ctx, id); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	close(m.asked)
	delete(f.members, id)
	delete(f.dirty, id)
	return nil
}

func (f *Fleet) member(id string) *member {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.members[id]
}

// Computer returns one computer.
func (f *Fleet) Computer(id string) (*Computer, bool) {
	if m := f.member(id); m != nil {
		return m.snapshot(), true
	}
	return nil, false
}

// snapshot is the computer with the time at which it was last seen.
func (m *member) snapshot() *Computer {
	c := *m.computer.Load()
	c.Seen = time.Unix(m.seen.Load(), 0).UTC()
	return &c
}

// Seen notes that a computer has checked in and returns what its last report said, nil if it is not enrolled. The same
// pointer twice means that nothing has changed between. Seen touches memory only.
func (f *Fleet) Seen(id string) *Computer {
	m := f.member(id)
	if m == nil {
		return nil
	}
	m.seen.Store(f.now().Unix())
	return m.computer.Load()
}

// Watch returns what is known of a computer, as Seen does but without noting anything, and a channel that closes when
// somebody asks something of it; nil if it is not enrolled.
func (f *Fleet) Watch(id string) (*Computer, <-chan struct{}) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	m := f.members[id]
	if m == nil {
		return nil, nil
	}
	return m.computer.Load(), m.asked
}

// Report keeps what a check-in says that has passed Check. The statuses stay if it names none at all, as the first one
// after an agent's start does; NoClients drops them.
func (f *Fleet) Report(id string, in *wire.Checkin) error {
	f.Seen(id)
	return f.change(id, func(c *Computer) {
		c.Agent, c.Mode, c.Facts, c.Labels, c.Sessions = in.Agent, in.Mode, in.Facts, in.Labels, in.Sessions
		if host := in.Facts[wire.FactHost]; host != "" {
			c.Host = host
		}
		if len(in.Clients) > 0 {
			c.Clients = in.Clients
		}
		c.Actions = slices.DeleteFunc(f.waiting(c), func(a wire.Action) bool { return slices.Contains(in.Done, a.ID) })
	})
}

// NoClients drops the statuses of a computer whose agent knows where to look and finds no client.
func (f *Fleet) NoClients(id string) {
	_ = f.change(id, func(c *Computer) { c.Clients = nil }) // forgotten in the meantime: so are its statuses
}

// waiting is a copy of the actions of a computer whose time is not over.
func (f *Fleet) waiting(c *Computer) []wire.Action {
	now := f.now()
	return slices.DeleteFunc(slices.Clone(c.Actions), func(a wire.Action) bool { return !a.Until.IsZero() && !now.Before(a.Until) })
}

// Ask adds an action for each of some computers, all or none, and gives it an id for each.
func (f *Fleet) Ask(action wire.Action, ids ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		m := f.members[id]
		if m == nil {
			return ErrUnknown
		}
		if c := m.computer.Load(); len(f.waiting(c)) >= maxActions {
			return fmt.Errorf("%s: %w", c.Host, ErrFull)
		}
	}
	for _, id := range ids {
		var b [8]byte
		rand.Read(b[:])
		action.ID = hex.EncodeToString(b[:])
		m := f.members[id]
		f.edit(m, func(c *Computer) { c.Actions = append(f.waiting(c), action) })
		close(m.asked)
		m.asked = make(chan struct{})
	}
	return nil
}

func (f *Fleet) change(id string, edit func(*Computer)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[id]
	if m == nil {
		return ErrUnknown
	}
	f.edit(m, edit)
	return nil
}

// edit replaces a computer if that changes it. The caller holds mu.
func (f *Fleet) edit(m *member, edit func(*Computer)) {
	old := m.computer.Load()
	c := new(Computer)
	*c = *old
	edit(c)
	if reflect.DeepEqual(old, c) {
		return
	}
	m.computer.Store(c)
	f.dirty[c.ID] = struct{}{}
}

// Computers lists all computers by host name.
func (f *Fleet) Computers() []*Computer {
	f.mu.RLock()
	list := make([]*Computer, 0, len(f.members))
	for _, m := range f.members {
		list = append(list, m.snapshot())
	}
	f.mu.RUnlock()
	SortBy(list, (*Computer).SortKey)
	return list
}

// SortBy sorts a list by the key of each item, which it makes once: making keys is what sorting a large fleet costs.
func SortBy[T any](list []T, key func(T) string) {
	type keyed struct {
		key  string
		item T
	}
	all := make([]keyed, len(list))
	for i, item := range list {
		all[i] = keyed{key(item), item}
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for i := range all {
		list[i] = all[i].item
	}
}

// SortKey orders computers by host name and tells those of one name apart.
func (c *Computer) SortKey() string { return strings.ToLower(c.Host) + "/" + c.ID }

// Run writes what changed, once a second, until ctx ends, and then everything once more.
func (f *Fleet) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.flush(ctx, f.takeDirty())
		case <-ctx.Done():
			f.mu.RLock()
			ids := slices.Collect(maps.Keys(f.members))
			f.mu.RUnlock()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			f.flush(ctx, ids)
			return
		}
	}
}

func (f *Fleet) takeDirty() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := slices.Collect(maps.Keys(f.dirty))
	clear(f.dirty)
	return ids
}

// flush saves computers; those that could not be saved are tried again with the next ones.
func (f *Fleet) flush(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	f.disk.Lock()
	defer f.disk.Unlock()
	computers := make([]Computer, 0, len(ids))
	for _, id := range ids {
		if c, ok := f.Computer(id); ok {
			computers = append(computers, *c)
		}
	}
	err := f.store.Save(ctx, computers)
	if err == nil || errors.Is(ctx.Err(), context.Canceled) { // cancelled: Run writes everything once more
		return
	}
	f.log.Error("reports were not written; they are tried again", "computers", len(computers), "error", err)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range computers {
		if f.members[c.ID] != nil {
			f.dirty[c.ID] = struct{}{}
		}
	}
}
