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
	cause  error // for the log; nil where waiting is all there is to it
	retry  bool  // back off before the steps that change something are tried again
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

// patience is the back-off of one installation. It forgets when a try succeeds or the desired state changes.
type patience struct {
	desired string // what the failed tries were for
	delays  *backoff.ExponentialBackOff
	until   time.Time
}

// failed notes a failure and says when the next try is due.
func (p *patience) failed(desired string, now time.Time) time.Time {
	if p.delays == nil || p.desired != desired {
		p.desired = desired
		p.delays = &backoff.ExponentialBackOff{
			InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 1,
		}
	}
	p.until = now.Add(p.delays.NextBackOff())
	return p.until
}

// due reports whether a try for the desired state may be made now.
func (p *patience) due(desired string, now time.Time) bool {
	return p.desired != desired || !now.Before(p.until)
}

func (p *patience) forget() { *p = patience{} }
