package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"lull/agent/checkin"
	"lull/internal/build"
	"lull/internal/wire"
)

// The pace of check-ins: what changes within a pause is reported together, and whatever the agent or its authority does
// wrong, in the long run there is no more than one a second.
const (
	checkinPause   = 200 * time.Millisecond
	checkinEvery   = time.Second
	checkinsAtOnce = 20
)

// While nobody answers, the agent asks again after a time that doubles between these two.
const (
	firstReconnect = time.Second
	lastReconnect  = time.Minute
)

// converse keeps one check-in under way at all times: held by the authority while there is no news, ended and sent anew
// when the agent has something to report.
func (a *Agent) converse(ctx context.Context) error {
	pace := rate.NewLimiter(rate.Every(checkinEvery), checkinsAtOnce)
	delays := &backoff.ExponentialBackOff{
		InitialInterval: firstReconnect, MaxInterval: lastReconnect, Multiplier: 2, RandomizationFactor: 0.5,
	}
	reported := -1
	for pace.Wait(ctx) == nil {
		version, current := a.board.currently()
		err := a.exchange(ctx, current, version == reported)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			reported = version
			delays.Reset()
			if a.board.reached() {
				a.log.Info("check-ins are answered again")
			}
			a.answered()
			sleep(ctx, checkinPause)
		case errors.Is(err, errOutdated):
			sleep(ctx, checkinPause)
		default:
			a.away(err)
			a.answered()
			reported = -1 // the first check-in that succeeds again shall say so at once
			sleep(ctx, askedToWait(err)+delays.NextBackOff())
		}
	}
	return ctx.Err()
}

var errOutdated = errors.New("there is something newer to report")

// exchange makes one check-in. One that has nothing to report may be held, and ends as soon as there is something.
func (a *Agent) exchange(ctx, current context.Context, hold bool) error {
	if !hold {
		_, err := a.checkin(ctx, 0)
		return err
	}
	held, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(current, cancel)()
	_, err := a.checkin(held, wire.MaxWait)
	if err != nil && current.Err() != nil {
		return errOutdated
	}
	return err
}

// checkin reports, keeps the answer and asks for a look if it holds news, which it returns.
func (a *Agent) checkin(ctx context.Context, wait time.Duration) (bool, error) {
	orders := a.memory.orders()
	request := wire.Checkin{
		Have: orders.Digest, Wait: int(wait / time.Second),
		Facts: a.facts(), Labels: a.config.Labels, Mode: a.config.Mode, Agent: build.Version,
		Clients: a.board.statuses(), Sessions: a.userSessions(orders.Privacy), Done: a.memory.done(),
	}
	reply, news, err := a.authority.Checkin(ctx, request)
	if err != nil || !news {
		return false, err
	}
	fresh, err := a.memory.follow(reply)
	for _, action := range fresh {
		a.log.Info("action", "verb", action.Verb, "client", action.Client, "by", action.By, "id", action.ID)
	}
	if len(fresh) > 0 {
		a.board.touch() // to report that they are done
	}
	a.Look()
	if err != nil {
		return false, fmt.Errorf("keep the answer to a check-in: %w", err)
	}
	return true, nil
}

// away notes that the authority did not answer; the agent goes on with what it has.
func (a *Agent) away(err error) {
	if since, first := a.board.unreachable(err, a.now()); first {
		a.log.Warn("no answer to the check-in; going on with the last one", "error", err, "since", since)
	}
}

func askedToWait(err error) time.Duration {
	if unavailable := (*checkin.Unavailable)(nil); errors.As(err, &unavailable) {
		return unavailable.After
	}
	return 0
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
