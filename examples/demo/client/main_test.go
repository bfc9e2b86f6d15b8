package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ends waits for a client that shall end by itself.
func ends(t *testing.T, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); run() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the client still runs")
	}
}

func TestEndsWithItsInput(t *testing.T) {
	ends(t, func() { run(t.Context(), strings.NewReader("ignored"), 0, "") })
}

func TestEndsAfterItsTime(t *testing.T) {
	ends(t, func() { run(t.Context(), strings.NewReader(""), 10*time.Millisecond, "") })
}

func TestEndsWithASignal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never, _ := io.Pipe()
	ends(t, func() { run(ctx, never, 0, "") })
}

func TestRunsWhileItsFileExists(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hold")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var early bool
	ends(t, func() {
		removed := time.AfterFunc(200*time.Millisecond, func() { os.Remove(file) })
		run(t.Context(), strings.NewReader(""), 0, file)
		early = removed.Stop()
	})
	if early {
		t.Error("the client ended while its file existed")
	}
}
