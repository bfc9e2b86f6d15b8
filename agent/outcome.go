package agent

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lull/reconciler"
)

// An outcome is what ends a pass before its last step. Which of its three behaviours an end has decides when the agent
// tries again; an error that is no outcome is a failure that is retried.
type outcome struct {
	phase  reconciler.Phase
	reason reconciler.Reason
	cause  error     // for the log; nil where waiting is all there is to it
	retry  bool      // back off before the steps that change something are tried again
	until  time.Time // when they are, once that is known
}

func (o *outcome) Error() string {
	if o.cause != nil {
		return o.cause.Error()
	}
	return string(o.phase) + " " + string(o.reason.Code)
}

func (o *outcome) Unwrap() error { return o.cause }

// wait ends the pass until a condition holds; every later pass looks again, at no cost worth delaying.
func wait(phase reconciler.Phase, reason reconciler.Reason) error {
	return &outcome{phase: phase, reason: reason}
}

// block ends the pass until the desired state or the computer changes.
func block(reason reconciler.Reason, cause error) error {
	return &outcome{phase: reconciler.Blocked, reason: reason, cause: cause}
}

// refuse ends the pass with a release that is not what it should be: damage that may have come on the way, so that it is
// tried again, but rarely, because each try may cost a whole download.
func refuse(version string, cause error) error {
	reason := reconciler.Why(reconciler.ReleaseRefused, "version", version, "error", cause.Error())
	return &outcome{phase: reconciler.Blocked, reason: reason, cause: cause, retry: true}
}

// fail ends the pass with something that may go well next time; the wait before that grows.
func fail(reason reconciler.Reason, cause error) error {
	return &outcome{phase: reconciler.Failed, reason: reason, cause: cause, retry: true}
}

// asOutcome turns what a step returned into an outcome.
func asOutcome(step string, err error) *outcome {
	var o *outcome
	if errors.As(err, &o) {
		return o
	}
	return &outcome{
		phase:  reconciler.Failed,
		reason: reconciler.Why(reconciler.StepFailed, "step", step, "error", err.Error()),
		cause:  err,
		retry:  true,
	}
}

// The wait between two tries doubles from the first to the last, each drawn at random from zero to twice its middle, so
// that a fleet that failed together does not come back together.
const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Hour
)

// goal is what tries are for. Another one deserves a try at once.
type goal struct {
	version string // the desired one
	asked   int    // how often people asked to try again
}

// patience is the back-off of one installation. It forgets when a try succeeds or the goal changes.
type patience struct {
	goal   goal
	delays *backoff.ExponentialBackOff
	last   outcome // of the failed tries
}

// failed notes how a try ended and when the next one is due.
func (p *patience) failed(g goal, o *outcome, now time.Time) {
	if p.delays == nil || p.goal != g {
		p.goal = g
		p.delays = &backoff.ExponentialBackOff{
			InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 1,
		}
	}
	o.until = now.Add(p.delays.NextBackOff())
	p.last = outcome{phase: o.phase, reason: o.reason, until: o.until}
}

// pending is how the last try ended if it is too early for another one, else nil.
func (p *patience) pending(g goal, now time.Time) *outcome {
	if p.delays == nil || p.goal != g || !now.Before(p.last.until) {
		return nil
	}
	again := p.last
	return &again
}

func (p *patience) forget() { *p = patience{} }
