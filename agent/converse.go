package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lull/agent/checkin"
	"lull/internal/build"
	"lull/internal/wire"
)

// A check-in that ended early, because there is something new to report, is not repeated faster than this.
const checkinPause = 200 * time.Millisecond

// While nobody answers, the agent asks again after a time that doubles between these two.
const (
	firstReconnect = time.Second
	lastReconnect  = time.Minute
)

// converse keeps one check-in under way at all times: held by the authority while there is no news, ended and sent anew
// when the agent has something to report.
func (a *Agent) converse(ctx context.Context) error {
	delays := &backoff.ExponentialBackOff{
		InitialInterval: firstReconnect, MaxInterval: lastReconnect, Multiplier: 2, RandomizationFactor: 0.5,
	}
	reported := -1
	for ctx.Err() == nil {
		version, current := a.board.currently()
		wait := wire.MaxWait
		if version != reported {
			wait = 0
		}
		held, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(current, cancel)
		_, err := a.checkin(held, wait)
		early := held.Err() != nil
		stop()
		cancel()
		switch {
		case err == nil:
			reported = version
			delays.Reset()
			a.board.reached()
			if wait == 0 {
				sleep(ctx, checkinPause)
			}
		case early && ctx.Err() == nil:
			sleep(ctx, checkinPause) // something to report came up
		case ctx.Err() == nil:
			a.away(err)
			sleep(ctx, max(delays.NextBackOff(), askedToWait(err)))
		}
	}
	return ctx.Err()
}

// checkin reports and takes the answer to heart. It returns whether there was news.
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
	if err := a.memory.follow(reply); err != nil {
		return false, fmt.Errorf("keep the answer to a check-in: %w", err)
	}
	return true, a.act(reply.Actions)
}

// act does what people asked for and looks again, since the orders are new in any case.
func (a *Agent) act(actions []wire.Action) error {
	fresh, err := a.memory.take(actions)
	for _, action := range fresh {
		a.log.Info("action", "verb", action.Verb, "client", action.Client, "by", action.By, "id", action.ID)
	}
	if len(fresh) > 0 {
		a.board.touch() // to report that they are done
	}
	a.Look()
	return err
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
