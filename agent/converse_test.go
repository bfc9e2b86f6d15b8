package agent

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lull/agent/checkin"
	"lull/internal/wire"
	"lull/reconciler"
)

// scripted is an authority whose answers a test writes.
type scripted struct {
	mu     sync.Mutex
	calls  []wire.Checkin
	at     []time.Time
	answer func(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error)
}

func (s *scripted) Checkin(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
	s.mu.Lock()
	s.calls, s.at = append(s.calls, c), append(s.at, time.Now())
	s.mu.Unlock()
	return s.answer(ctx, c)
}

func (s *scripted) asked() []wire.Checkin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *scripted) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

// hold keeps a check-in as long as it wants to be kept.
func hold(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
	select {
	case <-ctx.Done():
		return wire.Reply{}, false, ctx.Err()
	case <-time.After(time.Duration(c.Wait) * time.Second):
		return wire.Reply{}, false, nil
	}
}

// conversing runs a conversation in a bubble of its own time until the test ends it.
func conversing(t *testing.T, s *scripted, test func(a *Agent)) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		a := w.open()
		defer a.Close()
		a.authority = s
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.converse(ctx) }()
		test(a)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("the conversation ended with %v", err)
		}
	})
}

func status(phase reconciler.Phase) wire.Status {
	return wire.Status{Client: "viewer", Workstation: "CARD-1", Phase: phase}
}

func TestConverseEndsAHeldCheckinWhenThereIsSomethingToReport(t *testing.T) {
	s := &scripted{answer: hold}
	conversing(t, s, func(a *Agent) {
		time.Sleep(10 * time.Second)
		if len(s.asked()) != 2 || s.asked()[0].Wait != 0 || s.asked()[1].Wait != int(wire.MaxWait/time.Second) {
			t.Fatalf("after ten quiet seconds: %+v", s.asked())
		}
		if err := a.board.post(status(reconciler.WaitingForIdle), time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if len(s.asked()) != 4 || s.asked()[2].Wait != 0 || len(s.asked()[2].Clients) != 1 || s.asked()[3].Wait == 0 {
			t.Fatalf("after a change: %+v", s.asked())
		}
		time.Sleep(wire.MaxWait + time.Second)
		if len(s.asked()) != 5 || s.asked()[4].Wait == 0 {
			t.Errorf("after the wait was over: %d check-ins, the last %+v", len(s.asked()), s.asked()[len(s.asked())-1])
		}
		if since, never := a.board.unreachable(errAway, time.Now()); !never {
			t.Errorf("a check-in that the agent ended itself counts as no answer since %s", since)
		}
	})
}

// Reports must not starve while a download says how far it is more often than a slow line takes a check-in.
func TestConverseReportsWhileEverythingChanges(t *testing.T) {
	slow := func(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
		if c.Wait > 0 {
			return hold(ctx, c)
		}
		return hold(ctx, wire.Checkin{Wait: 5})
	}
	s := &scripted{answer: slow}
	conversing(t, s, func(a *Agent) {
		for i := range 30 {
			changed := status(reconciler.Staging)
			changed.Progress = &wire.Progress{Done: int64(i), Total: 30}
			if err := a.board.post(changed, time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(progressPause)
		}
		last := s.asked()[len(s.asked())-1]
		if len(last.Clients) != 1 || last.Clients[0].Progress == nil || last.Clients[0].Progress.Done < 25 {
			t.Errorf("the last of %d check-ins reports %+v", len(s.asked()), last.Clients)
		}
		if since, never := a.board.unreachable(errAway, time.Now()); !never {
			t.Errorf("a slow answer counts as none since %s", since)
		}
	})
}

// Whatever an authority answers, it is not asked in a busy loop.
func TestConverseKeepsItsPace(t *testing.T) {
	for name, answer := range map[string]func(context.Context, wire.Checkin) (wire.Reply, bool, error){
		"never holds": func(context.Context, wire.Checkin) (wire.Reply, bool, error) { return wire.Reply{}, false, nil },
		"always has new": func(context.Context, wire.Checkin) (wire.Reply, bool, error) {
			return wire.Reply{Digest: "x"}, true, nil
		},
		"never answers": func(context.Context, wire.Checkin) (wire.Reply, bool, error) { return wire.Reply{}, false, errAway },
	} {
		t.Run(name, func(t *testing.T) {
			s := &scripted{answer: answer}
			conversing(t, s, func(*Agent) {
				time.Sleep(time.Minute)
				if limit := checkinsAtOnce + 61; len(s.asked()) < 2 || len(s.asked()) > limit {
					t.Errorf("%d check-ins in a minute, want 2 to %d", len(s.asked()), limit)
				}
			})
		})
	}
}

func TestConverseHeedsRetryAfterAndSaysThatNobodyAnswers(t *testing.T) {
	s := &scripted{}
	asked := 2 * time.Minute
	s.answer = func(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
		if len(s.asked()) == 1 {
			return wire.Reply{}, false, &checkin.Unavailable{Status: 503, After: asked}
		}
		return hold(ctx, c)
	}
	conversing(t, s, func(a *Agent) {
		time.Sleep(asked)
		report, err := ReadReport(a.config.Data)
		if err != nil || report.Away == nil || report.Away.Error == "" || report.Away.Since.IsZero() {
			t.Errorf("got %+v, %v; want since when nobody answers, and why", report.Away, err)
		}
		if len(s.asked()) != 1 {
			t.Fatalf("%d check-ins before the time was over", len(s.asked()))
		}
		time.Sleep(lastReconnect)
		if len(s.asked()) < 2 {
			t.Fatal("did not come back")
		}
		if report, err := ReadReport(a.config.Data); err != nil || report.Away != nil {
			t.Errorf("got %+v, %v; want that it is over", report.Away, err)
		}
	})
}

func TestConverseBacksOff(t *testing.T) {
	s := &scripted{answer: func(context.Context, wire.Checkin) (wire.Reply, bool, error) { return wire.Reply{}, false, errAway }}
	conversing(t, s, func(*Agent) {
		time.Sleep(time.Hour)
		n := len(s.times())
		if n < 40 || n > 150 {
			t.Errorf("%d check-ins in an hour without an answer", n)
		}
		if pause := s.times()[n-1].Sub(s.times()[n-2]); pause < lastReconnect/2 || pause > 2*lastReconnect {
			t.Errorf("the last pause is %s", pause)
		}
	})
}

func TestActionsAreDoneOnceAndReported(t *testing.T) {
	t.Parallel()
	w := standard(t)
	a := ordered(t, w)
	w.authority.ask(wire.Action{ID: "1", Verb: wire.Look, By: "ada"}, wire.Action{ID: "2", Verb: wire.Retry, By: "ada"})
	for range 2 {
		if _, err := a.checkin(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.memory.retried("viewer"); n != 1 {
		t.Errorf("tried again %d times", n)
	}
	if got := w.authority.asked(); !contains(got, "1") || !contains(got, "2") {
		t.Errorf("not reported as done: %+v", got[len(got)-1].Done)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	w.authority.ask(wire.Action{ID: "2", Verb: wire.Retry, By: "ada"}) // a server from a backup asks again
	a = w.agent()
	if _, err := a.checkin(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := a.memory.retried("viewer"); n != 0 {
		t.Errorf("done again after a restart")
	}
}

// Run as the service does: it looks at once, again when the authority has news, and ends without an error.
func TestRun(t *testing.T) {
	t.Parallel()
	w := standard(t)
	a := w.agent()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	waitFor := func(phase reconciler.Phase, version string) {
		t.Helper()
		for range 1000 {
			if s := a.board.status("viewer"); s.Phase == phase && s.Observed.Version.String() == version {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("not %s %s in ten seconds: %+v", phase, version, a.board.statuses())
	}
	waitFor(reconciler.UpToDate, "5.8.1")
	w.want(`version: "5.8.2"`)
	waitFor(reconciler.UpToDate, "5.8.2")
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	w.whole(content("5.8.2"))
	if report, err := ReadReport(w.config.Data); err != nil || len(report.Clients) != 1 || report.Clients[0].Phase != reconciler.UpToDate {
		t.Errorf("lull-agent status would show %+v, %v", report, err)
	}
}
