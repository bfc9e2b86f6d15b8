// Package current holds what is in force now: the last good manifests together with the releases in the store, ready
// to answer any check-in.
//
// A View is made once for each change of either and never changes; whoever holds a request waits on Over, which closes
// when another View takes its place. A revision that is refused, or a source that cannot be reached, makes no new View:
// agents notice nothing of it. Before the manifests were read for the first time there is none at all, so that a
// server that has just started never tells an agent that there are no manifests.
package current

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/manifests"
)

// View is one state of manifests and releases.
type View struct {
	*wire.Revision
	Number uint64 // counts views
	over   chan struct{}
}

// Over returns a channel that closes when this view is no longer the current one.
func (v *View) Over() <-chan struct{} { return v.over }

// releases is where releases are listed.
type releases interface {
	List() ([]release.Ref, error)
}

// Keeper makes views.
type Keeper struct {
	source   *manifests.Source
	releases releases
	log      *slog.Logger

	mu   sync.Mutex // held while a view is made
	view atomic.Pointer[View]
}

// New makes a Keeper, which has no view before its first Refresh.
func New(source *manifests.Source, store releases, log *slog.Logger) *Keeper {
	return &Keeper{source: source, releases: store, log: log}
}

// View returns the current view; nil before there were manifests, or the lack of them, to be seen.
func (k *Keeper) View() *View { return k.view.Load() }

// Refresh makes a new view if manifests or releases have changed.
func (k *Keeper) Refresh() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	snapshot := k.source.Current()
	if snapshot.Taken.IsZero() {
		return nil
	}
	refs, err := k.releases.List()
	if err != nil {
		return fmt.Errorf("list releases: %w", err)
	}
	old := k.view.Load()
	if old != nil && old.Set == snapshot.Set && old.Name == snapshot.Revision && slices.Equal(old.Releases, refs) {
		return nil
	}
	next := &View{Revision: wire.NewRevision(snapshot.Revision, snapshot.Set, refs), Number: 1, over: make(chan struct{})}
	if old != nil {
		next.Number = old.Number + 1
	}
	k.view.Store(next)
	if old != nil {
		close(old.over)
	}
	return nil
}

// lookAgain is how often releases are listed without any hint: another program may add some to the same store.
const lookAgain = time.Minute

// Run refreshes whenever the source has changed, and once a minute, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		changed := k.source.Changed()
		if err := k.Refresh(); err != nil {
			k.log.Error("the last state stays in force", "error", err)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
