// Package conformance is what every inventory.Store must do, as one suite of tests.
//
// A new store calls Run with a function that opens an empty one. The suite says nothing about speed and nothing about
// concurrency: a Fleet is the only caller of a store, and never calls it twice at a time.
package conformance

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
	"lull/server/inventory"
)

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) inventory.Store) {
	t.Run("keeps what was saved", func(t *testing.T) { keeps(t, open(t)) })
	t.Run("replaces what is there", func(t *testing.T) { replaces(t, open(t)) })
	t.Run("forgets", func(t *testing.T) { forgets(t, open(t)) })
}

func computer(id string) inventory.Computer {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	return inventory.Computer{
		ID: id, Key: []byte("key of " + id), Host: "PC " + id, Enrolled: at, Seen: at.Add(time.Minute),
		Mode: "apply", Facts: map[string]string{"system": "linux"},
		Clients: []wire.Status{{
			Client: "viewer", Workstation: "Ärzte'; DROP TABLE computers", Installed: true, Phase: reconciler.Blocked,
			Observed: reconciler.Observed{Version: schema.MustVersion("5.8")}, Reason: reconciler.Why(reconciler.NoSpace, "path", "a\x00b"),
		}},
		Actions: []wire.Action{{ID: "1", Verb: wire.Look, By: "admin", Until: at}},
	}
}

func load(t *testing.T, s inventory.Store, want ...inventory.Computer) {
	t.Helper()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := func(list []inventory.Computer) map[string]inventory.Computer {
		m := make(map[string]inventory.Computer, len(list))
		for _, c := range list {
			m[c.ID] = c
		}
		return m
	}
	if diff := cmp.Diff(byID(want), byID(got), cmp.Comparer(schema.Version.Equal), cmp.Comparer(func(a, b schema.Range) bool { return a.String() == b.String() })); diff != "" || len(got) != len(want) {
		t.Fatal(diff)
	}
}

func save(t *testing.T, s inventory.Store, computers ...inventory.Computer) {
	t.Helper()
	if err := s.Save(t.Context(), computers); err != nil {
		t.Fatal(err)
	}
}

func keeps(t *testing.T, s inventory.Store) {
	load(t, s)
	save(t, s, computer("a"), computer("b"))
	save(t, s)
	load(t, s, computer("a"), computer("b"))
}

func replaces(t *testing.T, s inventory.Store) {
	save(t, s, computer("a"), computer("b"))
	changed := computer("a")
	changed.Host, changed.Clients, changed.Seen = "renamed", nil, changed.Seen.Add(time.Hour)
	save(t, s, changed)
	load(t, s, changed, computer("b"))
}

func forgets(t *testing.T, s inventory.Store) {
	save(t, s, computer("a"), computer("b"))
	for range 2 {
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	load(t, s, computer("b"))
}
