package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"lull/internal/durable"
	"lull/internal/wire"
	"lull/schema"
)

// memory is what an agent must know again after it was restarted: the last answer to a check-in, by which it goes on
// while nobody answers, the releases that failed here, and the actions that it has done. It is written whenever it
// changes, and only then.
type memory struct {
	path string

	mu      sync.Mutex
	retries map[string]int // by client, since the agent was started: how often people asked to try again
	kept    struct {
		Orders wire.Reply                  `json:"orders"`
		Bad    map[string][]schema.Version `json:"bad,omitempty"` // by client
		Done   []string                    `json:"done,omitempty"`
	}
}

// maxDone bounds the remembered actions: the server asks for each until it hears that it was done.
const maxDone = 100

func openMemory(folder string) (*memory, error) {
	m := &memory{path: filepath.Join(folder, "state.json"), retries: make(map[string]int)}
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &m.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("read the agent's state: %w; move %s away, the agent then starts as a new one would", err, m.path)
	}
	return m, nil
}

func (m *memory) save() error { return durable.WriteJSON(m.path, &m.kept, 0o600) }

// orders is the last answer to a check-in.
func (m *memory) orders() wire.Reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept.Orders
}

// follow keeps a new answer together with what its actions ask for, and returns the actions that were not done before.
func (m *memory) follow(orders wire.Reply) ([]wire.Action, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept.Orders = orders
	fresh := m.take(orders.Actions)
	return fresh, m.save()
}

// bad lists the releases of a client that failed here.
func (m *memory) bad(client string) []schema.Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.kept.Bad[client])
}

// markBad remembers that a release failed here.
func (m *memory) markBad(client string, v schema.Version) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.kept.Bad[client], v.Equal) {
		return nil
	}
	if m.kept.Bad == nil {
		m.kept.Bad = make(map[string][]schema.Version)
	}
	m.kept.Bad[client] = append(m.kept.Bad[client], v)
	return m.save()
}

// retried counts how often people asked to try a client again.
func (m *memory) retried(client string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.retries[client] + m.retries[""]
}

// forgive forgets what failed here; an empty client means all of them.
func (m *memory) forgive(client string) {
	m.retries[client]++
	if client == "" {
		m.kept.Bad = nil
	} else {
		delete(m.kept.Bad, client)
	}
}

// take does what actions ask for, and returns those that were not done before.
func (m *memory) take(actions []wire.Action) (fresh []wire.Action) {
	for _, a := range actions {
		if slices.Contains(m.kept.Done, a.ID) {
			continue
		}
		if a.Verb == wire.Retry {
			m.forgive(a.Client)
		}
		fresh = append(fresh, a)
		m.kept.Done = append(m.kept.Done, a.ID)
	}
	m.kept.Done = m.kept.Done[max(0, len(m.kept.Done)-maxDone):]
	return fresh
}

// done lists the ids of actions that the server still asks for although they are done.
func (m *memory) done() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, a := range m.kept.Orders.Actions {
		if slices.Contains(m.kept.Done, a.ID) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}
