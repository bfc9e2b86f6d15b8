package manifests

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"lull/schema"
)

// place is where a source looks. Calls never overlap.
type place interface {
	// look lists the manifests that are there now, or returns nil if they are still the revision that was tried last. A
	// listing and an error together mean that the place cannot be reached and the listing is what it held before.
	look(ctx context.Context, tried string) (*listing, error)
	// folders names the folders whose events are hints that something changed.
	folders() []string
}

// historian is a place that remembers what it held before.
type historian interface {
	// before lists the revision before another one, or returns nil if there is none.
	before(ctx context.Context, revision string) (*listing, error)
}

// maxBack is how far a source that starts at a bad revision goes back for a good one: more than a person commits before
// looking at what comes of it, and few enough to be read in a second.
const maxBack = 50

// untried is the revision that was judged last before the first one; no place has it.
const untried = "untried"

// Source is a place where manifests live, and its state. The zero Source is of no use; Open and OpenStore make one.
type Source struct {
	name  string // for people, without passwords
	place place
	Options

	mu    sync.Mutex // held during a look and during a write: go-git is not safe for concurrent use
	known map[string]*file
	tried string // the revision that was judged last
	state atomic.Pointer[state]
	nudge chan struct{}
}

// state is what Current and Changed show.
type state struct {
	snapshot *Snapshot
	changed  chan struct{} // closed by the next state
}

func newSource(name string, p place, o Options) *Source {
	s := &Source{name: name, tried: untried, place: p, Options: o, nudge: make(chan struct{}, 1)}
	s.state.Store(&state{&Snapshot{Set: new(schema.Set)}, make(chan struct{})})
	return s
}

// String names the source for people, without user name and password.
func (s *Source) String() string { return s.name }

// Current is the newest Snapshot; never nil. Before the first look its Set is empty.
func (s *Source) Current() *Snapshot { return s.state.Load().snapshot }

// Changed returns a channel that is closed by the next change of Current. Take the channel first and the Snapshot
// second, and no change is missed.
func (s *Source) Changed() <-chan struct{} { return s.state.Load().changed }

// Nudge asks Run to look now, as a webhook does. It never blocks, and many nudges make one look.
func (s *Source) Nudge() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// Look looks once and publishes what changed. Its error says that the place could not be reached; a revision that was
// refused is no error but part of the Snapshot.
func (s *Source) Look(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.look(ctx)
}

func (s *Source) look(ctx context.Context) error {
	l, err := s.place.look(ctx, s.tried)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	old := s.Current()
	next := *old
	if l != nil && l.revision != s.tried {
		s.judge(l, &next)
		s.fallBack(ctx, &next)
	}
	if next.Unreachable = s.reach(old.Unreachable, err); differ(old, &next) {
		s.publish(&next)
	}
	return err
}

// judge takes or refuses a revision.
func (s *Source) judge(l *listing, next *Snapshot) {
	c, set, errs := l.judge(s.known, next.Set)
	s.tried = l.revision
	if c.files != nil {
		s.known = c.files
	}
	if len(errs) > 0 {
		next.Refused = &Refused{Revision: l.revision, Errors: errs, Since: s.Now()}
		s.Log.Warn("manifests refused", "source", s.name, "revision", l.revision, "errors", len(errs), "first", errs[0].Error())
		return
	}
	*next = Snapshot{Revision: l.revision, Digest: c.digest, Set: set, Taken: s.Now(), files: c.files}
	s.Log.Info("manifests taken", "source", s.name, "revision", l.revision, "manifests", set.Len())
}

// fallBack puts the newest good revision that holds manifests in force where the first one that was seen is bad or holds
// none, so that the last good revision stays in force across a restart.
func (s *Source) fallBack(ctx context.Context, next *Snapshot) {
	h, ok := s.place.(historian)
	if !ok || !s.Current().Taken.IsZero() || next.Refused == nil && next.Set.Len() > 0 {
		return
	}
	refused, known, revision := next.Refused, s.known, s.tried
	for range maxBack {
		l, err := h.before(ctx, revision)
		if err != nil || l == nil {
			return // what is in force, if anything, holds no manifest, and a refused revision says why
		}
		c, set, errs := l.judge(known, s.Current().Set)
		if len(errs) == 0 && set.Len() > 0 {
			if refused == nil {
				refused = &Refused{Revision: s.tried, Errors: emptied("manifests", set), Since: s.Now()}
			}
			*next = Snapshot{Revision: l.revision, Digest: c.digest, Set: set, Taken: s.Now(), files: c.files, Refused: refused}
			s.Log.Info("an earlier revision taken", "source", s.name, "revision", l.revision, "manifests", set.Len())
			return
		}
		revision = l.revision
	}
}

// reach turns the outcome of a look into state, and logs when it turns.
func (s *Source) reach(old *Unreachable, err error) *Unreachable {
	switch {
	case err == nil && old != nil:
		s.Log.Info("manifests reachable again", "source", s.name)
		return nil
	case err == nil:
		return nil
	case old == nil:
		s.Log.Warn("manifests unreachable", "source", s.name, "error", err)
		return &Unreachable{Reason: err.Error(), Since: s.Now()}
	case old.Reason == err.Error():
		return old
	}
	return &Unreachable{Reason: err.Error(), Since: old.Since}
}

func differ(a, b *Snapshot) bool {
	return a.Revision != b.Revision || !a.Taken.Equal(b.Taken) || a.Refused != b.Refused || a.Unreachable != b.Unreachable
}

func (s *Source) publish(next *Snapshot) {
	old := s.state.Swap(&state{next, make(chan struct{})})
	close(old.changed)
}

// Run looks at the source at once and then whenever its interval is over, its files change or somebody nudges, until
// ctx ends; that is no error. Failures are part of the Snapshot and never end it.
func (s *Source) Run(ctx context.Context) error {
	w := watcher{log: s.Log}
	defer w.close()
	for ctx.Err() == nil {
		// What goes wrong is state; the next look is the cure.
		_ = s.Look(ctx)
		if w.follow(s.watched()) {
			continue // something may have been written before its folder was watched
		}
		timer := time.NewTimer(s.pause(s.Now()))
		w.wait(ctx, timer.C, s.nudge)
		timer.Stop()
	}
	return nil
}

func (s *Source) watched() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place.folders()
}

// pause is how long the next look has to wait.
func (o Options) pause(now time.Time) time.Duration {
	if o.Phase <= 0 {
		return o.Interval
	}
	next := now.Truncate(o.Interval).Add(o.Phase % o.Interval)
	if !next.After(now) {
		next = next.Add(o.Interval)
	}
	return next.Sub(now)
}
