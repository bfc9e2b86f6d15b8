package current_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lull/internal/release"
	"lull/manifests"
	"lull/schema"
	"lull/server/current"
)

// shelf is a list of releases that others change, and that may fail.
type shelf struct {
	mu   sync.Mutex
	refs []release.Ref
	err  error
}

func (s *shelf) set(err error, refs ...release.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs, s.err = refs, err
}

func (s *shelf) List() ([]release.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs, s.err
}

// What another program does to the releases, and a list that could not be read at first, are seen without any hint.
func TestRunLooksAgain(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("{apiVersion: lull/v1, kind: Server, metadata: {name: main}, spec: {version: \"5.8\"}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		source, err := manifests.Open("dir:"+folder, manifests.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := &shelf{err: errors.New("the disk is away")}
		k := current.New(source, s, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); k.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		if k.View() != nil {
			t.Error("a view without releases that were read")
		}
		s.set(nil)
		time.Sleep(2 * time.Minute)
		first := k.View()
		if first == nil || len(first.Set.Servers) != 1 {
			t.Fatalf("the list can be read again, and the view is %+v", first)
		}
		time.Sleep(2 * time.Minute)
		if k.View() != first {
			t.Error("nothing changed, and there is a new view")
		}
		s.set(nil, release.Ref{Client: "viewer", Version: schema.MustVersion("5.8"), System: "linux"})
		time.Sleep(2 * time.Minute)
		select {
		case <-first.Over():
		default:
			t.Error("a release was added, and the view before is not over")
		}
		cancel()
		<-done
	})
}
