package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	maxTries = 8                // in a row without progress: about a minute with the pauses below
	maxPause = 30 * time.Second // between two tries
	patience = time.Minute      // a source that asks for a longer pause ends the fetch; the next pass tries again
	minimum  = 1 << 10          // bytes that must arrive within Stall, so that a trickle counts as standing still
)

// try repeats attempt while its error is Unavailable. Attempts that got further than any before do not count.
func (s *Source) try(ctx context.Context, attempt func() (further bool, err error)) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = s.pause / 2
	pauses.Multiplier = 2
	pauses.MaxInterval = maxPause / 2
	pauses.RandomizationFactor = 1 // full jitter: from 0 to twice the interval
	left := maxTries
	_, err := backoff.Retry(ctx, func() (none struct{}, err error) {
		further, err := attempt()
		if further {
			left = maxTries
			pauses.Reset()
		}
		left--
		return none, next(ctx, err, left)
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0))
	return err
}

// next tells backoff what an attempt's error means.
func next(ctx context.Context, err error, left int) error {
	var away *Unavailable
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return backoff.Permanent(context.Cause(ctx))
	case !errors.As(err, &away) || left == 0 || away.RetryAfter > patience:
		return backoff.Permanent(err)
	case away.RetryAfter > 0: // and a little more, or all who were sent away return together
		return &backoff.RetryAfterError{Duration: away.RetryAfter + rand.N(away.RetryAfter/2+1)}
	}
	return err
}

// watchdog ends a request that stands still.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
	got    int // bytes since the timer was set
}

func watch(ctx context.Context, limit time.Duration) *watchdog {
	w := &watchdog{limit: limit}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, func() {
		w.cancel(fmt.Errorf("%w for %s", errStalled, limit))
	})
	return w
}

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain gives the cause where err only says that the request was cancelled.
func (w *watchdog) explain(err error) error {
	if cause := context.Cause(w.ctx); errors.Is(cause, errStalled) {
		return &Unavailable{Err: cause}
	}
	return err
}

// reader passes r on and notes that bytes arrive.
func (w *watchdog) reader(r io.Reader) io.Reader { return &watched{r, w} }

type watched struct {
	r io.Reader
	w *watchdog
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.w.got += n
	if r.w.got >= minimum {
		r.w.got = 0
		r.w.timer.Reset(r.w.limit)
	}
	return n, err
}
