package agent

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/internal/wire"
	"lull/schema"
)

func open(t *testing.T, folder string) *memory {
	t.Helper()
	m, err := openMemory(folder)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever the manifests can say must be the same after a restart.
func TestMemoryKeepsOrdersExactly(t *testing.T) {
	w := standard(t)
	w.manifests(clientSpec+"\n      busy: {processes: ['view*']}\n      start: [bin/app.dat]\n      check: {command: [bin/app.dat], timeout: 5s, onTimeout: rollback}",
		"version: \"~5.8\"\n  allowDowngrade: true\n  suspend: {reason: a congress, by: ada, until: 2030-01-02T03:04:05+01:00}")
	ask := wire.Checkin{Facts: map[string]string{wire.FactSystem: system}, Clients: []wire.Status{{Client: "viewer", Workstation: "x"}}}
	reply, _, err := w.authority.answer(ask)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if _, err := open(t, folder).follow(reply); err != nil {
		t.Fatal(err)
	}
	kept := open(t, folder).orders()
	digest := kept.Digest
	if kept.Seal(); kept.Digest != digest {
		t.Errorf("the orders differ after a restart:\n%+v\n%+v", reply, kept)
	}
	if diff := cmp.Diff(reply.Clients, kept.Clients); diff != "" {
		t.Errorf("clients differ (-want +got):\n%s", diff)
	}
}

func TestMemoryOfBadReleases(t *testing.T) {
	folder := t.TempDir()
	m := open(t, folder)
	for _, v := range []string{"5.8", "5.8.0", "5.9"} { // 5.8 is 5.8.0
		if err := m.markBad("viewer", schema.MustVersion(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.markBad("other", schema.MustVersion("1.0")); err != nil {
		t.Fatal(err)
	}
	m = open(t, folder)
	if len(m.bad("viewer")) != 2 || len(m.bad("other")) != 1 {
		t.Fatalf("got %v and %v", m.bad("viewer"), m.bad("other"))
	}
	m.forgive("viewer")
	if len(m.bad("viewer")) != 0 || len(m.bad("other")) != 1 || m.retried("viewer") != 1 || m.retried("other") != 0 {
		t.Error("forgiving one client did not forgive exactly that one")
	}
	m.forgive("")
	if len(m.bad("other")) != 0 || m.retried("viewer") != 2 || m.retried("other") != 1 {
		t.Error("forgiving all clients did not")
	}
}

func TestMemoryOfActionsIsBounded(t *testing.T) {
	folder := t.TempDir()
	m := open(t, folder)
	for i := range 3 * maxDone {
		fresh, err := m.follow(wire.Reply{Actions: []wire.Action{{ID: fmt.Sprint(i), Verb: wire.Look}}})
		if err != nil || len(fresh) != 1 {
			t.Fatalf("action %d: %v, %v", i, fresh, err)
		}
	}
	if m = open(t, folder); len(m.kept.Done) != maxDone || len(m.done()) != 1 {
		t.Errorf("remembers %d actions, of which %v are asked for", len(m.kept.Done), m.done())
	}
	if fresh, err := m.follow(m.orders()); err != nil || len(fresh) != 0 {
		t.Errorf("did %v again, %v", fresh, err)
	}
}

func TestMemoryThatCannotBeKeptIsAnError(t *testing.T) {
	m := open(t, t.TempDir())
	m.path = t.TempDir() // a folder is no file
	if _, err := m.follow(wire.Reply{}); err == nil {
		t.Error("orders")
	}
	if err := m.markBad("viewer", schema.MustVersion("1.0")); err == nil {
		t.Error("bad release")
	}
}
