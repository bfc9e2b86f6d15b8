package agent

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/reconciler"
)

// An agent without a server, exactly as lull-agent opens it.
func openDirectly(t *testing.T, w *world) *Agent {
	t.Helper()
	a, err := New(w.config, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	a.gates[w.dir] = true
	t.Cleanup(func() { a.Close() })
	return a
}

func (w *world) write(policy string) {
	w.t.Helper()
	put(w.t, w.path("manifests"), files{"all.yaml": w.text(clientSpec, policy)})
}

func TestDirect(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.write(`version: "5.8.2"`)
	if got := settled(t, openDirectly(t, w)); got.Phase != reconciler.UpToDate || got.Revision == "" {
		t.Errorf("got %+v", got)
	}
	w.whole(content("5.8.2"))
}

func TestDirectFollowsItsFolder(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.write(`version: "5.8.1"`)
	a := openDirectly(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	for step, version := range []string{"5.8.1", "5.8.2"} {
		w.write(`version: "` + version + `"`)
		for try := 0; a.board.status("viewer").Observed.Version.String() != version; try++ {
			if try == 2000 {
				t.Fatalf("step %d: not at %s after 20 s: %+v", step, version, a.board.statuses())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func TestDirectHoldsACheckinUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.write(`version: "5.8.1"`)
	d := openDirectly(t, w).direct
	if _, _, err := d.Checkin(t.Context(), wire.Checkin{}); !errors.Is(err, errNotRead) {
		t.Errorf("before the manifests were read: %v", err)
	}
	if err := d.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{wire.FactSystem: system}
	reply, news, err := d.Checkin(t.Context(), wire.Checkin{Facts: facts})
	if err != nil || !news || len(reply.Clients) != 1 {
		t.Fatalf("got %+v, %t, %v", reply, news, err)
	}
	have := wire.Checkin{Have: reply.Digest, Facts: facts}
	if _, news, err := d.Checkin(t.Context(), have); err != nil || news {
		t.Errorf("nothing changed: %t, %v", news, err)
	}
	have.Wait = 30
	time.AfterFunc(50*time.Millisecond, func() {
		w.write(`version: "5.8.2"`)
		_ = d.Look(context.Background())
	})
	if _, news, err := d.Checkin(t.Context(), have); err != nil || !news {
		t.Errorf("something changed: %t, %v", news, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	have.Have = reply.Digest
	if _, _, err := d.Checkin(ctx, have); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context is %v", err)
	}
}

func TestDirectWithoutItsReleases(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.write(`version: "5.8.2"`)
	if err := os.Remove(w.path("releases/catalog.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectly(t, w).Once(t.Context()); err == nil || !strings.Contains(err.Error(), "catalog") {
		t.Errorf("got %v, want that the catalog could not be read", err)
	}
	w.whole(content("5.8.1"))
}

// What was wanted when the agent was stopped must not be brought about when it starts, if nobody wants it any more.
func TestDirectDoesNothingByOldOrders(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.write(`version: "5.8.2"`)
	w.config.Mode = ModeReport
	a := openDirectly(t, w)
	if got := settled(t, a); got.Desired.String() != "5.8.2" || got.Observed.Version.String() != "5.8.1" {
		t.Fatalf("got %+v", got)
	}
	old := a.memory.orders().Revision
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	w.write(`version: "5.8.1"`)
	w.config.Mode = ModeApply
	a = openDirectly(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for try := 0; a.board.status("viewer").Revision == old && try < 2000; try++ {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := a.board.status("viewer"); got.Phase != reconciler.UpToDate || got.Observed.Version.String() != "5.8.1" {
		t.Errorf("got %+v", got)
	}
	w.whole(content("5.8.1"))
}
