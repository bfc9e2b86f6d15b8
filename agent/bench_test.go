package agent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"lull/reconciler"
)

// A pass at rest, with a client of 300 files: it may read a version and a name, and little else.
func BenchmarkPassUpToDate(b *testing.B) {
	a := resting(b)
	b.ReportAllocs()
	for b.Loop() {
		a.passAll(context.Background())
	}
	b.StopTimer()
	// One pass a minute, as a share of one core.
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/time.Minute.Seconds(), "%core")
	if s := a.board.status("viewer"); s.Phase != reconciler.UpToDate {
		b.Fatalf("not at rest: %+v", s)
	}
}

func resting(b *testing.B) *Agent {
	b.Helper()
	w := newWorld(b)
	many := content("5.8.1")
	for i := range 300 {
		many[fmt.Sprintf("data/%d.dat", i)] = fmt.Sprint("file ", i)
	}
	w.release("5.8.1", many)
	w.installed(many)
	a := w.open()
	a.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b.Cleanup(func() { a.Close() })
	if _, err := a.Once(context.Background()); err != nil {
		b.Fatal(err)
	}
	return a
}
