package reconciler

import (
	"slices"
	"time"

	"lull/schema"
)

// Observed is what is really there, for one installation.
type Observed struct {
	Version    schema.Version   `json:"version,omitzero"`     // installed; zero: unknown or not installed
	Problem    *Reason          `json:"problem,omitempty"`    // what on the computer stands in the way of any change
	Busy       *Reason          `json:"busy,omitempty"`       // why the client counts as in use; nil: idle
	Staged     schema.Version   `json:"staged,omitzero"`      // the complete, verified tree beside the installation
	Bad        []schema.Version `json:"bad,omitempty"`        // releases that failed their check here
	ReportOnly bool             `json:"reportOnly,omitempty"` // the agent is configured never to change anything
}

// Verb is what a step does.
type Verb string

// The verbs, in the order in which they are done.
const (
	Stage     Verb = "stage"
	AwaitIdle Verb = "await-idle"
	Swap      Verb = "swap"
	Check     Verb = "check"
)

// Step is one thing to do and why.
type Step struct {
	Verb   Verb   `json:"verb"`
	Reason Reason `json:"reason"`
}

// Decision is the plan for one installation: its phase with the reason, and the steps to the desired state, which are
// empty where nothing is to be done or nothing may be done.
type Decision struct {
	Phase  Phase  `json:"phase"`
	Reason Reason `json:"reason,omitzero"`
	Steps  []Step `json:"steps,omitempty"`
}

// Changes reports whether the plan changes the installation.
func (d Decision) Changes() bool { return len(d.Steps) > 0 }

// Plan decides what to do next about one installation. It is the only place that decides: the agent, the server's
// preview and `lull plan` all call it, so that the same manifests and the same facts give the same plan.
func Plan(desired Desired, observed Observed, now time.Time) Decision {
	if !desired.Managed {
		return Decision{Phase: Unmanaged, Reason: Why(NoManifest)}
	}
	if s := desired.Suspend; s != nil && (s.Until.IsZero() || now.Before(s.Until.Time)) {
		return Decision{Phase: Suspended, Reason: suspension(s)}
	}
	if desired.Problem != nil {
		return Decision{Phase: Blocked, Reason: *desired.Problem}
	}
	if observed.Problem != nil {
		return Decision{Phase: Blocked, Reason: *observed.Problem}
	}
	if observed.Version.Equal(desired.Version) {
		return Decision{Phase: UpToDate}
	}
	if obstacle, ok := forbidden(desired, observed); ok {
		return Decision{Phase: Blocked, Reason: obstacle}
	}
	return change(desired, observed)
}

func suspension(s *schema.Suspend) Reason {
	r := Why(SuspendedBy, "reason", s.Reason, "by", s.By)
	if !s.Until.IsZero() {
		r.Args["until"] = s.Until.Format(time.RFC3339)
	}
	return r
}

// forbidden is the first rule of the manifests that the change from observed to desired would break.
func forbidden(desired Desired, observed Observed) (Reason, bool) {
	from, to := observed.Version, desired.Version
	switch {
	case from.IsZero():
		return Why(UnknownBaseline), true
	case !desired.Accepts.Spans(from):
		return Why(NotAccepted, "installed", from.String(), "accepts", desired.Accepts.String()), true
	case from.Compare(to) > 0 && !desired.AllowDowngrade:
		return Why(DowngradeNotAllowed, "installed", from.String(), "desired", to.String()), true
	case slices.ContainsFunc(observed.Bad, to.Equal):
		return Why(ReleaseBad, "version", to.String()), true
	}
	return Reason{}, false
}

// change is the plan where the installation may become the desired version.
func change(desired Desired, observed Observed) Decision {
	wanted := Why(ChangeWanted, "installed", observed.Version.String(), "desired", desired.Version.String())
	if observed.ReportOnly {
		wanted.Code = ReportMode
		return Decision{Phase: Blocked, Reason: wanted}
	}
	d := Decision{Phase: Updating, Reason: wanted}
	if !observed.Staged.Equal(desired.Version) {
		d.Phase = Staging
		d.Steps = append(d.Steps, Step{Stage, wanted})
	}
	if observed.Busy != nil {
		d.Steps = append(d.Steps, Step{AwaitIdle, *observed.Busy})
		if d.Phase == Updating {
			d.Phase, d.Reason = WaitingForIdle, *observed.Busy
		}
	}
	d.Steps = append(d.Steps, Step{Swap, wanted}, Step{Check, wanted})
	return d
}
