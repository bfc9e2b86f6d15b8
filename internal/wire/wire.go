// Package wire holds the messages between agents, people and Lull's server, and nothing else.
//
// An agent enrols once with the string that an administrator gave it, signs once for a session, and from then on sends
// check-ins with the session's bearer token. A check-in says what the agent has seen; its reply says what shall run
// there. Both ends bound what they read, and every text that comes from an agent is data: never markup, never a path.
package wire

import (
	"fmt"
	"time"

	"lull/internal/release"
	"lull/reconciler"
	"lull/schema"
)

// Routes of the agents' protocol.
const (
	PathEnrol    = "/agent/v1/enrol"
	PathSession  = "/agent/v1/session"
	PathCheckin  = "/agent/v1/checkin"
	PathReleases = "/agent/v1/releases/" // below it the layout of section "Releases": CLIENT/VERSION/SYSTEM/index.json, blobs/…
)

// Limits of the agents' protocol.
const (
	MaxRequest = 256 << 10        // bytes of one request's body: a check-in with hundreds of sessions needs a tenth
	MaxReply   = 4 << 20          // bytes of one reply's body
	MaxWait    = 50 * time.Second // how long a check-in may be held: shorter than the idle timeouts of common proxies
)

// Enrol is the request that makes an agent known. The agent has flushed its key to disk before it sends this.
type Enrol struct {
	Token     string `json:"token"`     // from the enrolment string
	PublicKey []byte `json:"publicKey"` // Ed25519, 32 bytes
	Host      string `json:"host"`      // for people to recognise the computer
}

// Enrolled answers Enrol. Enrolling a known key again with a valid string is answered as the first time.
type Enrolled struct {
	Computer string `json:"computer"` // the computer's id: lower-case hexadecimal SHA-256 of its public key, 32 digits
}

// Session is the request for a bearer token, signed by the agent's key.
type Session struct {
	Computer  string `json:"computer"`
	Time      int64  `json:"time"`      // Unix seconds; the server allows five minutes of difference
	Nonce     []byte `json:"nonce"`     // 16 random bytes; refused if seen before
	Signature []byte `json:"signature"` // Ed25519 over SessionPayload
}

// SessionPayload is what the signature of a Session covers.
func SessionPayload(computer string, unix int64, nonce []byte) []byte {
	return fmt.Appendf(nil, "lull session 1\n%s\n%d\n%x\n", computer, unix, nonce)
}

// Token answers Session.
type Token struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Checkin is what an agent has seen since its last one.
type Checkin struct {
	Have    string            `json:"have,omitempty"` // digest of the last reply
	Wait    int               `json:"wait,omitempty"` // seconds, at most 50, that the server may hold the request
	Facts   map[string]string `json:"facts,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Mode    string            `json:"mode,omitempty"`  // apply or report
	Agent   string            `json:"agent,omitempty"` // version of the agent
	Clients []Status          `json:"clients,omitempty"`
	// Sessions of users on the computer, as far as the last reply's Privacy allows.
	Sessions []UserSession `json:"sessions,omitempty"`
	Done     []string      `json:"done,omitempty"` // ids of actions that are finished
}

// The facts that an agent reports.
const (
	FactHost   = "host"
	FactSystem = "system" // windows or linux
	FactArch   = "arch"   // amd64, arm64
)

// Status is one installation as the agent sees it.
type Status struct {
	Client      string              `json:"client"`
	Workstation string              `json:"workstation"` // the registered name
	Installed   bool                `json:"installed"`
	Observed    reconciler.Observed `json:"observed"`
	Desired     schema.Version      `json:"desired,omitzero"`
	Revision    string              `json:"revision,omitempty"` // the revision that the agent acted on
	Phase       reconciler.Phase    `json:"phase"`
	Reason      reconciler.Reason   `json:"reason,omitzero"`
	Since       time.Time           `json:"since,omitzero"` // when phase and reason began
	Retry       time.Time           `json:"retry,omitzero"` // when a failed step is tried again
	Progress    *Progress           `json:"progress,omitempty"`
}

// Progress of a download.
type Progress struct {
	Done  int64 `json:"done"`  // bytes
	Total int64 `json:"total"` // bytes
}

// UserSession is a logged-on session. User and Device are empty unless the server's privacy setting asks for them.
type UserSession struct {
	ID     int    `json:"id"`
	State  string `json:"state"` // active or disconnected
	User   string `json:"user,omitempty"`
	Device string `json:"device,omitempty"`
}

// Reply answers Checkin. The status 304 instead of a reply means that Have is still right.
type Reply struct {
	Digest   string               `json:"digest"`
	Revision string               `json:"revision,omitempty"`
	Clients  []Client             `json:"clients,omitempty"`
	Desired  []reconciler.Desired `json:"desired,omitempty"`
	Releases []release.Ref        `json:"releases,omitempty"` // what desired and installed versions need, pinned
	Privacy  Privacy              `json:"privacy"`
	Actions  []Action             `json:"actions,omitempty"`
}

// Client is the part of a Client manifest that the agent's system needs.
type Client struct {
	Name     string          `json:"name"`
	Platform schema.Platform `json:"platform"`
}

// What a field of Privacy may say, beside nothing at all.
const (
	PrivacyNone  = "none"
	PrivacyName  = "name"
	PrivacyDaily = "daily"
)

// Privacy says what may leave the computer; the zero value is nothing. The agent holds to it, so that what must not be
// known is never sent.
type Privacy struct {
	Users       string `json:"users,omitempty"`       // name; empty or none: never
	Devices     string `json:"devices,omitempty"`     // name; empty or none: never
	IdleHistory string `json:"idleHistory,omitempty"` // daily; empty or none: never
}

// The verbs of actions.
const (
	Retry = "retry" // forget failures and try again
	Look  = "look"  // look again now
)

// Action is something that a person asked an agent to do once.
type Action struct {
	ID     string    `json:"id"`
	Verb   string    `json:"verb"` // Retry or Look
	Client string    `json:"client,omitempty"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}
