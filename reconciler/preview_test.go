package reconciler

import (
	"testing"
)

// Raising the version of everybody changes what those shall have that are not pinned, wherever their manifests lie now.
func TestPreview(t *testing.T) {
	const pinned = `Workstation LAB-1: {version: "5.8.0"}`
	before := NewResolver(paper(t, hospitalPaper, pinned, `Group all: {members: {all: true}, version: "5.8.0"}`), stock(store...))
	after := NewResolver(paper(t, pinned, hospitalPaper, `Group all: {members: {all: true}, version: "5.8.1"}`), stock(store...))
	fleet := []Known{installed("CARD-1", "5.8.0"), installed("LAB-1", "5.8.0"), installed("CARD-2", "5.8.1")}
	tests := []struct {
		workstation, before, after, plan string
		changed                          bool
	}{
		{"CARD-1", "5.8.0, by Group all", "5.8.1, by Group all", "Staging ChangeWanted desired=5.8.1 installed=5.8.0: stage, swap, check", true},
		{"LAB-1", "5.8.0, by Workstation LAB-1", "5.8.0, by Workstation LAB-1", "UpToDate: ", false},
		{"CARD-2", "5.8.0, by Group all", "5.8.1, by Group all", "UpToDate: ", true},
	}
	effects := Preview(before, after, fleet, noon)
	if len(effects) != len(tests) {
		t.Fatalf("got %d effects, want %d", len(effects), len(tests))
	}
	for i, want := range tests {
		got := effects[i]
		if got.Subject.Workstation != want.workstation || got.Observed.Version != fleet[i].Observed.Version {
			t.Errorf("effect %d is about %s with %s, want %s", i, got.Subject.Workstation, got.Observed.Version, want.workstation)
		}
		if inWords(got.Before) != want.before || inWords(got.After) != want.after {
			t.Errorf("%s: got  %s -> %s\nwant %s -> %s", want.workstation, inWords(got.Before), inWords(got.After), want.before, want.after)
		}
		if planInWords(got.Decision) != want.plan || got.Changed != want.changed {
			t.Errorf("%s: got  %s, changed %v\nwant %s, changed %v", want.workstation, planInWords(got.Decision), got.Changed, want.plan, want.changed)
		}
	}
}

// Where the same is said by another manifest nothing changes, and removing the last manifest never touches an installation.
func TestPreviewOfOrigins(t *testing.T) {
	group := NewResolver(paper(t, hospitalPaper, `Group all: {members: {all: true}, version: "5.8.1"}`), stock(store...))
	workstation := NewResolver(paper(t, hospitalPaper, `Workstation CARD-1: {version: "5.8.1"}`), stock(store...))
	nothing := NewResolver(paper(t, hospitalPaper), stock(store...))
	fleet := []Known{installed("CARD-1", "5.8.0")}
	if e := Preview(group, workstation, fleet, noon)[0]; e.Changed || !e.Decision.Changes() {
		t.Errorf("moved to another manifest: changed %v, plan %s", e.Changed, planInWords(e.Decision))
	}
	if e := Preview(group, nothing, fleet, noon)[0]; !e.Changed || planInWords(e.Decision) != "Unmanaged NoManifest: " {
		t.Errorf("removed: changed %v, plan %s", e.Changed, planInWords(e.Decision))
	}
}

func installed(workstation, v string) Known {
	s := card1()
	s.Workstation = workstation
	return Known{Subject: s, Observed: Observed{Version: version(v)}}
}
