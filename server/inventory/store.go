// Package inventory is what is known about the fleet: every computer with the last report of its agent.
//
// Fleet holds it in memory, where all reading happens, and writes what changed to a Store once a second, so that a
// thousand reports cost one transaction and a check-in without news costs none. When a computer was last seen is kept in
// memory and written along with the next change and at a clean end; after a crash the next check-in corrects it.
//
// Reports come from agents. Check refuses what no agent of ours sends and tidies free text; everything here is data,
// never markup and never a path. What the privacy setting does not allow is dropped before it is kept.
package inventory

import (
	"context"
	"time"

	"lull/internal/wire"
)

// Store keeps computers durably, by id.
type Store interface {
	Load(ctx context.Context) ([]Computer, error)
	Save(ctx context.Context, computers []Computer) error // inserts or replaces, all or none
	Delete(ctx context.Context, id string) error          // none there: no error
}

// Computer is one machine with its agent. A Computer in a Fleet is never changed, only replaced.
type Computer struct {
	ID       string    `json:"-"`
	Key      []byte    `json:"-"` // Ed25519 public key
	Host     string    `json:"-"`
	Enrolled time.Time `json:"-"`
	Seen     time.Time `json:"-"`

	Agent    string             `json:"agent,omitempty"`
	Mode     string             `json:"mode,omitempty"`
	Facts    map[string]string  `json:"facts,omitempty"`
	Labels   map[string]string  `json:"labels,omitempty"`
	Clients  []wire.Status      `json:"clients,omitempty"`
	Sessions []wire.UserSession `json:"sessions,omitempty"`
	Actions  []wire.Action      `json:"actions,omitempty"`
}

// System is the operating system that the agent reported; empty before its first check-in.
func (c *Computer) System() string { return c.Facts[wire.FactSystem] }
