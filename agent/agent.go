// Package agent brings the installations of one computer to where the manifests want them.
//
// An agent is level-based. A timer, news from its authority and the end of a client process all say the same: look again.
// Each look is one pass over every client (see pass.go, whose steps read like a table of contents); what a pass may not
// do now, because the client runs or the disk is full, ends it with a reason, and a later pass finds out for itself
// whether that has changed. Nothing that happened between two passes needs to be remembered, except what a killed swap
// left behind, which package install keeps in its own journal.
//
// The authority that says what shall run here is either Lull's server, to which the agent talks through package checkin,
// or the manifests themselves, which it then reads and resolves on its own (see direct.go). While it does not answer, the
// agent goes on with the last answer and the releases that it has. It never executes anything that a manifest names: only
// files of releases, and only in a tree whose every file was hashed. It never runs a shell and has no local interface.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"lull/agent/checkin"
	"lull/agent/fetch"
	"lull/agent/idle"
	"lull/agent/install"
	"lull/internal/build"
	"lull/internal/wire"
)

// An authority says what shall run here: Lull's server, or the manifests where there is no server.
type authority interface {
	// Checkin reports what the agent has seen. It may take as long as the check-in's Wait where there is no news.
	Checkin(ctx context.Context, c wire.Checkin) (reply wire.Reply, news bool, err error)
}

// Agent looks after one computer.
type Agent struct {
	config    Config
	log       *slog.Logger
	now       func() time.Time
	authority authority
	direct    *direct // the authority where there is no server, else nil
	releases  *fetch.Source
	memory    *memory
	board     *board
	wake      chan struct{}        // holds one "look again"
	heard     chan struct{}        // closed when the first check-in was answered, or was not
	answered  func()               // closes heard, once
	patience  map[string]*patience // by client
	scanner   *idle.Scanner
	works     map[string]*install.Installation // by folder: those with an update on its way
	gates     map[string]bool                  // by folder: where the gate was proved to work
	lock      *flock.Flock
}

// ErrRunning means that another agent works with the same data folder.
var ErrRunning = errors.New("another agent works with this data folder")

// New makes an agent ready to run and takes the lock of its data folder. Close gives it back.
func New(config Config, log *slog.Logger) (*Agent, error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := makeDataFolder(config.Data); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	a := &Agent{
		config:   config,
		log:      log,
		now:      time.Now,
		board:    newBoard(config.Data),
		wake:     make(chan struct{}, 1),
		heard:    make(chan struct{}),
		patience: make(map[string]*patience),
		scanner:  idle.New(),
		works:    make(map[string]*install.Installation),
		gates:    make(map[string]bool),
		lock:     flock.New(filepath.Join(config.Data, "lock")),
	}
	a.answered = sync.OnceFunc(func() { close(a.heard) })
	locked, err := a.lock.TryLock()
	if err == nil && !locked {
		err = fmt.Errorf("%w; stop it first", ErrRunning)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", config.Data, err)
	}
	if a.memory, err = openMemory(config.Data); err == nil {
		err = a.connect()
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// connect chooses the authority and where releases come from.
func (a *Agent) connect() error {
	if a.config.Source != "" {
		direct, err := openDirect(a.config, a.log)
		if err != nil {
			return err
		}
		a.authority, a.direct, a.releases = direct, direct, direct.releases
		return nil
	}
	server, err := checkin.Open(checkin.Config{
		Enrolment: a.config.Enrol, Data: a.config.Data, Host: a.config.Host, Agent: build.Version,
	})
	if err != nil {
		return err
	}
	a.authority = server
	a.releases, err = fetch.Open(server.Releases(), indexes(a.config.Data), fetch.Options{Client: server.HTTP(), Authorize: server.Authorize})
	return err
}

// indexes is where indexes of releases are kept.
func indexes(data string) string { return filepath.Join(data, "indexes") }

// Close gives the installations and the data folder back.
func (a *Agent) Close() error {
	var problems []error
	for _, work := range a.works {
		problems = append(problems, work.Close())
	}
	return errors.Join(append(problems, a.lock.Unlock())...)
}

// Run looks after the computer until ctx ends, which is no error.
func (a *Agent) Run(ctx context.Context) error {
	a.log.Info("agent runs", "version", build.Version, "mode", a.config.Mode, "data", a.config.Data)
	group, ctx := errgroup.WithContext(ctx)
	if a.direct != nil {
		group.Go(func() error { return a.direct.Run(ctx) })
	}
	group.Go(func() error { return a.converse(ctx) })
	group.Go(func() error { return a.look(ctx) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// look finishes what a killed agent left, waits for the first answer, so that nothing is done by orders that may be long
// out of date, and then makes a pass at every wake and at least once an interval.
func (a *Agent) look(ctx context.Context) error {
	a.recoverAll(ctx)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.heard:
	}
	for {
		next := a.passAll(ctx)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-a.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// recoverAll does for every client what cannot wait for an answer: an installation that a power cut left between old and
// new must be whole before somebody starts it.
func (a *Agent) recoverAll(ctx context.Context) {
	orders := a.memory.orders()
	for _, client := range orders.Clients {
		if err := a.newPass(client, orders).recover(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("recover at start", "client", client.Name, "error", err)
		}
	}
}

// Look asks for a pass soon.
func (a *Agent) Look() {
	select {
	case a.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// The wait for the end of a client process is the one that people sit in front of, so that the agent looks more often
// then: a scan of 200 processes takes about a millisecond.
const idleInterval = 5 * time.Second

// minRest keeps a failed step whose next try is almost due from becoming a busy loop.
const minRest = time.Second

// passAll makes one pass for every client and returns how long the agent may rest.
func (a *Agent) passAll(ctx context.Context) time.Duration {
	rest := jittered(a.config.Interval.Duration)
	orders := a.memory.orders()
	for _, client := range orders.Clients {
		p := a.newPass(client, orders)
		p.run(ctx)
		rest = min(rest, p.rest())
	}
	a.board.keepOnly(orders.Clients)
	return rest
}

// jittered is a duration of 90 to 110 percent, so that a fleet that was switched on together does not stay in step.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// Once checks in and makes passes until one more would not change anything, for `lull-agent run --once` and `check`.
func (a *Agent) Once(ctx context.Context) ([]wire.Status, error) {
	if a.direct != nil {
		_ = a.direct.Look(ctx) // what could not be read, the check-in says
	}
	for range maxRounds {
		news, err := a.checkin(ctx, 0)
		before := a.board.version()
		a.passAll(ctx)
		if err != nil { // that was the pass with what the agent has
			return a.board.statuses(), err
		}
		if !news && a.board.version() == before {
			break
		}
	}
	return a.board.statuses(), ctx.Err()
}

// GateArgument makes the agent's program wait until its standard input ends and do nothing else: the engine proves on
// such a copy that a running program cannot be replaced and a held one cannot be started.
const GateArgument = "gate-test"

// maxRounds bounds the rounds of Once: where to look, what shall be there, the change, the report, and some to spare.
const maxRounds = 6

// facts are what groups may select on, beside labels.
func (a *Agent) facts() map[string]string {
	return map[string]string{wire.FactHost: a.config.Host, wire.FactSystem: runtime.GOOS, wire.FactArch: runtime.GOARCH}
}

// makeDataFolder makes the agent's own folder, which nobody else may read, and refuses a link or a folder that somebody
// else has put in its place.
func makeDataFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return install.ProtectedFolder(path)
}
