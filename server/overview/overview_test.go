package overview_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
	"lull/server/current"
	"lull/server/inventory"
	"lull/server/overview"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// view wants viewer 5.8.2 for everybody and 5.9, of which there is no release, for BLOCKED.
func view(t *testing.T) *current.View {
	t.Helper()
	set, errs := schema.NewSet([]*schema.File{schema.ParseFile("fleet.yaml", []byte(`
{apiVersion: lull/v1, kind: Client, metadata: {name: viewer}, spec: {compatibility: unchecked, platforms: {linux: {install: [/opt/viewer], version: {file: V}}}}}
---
{apiVersion: lull/v1, kind: Client, metadata: {name: loose}, spec: {compatibility: unchecked, platforms: {linux: {install: [/opt/loose], version: {file: V}}}}}
---
{apiVersion: lull/v1, kind: Group, metadata: {name: all}, spec: {client: viewer, members: {all: true}, version: "5.8.2"}}
---
{apiVersion: lull/v1, kind: Workstation, metadata: {name: blocked}, spec: {name: BLOCKED, client: viewer, version: "5.9"}}
`))})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	refs := []release.Ref{{Client: "viewer", Version: schema.MustVersion("5.8.2"), System: "linux"}}
	return &current.View{Revision: wire.NewRevision("r1", set, refs)}
}

// status is what an agent said last.
func status(client, workstation, installed, desired string, phase reconciler.Phase) wire.Status {
	s := wire.Status{
		Client: client, Workstation: workstation, Installed: true, Phase: phase, Since: now.Add(-time.Hour),
		Observed: reconciler.Observed{Version: schema.MustVersion(installed)},
	}
	if desired != "" {
		s.Desired = schema.MustVersion(desired)
	}
	return s
}

func computer(host string, seen time.Time, statuses ...wire.Status) *inventory.Computer {
	return &inventory.Computer{
		ID: "id of " + host, Host: host, Seen: seen, Clients: statuses,
		Facts: map[string]string{wire.FactHost: host, wire.FactSystem: "linux"},
	}
}

// What an agent said counts as long as it is about what is desired now; else the plan does.
func TestForesees(t *testing.T) {
	for name, test := range map[string]struct {
		said      wire.Status
		phase     reconciler.Phase
		reason    reconciler.Code
		sinceGone bool
	}{
		"said what is desired": {status("viewer", "A", "5.8.2", "5.8.2", reconciler.UpToDate), reconciler.UpToDate, "", false},
		"waits for it":         {status("viewer", "A", "5.8.1", "5.8.2", reconciler.WaitingForIdle), reconciler.WaitingForIdle, "", false},
		"off, and was up to date with the version before": {
			status("viewer", "A", "5.8.1", "5.8.1", reconciler.UpToDate), reconciler.Staging, reconciler.NotReported, true,
		},
		"off, and was not managed":       {status("viewer", "A", "5.8.1", "", reconciler.Unmanaged), reconciler.Staging, reconciler.NotReported, true},
		"off, and is right by chance":    {status("viewer", "A", "5.8.2", "5.8.1", reconciler.Blocked), reconciler.UpToDate, "", true},
		"off, and cannot be right":       {status("viewer", "BLOCKED", "5.8.2", "5.8.2", reconciler.UpToDate), reconciler.Blocked, reconciler.ReleaseMissing, true},
		"off, and is managed no longer":  {status("loose", "A", "5.8.2", "5.8.2", reconciler.UpToDate), reconciler.Unmanaged, reconciler.NoManifest, true},
		"never managed, and said it was": {status("loose", "A", "5.8.2", "", reconciler.Unmanaged), reconciler.Unmanaged, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			list := overview.Workstations([]*inventory.Computer{computer("pc", now, test.said)}, view(t), now)
			if len(list) != 1 {
				t.Fatalf("%+v", list)
			}
			w := list[0]
			if w.Phase != test.phase || w.Reason.Code != test.reason || w.Since.IsZero() != test.sinceGone {
				t.Errorf("got %s (%s) since %s, want %s (%s)", w.Phase, w.Reason.Code, w.Since, test.phase, test.reason)
			}
		})
	}
}

// The computers of one name, in any case, are one workstation, which shows what most needs a person.
func TestSummarises(t *testing.T) {
	old, late := now.Add(-2*time.Hour), now.Add(-time.Minute)
	waits := status("viewer", "Card 1", "5.8.1", "5.8.2", reconciler.WaitingForIdle)
	longer := waits
	longer.Since = old
	longer.Reason = reconciler.Why(reconciler.InUse, "process", "viewer")
	failed := status("viewer", "CARD 1", "5.8.0", "5.8.2", reconciler.Failed)
	good := status("viewer", "card 1", "5.8.2", "5.8.2", reconciler.UpToDate)
	for name, test := range map[string]struct {
		said     []wire.Status
		phase    reconciler.Phase
		since    time.Time
		versions string
	}{
		"one":                         {[]wire.Status{good}, reconciler.UpToDate, now.Add(-time.Hour), "[5.8.2]"},
		"the worst wins":              {[]wire.Status{good, failed, waits}, reconciler.Failed, now.Add(-time.Hour), "[5.8.2 5.8.1 5.8.0]"},
		"in any order":                {[]wire.Status{failed, waits, good, good}, reconciler.Failed, now.Add(-time.Hour), "[5.8.2 5.8.1 5.8.0]"},
		"of two, the one that waited": {[]wire.Status{waits, longer, good}, reconciler.WaitingForIdle, old, "[5.8.2 5.8.1]"},
	} {
		t.Run(name, func(t *testing.T) {
			var computers []*inventory.Computer
			for i, s := range test.said {
				computers = append(computers, computer(fmt.Sprint("pc-", i), old.Add(time.Duration(i)), s))
			}
			computers[0].Seen = late
			list := overview.Workstations(computers, view(t), now)
			if len(list) != 1 || len(list[0].Installs) != len(test.said) {
				t.Fatalf("want one workstation of %d computers: %+v", len(test.said), list)
			}
			w := list[0]
			if w.Phase != test.phase || !w.Since.Equal(test.since) || !w.Seen.Equal(late) || fmt.Sprint(w.Versions) != test.versions {
				t.Errorf("got %s since %s, seen %s, versions %v", w.Phase, w.Since, w.Seen, w.Versions)
			}
		})
	}
}

// Clients without a manifest are left out once the manifests are known; clients of one name are told apart.
func TestWorkstationsByClient(t *testing.T) {
	computers := []*inventory.Computer{
		computer("pc-2", now, status("viewer", "b", "5.8.2", "5.8.2", reconciler.UpToDate), status("gone", "b", "1.0", "", reconciler.Unmanaged)),
		computer("pc-1", now, status("loose", "A", "1.0", "", reconciler.Unmanaged), status("viewer", "A", "5.8.2", "5.8.2", reconciler.UpToDate)),
	}
	keys := func(view *current.View) (all []string) {
		for _, w := range overview.Workstations(computers, view, now) {
			all = append(all, overview.Key(w))
		}
		return all
	}
	if diff := cmp.Diff([]string{"a/loose", "a/viewer", "b/viewer"}, keys(view(t))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a/loose", "a/viewer", "b/gone", "b/viewer"}, keys(nil)); diff != "" {
		t.Error("before the manifests were read:", diff)
	}
}
