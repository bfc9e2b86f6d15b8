package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"lull/internal/durable"
	"lull/internal/wire"
)

// statusFile is where `lull-agent status` finds what the agent last saw.
const statusFile = "status.json"

// Report is what `lull-agent status` shows.
type Report struct {
	Clients []wire.Status `json:"clients"`
	Away    *Away         `json:"away,omitempty"` // set while the server or the manifests cannot be reached
}

// Away says since when nobody answers, and why.
type Away struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// ReadReport reads what the agent with a data folder last saw.
func ReadReport(data string) (Report, error) {
	var r Report
	content, err := os.ReadFile(filepath.Join(data, statusFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("read the agent's status: there is none in %s; has the agent run?", data)
	}
	if err == nil {
		err = json.Unmarshal(content, &r)
	}
	if err != nil {
		return Report{}, fmt.Errorf("read the agent's status: %w", err)
	}
	return r, nil
}

// board holds the newest status of every client for whoever reports it. Its version grows with each change.
type board struct {
	path string

	mu      sync.Mutex
	report  Report
	count   int
	current context.Context // ends at the next change
	outdate context.CancelFunc
}

// newBoard begins with what the agent saw before it was restarted, so that nobody is told that there is nothing here,
// and since when something lasts is not forgotten. What cannot be read is only about the past.
func newBoard(data string) *board {
	b := &board{path: filepath.Join(data, statusFile)}
	if report, err := ReadReport(data); err == nil {
		b.report.Clients = report.Clients
		if report.Away != nil {
			_ = b.save() // whether anybody answers is for this agent to find out
		}
	}
	b.current, b.outdate = context.WithCancel(context.Background())
	return b
}

// post puts up a status. Since stays what it was while phase and reason code do; equal statuses are no change.
func (b *board) post(s wire.Status, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearchFunc(b.report.Clients, s.Client, func(have wire.Status, client string) int {
		return strings.Compare(have.Client, client)
	})
	if !found {
		s.Since = now
		b.report.Clients = slices.Insert(slices.Clone(b.report.Clients), i, s)
		return b.bump()
	}
	old := b.report.Clients[i]
	s.Since = old.Since
	if old.Phase != s.Phase || old.Reason.Code != s.Reason.Code {
		s.Since = now
	}
	if reflect.DeepEqual(old, s) {
		return nil
	}
	b.report.Clients = slices.Clone(b.report.Clients)
	b.report.Clients[i] = s
	return b.bump()
}

// keepOnly takes down the statuses of clients that nobody asks about any more.
func (b *board) keepOnly(clients []wire.Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := slices.DeleteFunc(slices.Clone(b.report.Clients), func(s wire.Status) bool {
		return !slices.ContainsFunc(clients, func(c wire.Client) bool { return c.Name == s.Client })
	})
	if len(kept) < len(b.report.Clients) {
		b.report.Clients = kept
		_ = b.bump() // the file is for people to look at; the next change writes it again
	}
}

// status is the one of a client, zero if there is none yet.
func (b *board) status(client string) wire.Status {
	for _, s := range b.statuses() {
		if s.Client == client {
			return s
		}
	}
	return wire.Status{}
}

// statuses are never changed once they are handed out.
func (b *board) statuses() []wire.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.report.Clients
}

func (b *board) version() int {
	version, _ := b.currently()
	return version
}

// currently is the version of the board and a context that ends as soon as there is a newer one.
func (b *board) currently() (int, context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count, b.current
}

// touch makes the board new without changing a status.
func (b *board) touch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify()
}

// unreachable notes that nobody answered, and returns since when and whether that is new.
func (b *board) unreachable(err error, now time.Time) (since time.Time, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.report.Away != nil {
		return b.report.Away.Since, false
	}
	b.report.Away = &Away{Since: now, Error: err.Error()}
	_ = b.save()
	return now, true
}

// reached notes that somebody answered, and returns whether nobody did before.
func (b *board) reached() (again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.report.Away == nil {
		return false
	}
	b.report.Away = nil
	_ = b.save() // the next change writes it again
	return true
}

func (b *board) bump() error {
	b.notify()
	return b.save()
}

func (b *board) notify() {
	b.count++
	b.outdate()
	b.current, b.outdate = context.WithCancel(context.Background())
}

func (b *board) save() error { return durable.WriteJSON(b.path, b.report, 0o600) }
