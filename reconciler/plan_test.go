package reconciler

import (
	"strings"
	"testing"
	"time"

	"lull/schema"
)

// What is done next about a viewer 5.8.0 that shall become 5.8.1, and what changes if one thing is different.
func TestPlan(t *testing.T) {
	inUse := Why(InUse, "process", "viewer", "session", "3")
	tests := []struct {
		name  string
		apply func(*Desired, *Observed)
		want  string
	}{
		{"nothing is different", func(*Desired, *Observed) {},
			"Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, swap, check"},

		// Staged and busy.
		{"in use", func(_ *Desired, o *Observed) { o.Busy = &inUse },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, await-idle, swap, check"},
		{"staged", func(_ *Desired, o *Observed) { o.Staged = version("5.8.1") },
			"Updating ChangeWanted desired=5.8.1 installed=5.8.0: swap, check"},
		{"staged and in use", func(_ *Desired, o *Observed) { o.Staged, o.Busy = version("5.8.1"), &inUse },
			"WaitingForIdle InUse process=viewer session=3: await-idle, swap, check"},
		{"staged in another spelling", func(_ *Desired, o *Observed) { o.Staged = version("5.8.1.0") },
			"Updating ChangeWanted desired=5.8.1 installed=5.8.0: swap, check"},
		{"another version staged", func(_ *Desired, o *Observed) { o.Staged = version("5.8.2") },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, swap, check"},

		// There already.
		{"installed", func(_ *Desired, o *Observed) { o.Version = version("5.8.1") }, "UpToDate: "},
		{"installed in another spelling", func(_ *Desired, o *Observed) { o.Version = version("5.8.1.0") }, "UpToDate: "},
		{"installed and in use", func(_ *Desired, o *Observed) { o.Version, o.Busy = version("5.8.1"), &inUse }, "UpToDate: "},
		{"installed, although it failed its check once", func(_ *Desired, o *Observed) {
			o.Version, o.Bad = version("5.8.1"), []schema.Version{version("5.8.1")}
		}, "UpToDate: "},
		{"installed, report only", func(_ *Desired, o *Observed) { o.Version, o.ReportOnly = version("5.8.1"), true }, "UpToDate: "},
		{"the release of the installed pre-release", func(_ *Desired, o *Observed) { o.Version = version("5.8.1-rc1") },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.1-rc1: stage, swap, check"},

		// Forbidden by the manifests.
		{"unmanaged", func(d *Desired, _ *Observed) { d.Managed = false }, "Unmanaged NoManifest: "},
		{"no release", func(d *Desired, _ *Observed) { d.Version, d.Problem = version(""), reason(ReleaseMissing) }, "Blocked ReleaseMissing: "},
		{"no release and no known version", func(d *Desired, o *Observed) {
			d.Version, o.Version, d.Problem = version(""), version(""), reason(ReleaseMissing)
		}, "Blocked ReleaseMissing: "},
		{"not accepted", func(_ *Desired, o *Observed) { o.Version = version("4.9") },
			"Blocked NotAccepted accepts=>=5.0.0, <6.0.0 installed=4.9: "},
		{"every version accepted", func(d *Desired, o *Observed) { d.Accepts, o.Version = schema.Range{}, version("4.9") },
			"Staging ChangeWanted desired=5.8.1 installed=4.9: stage, swap, check"},
		{"downgrade", func(_ *Desired, o *Observed) { o.Version = version("5.8.2") },
			"Blocked DowngradeNotAllowed desired=5.8.1 installed=5.8.2: "},
		{"downgrade allowed", func(d *Desired, o *Observed) { d.AllowDowngrade, o.Version = true, version("5.8.2") },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.2: stage, swap, check"},
		{"downgrade allowed from what is not accepted", func(d *Desired, o *Observed) { d.AllowDowngrade, o.Version = true, version("6.0") },
			"Blocked NotAccepted accepts=>=5.0.0, <6.0.0 installed=6.0: "},
		{"downgrade to a pre-release", func(d *Desired, o *Observed) { d.Version, o.Version = version("5.8.1-rc1"), version("5.8.1") },
			"Blocked DowngradeNotAllowed desired=5.8.1-rc1 installed=5.8.1: "},

		// Forbidden by the computer.
		{"an obstacle", func(_ *Desired, o *Observed) { o.Problem = reason(OwnedByInstaller) }, "Blocked OwnedByInstaller: "},
		{"an obstacle and no release", func(d *Desired, o *Observed) {
			d.Version, d.Problem, o.Problem = version(""), reason(ReleaseMissing), reason(NotInstalled)
		}, "Blocked ReleaseMissing: "},
		{"an unknown version", func(_ *Desired, o *Observed) { o.Version = version("") }, "Blocked UnknownBaseline: "},
		{"failed its check here", func(_ *Desired, o *Observed) { o.Bad = []schema.Version{version("5.7"), version("5.8.1.0")} },
			"Blocked ReleaseBad version=5.8.1: "},
		{"another failed its check here", func(_ *Desired, o *Observed) { o.Bad = []schema.Version{version("5.7")} },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, swap, check"},
		{"report only", func(_ *Desired, o *Observed) { o.ReportOnly, o.Staged = true, version("5.8.1") },
			"Blocked ReportMode desired=5.8.1 installed=5.8.0: "},

		// Suspended: before everything else, except that nobody manages it.
		{"suspended", func(d *Desired, _ *Observed) { d.Suspend = &schema.Suspend{Reason: "freeze", By: "IT"} },
			"Suspended SuspendedBy by=IT reason=freeze: "},
		{"suspended until later", func(d *Desired, _ *Observed) { d.Suspend = suspendedUntil(noon.Add(time.Second)) },
			"Suspended SuspendedBy by= reason=freeze until=2026-11-30T12:00:01Z: "},
		{"suspended until now", func(d *Desired, _ *Observed) { d.Suspend = suspendedUntil(noon) },
			"Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, swap, check"},
		{"suspended and installed", func(d *Desired, o *Observed) { d.Suspend, o.Version = &schema.Suspend{Reason: "freeze"}, d.Version },
			"Suspended SuspendedBy by= reason=freeze: "},
		{"suspended and blocked", func(d *Desired, _ *Observed) {
			d.Suspend, d.Problem = &schema.Suspend{Reason: "freeze"}, reason(Ambiguous)
		},
			"Suspended SuspendedBy by= reason=freeze: "},
		{"suspended and unmanaged", func(d *Desired, _ *Observed) { d.Suspend, d.Managed = &schema.Suspend{Reason: "freeze"}, false },
			"Unmanaged NoManifest: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			desired, observed := wanted581(), Observed{Version: version("5.8.0")}
			test.apply(&desired, &observed)
			got := Plan(desired, observed, noon)
			if planInWords(got) != test.want {
				t.Errorf("got  %s\nwant %s", planInWords(got), test.want)
			}
			if got.Changes() != (len(got.Steps) > 0) {
				t.Errorf("Changes() = %v with %d steps", got.Changes(), len(got.Steps))
			}
		})
	}
}

// A pre-release that was installed by name can be left again: what a range never chooses it may still accept.
func TestPlanLeavesPreRelease(t *testing.T) {
	desired := wanted581()
	desired.Version = version("5.9.0")
	got := Plan(desired, Observed{Version: version("5.9.0-rc1")}, noon)
	if want := "Staging ChangeWanted desired=5.9.0 installed=5.9.0-rc1: stage, swap, check"; planInWords(got) != want {
		t.Errorf("got %s, want %s", planInWords(got), want)
	}
}

// Each step says why it is done.
func TestPlanSteps(t *testing.T) {
	inUse := Why(InUse, "process", "viewer")
	got := Plan(wanted581(), Observed{Version: version("5.8.0"), Busy: &inUse}, noon)
	for _, step := range got.Steps {
		want := "ChangeWanted desired=5.8.1 installed=5.8.0"
		if step.Verb == AwaitIdle {
			want = "InUse process=viewer"
		}
		if reasonInWords(step.Reason) != want {
			t.Errorf("%s: got %s, want %s", step.Verb, reasonInWords(step.Reason), want)
		}
	}
}

func wanted581() Desired {
	accepts, err := schema.ParseRange(">=5.0.0, <6.0.0")
	if err != nil {
		panic(err)
	}
	return Desired{Client: "viewer", Workstation: "CARD-1", Managed: true, Rule: "5.8.1", Version: version("5.8.1"), Accepts: accepts}
}

func suspendedUntil(moment time.Time) *schema.Suspend {
	return &schema.Suspend{Reason: "freeze", Until: schema.Time{Time: moment}}
}

func reason(code Code) *Reason {
	r := Why(code)
	return &r
}

// planInWords puts a decision on one line: phase and reason, then the steps.
func planInWords(d Decision) string {
	verbs := make([]string, len(d.Steps))
	for i, step := range d.Steps {
		verbs[i] = string(step.Verb)
	}
	return strings.TrimSpace(string(d.Phase)+" "+reasonInWords(d.Reason)) + ": " + strings.Join(verbs, ", ")
}
