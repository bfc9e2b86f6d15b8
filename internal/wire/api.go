package wire

import (
	"time"

	"lull/internal/release"
	"lull/reconciler"
	"lull/schema"
)

// PathAPI is the prefix of all routes for people and programs.
const PathAPI = "/api/v1"

// HeaderReason carries the reason of a change as UTF-8 text; the query parameter "reason" does the same.
const HeaderReason = "Lull-Reason"

// Problem is an RFC 9457 problem document: how every route answers a request that failed.
type Problem struct {
	Title  string          `json:"title,omitempty"`
	Status int             `json:"status"`
	Detail string          `json:"detail,omitempty"`
	Errors []ProblemDetail `json:"errors,omitempty"`
}

// ProblemDetail is one of several things that are wrong, such as one error of a manifest.
type ProblemDetail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"` // file:line:column in a manifest
}

// Workstations is one page of GET /api/v1/workstations.
type Workstations struct {
	Items []Workstation `json:"items"`
	Next  string        `json:"next,omitempty"` // the value of "after" for the next page; empty on the last one
}

// Workstation is one client under one registered name, with every computer that uses the name. Its own fields are
// those of the computer that most needs attention.
type Workstation struct {
	Name     string             `json:"name"`
	Client   string             `json:"client"`
	Desired  reconciler.Desired `json:"desired"`
	Versions []schema.Version   `json:"versions"` // installed, highest first, each once
	Phase    reconciler.Phase   `json:"phase"`
	Reason   reconciler.Reason  `json:"reason,omitzero"`
	Since    time.Time          `json:"since,omitzero"`
	Seen     time.Time          `json:"seen"`
	Installs []Installation     `json:"computers"`
}

// Installation is one client on one computer.
type Installation struct {
	Computer string             `json:"computer"` // the id
	Host     string             `json:"host"`
	System   string             `json:"system,omitempty"`
	Seen     time.Time          `json:"seen"`
	Desired  reconciler.Desired `json:"desired"` // what the revision in force says now
	Status   Status             `json:"status"`  // what the agent said last
}

// Computers is one page of GET /api/v1/computers.
type Computers struct {
	Items []Computer `json:"items"`
	Next  string     `json:"next,omitempty"`
}

// Computer is one machine with its agent.
type Computer struct {
	ID       string            `json:"id"`
	Host     string            `json:"host"`
	Enrolled time.Time         `json:"enrolled"`
	Seen     time.Time         `json:"seen"`
	Agent    string            `json:"agent,omitempty"` // version of the agent
	Mode     string            `json:"mode,omitempty"`  // apply or report
	Facts    map[string]string `json:"facts,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Clients  []Status          `json:"clients,omitempty"`
	Sessions []UserSession     `json:"sessions,omitempty"`
	Actions  []Action          `json:"actions,omitempty"` // asked for and not done yet
}

// ClientInfo is one Client manifest as GET /api/v1/clients lists it.
type ClientInfo struct {
	Name          string               `json:"name"`
	DisplayName   string               `json:"displayName,omitempty"`
	Accepts       schema.Range         `json:"accepts,omitzero"`
	Compatibility schema.Compatibility `json:"compatibility"`
	Server        string               `json:"server,omitempty"`
	ServerVersion schema.Version       `json:"serverVersion,omitzero"` // of the program's own server
	Systems       []string             `json:"systems"`
	Workstations  int                  `json:"workstations"`
}

// GroupInfo is one Group manifest as GET /api/v1/groups lists it.
type GroupInfo struct {
	Name     string          `json:"name"`
	Client   string          `json:"client"`
	Priority int             `json:"priority"`
	Version  string          `json:"version,omitempty"` // the rule as written
	Suspend  *schema.Suspend `json:"suspend,omitempty"`
}

// Revisions answers GET /api/v1/revisions.
type Revisions struct {
	Source   string           `json:"source"`            // where the manifests live
	Current  string           `json:"current,omitempty"` // the revision in force
	Refused  *RefusedRevision `json:"refused,omitempty"` // a newer one that is not in force because of its errors
	Problem  string           `json:"problem,omitempty"` // why the source could not be read lately
	Writable bool             `json:"writable"`          // whether the manifest API writes here
	History  []Commit         `json:"history,omitempty"` // newest first
}

// RefusedRevision is a revision with errors.
type RefusedRevision struct {
	Revision string          `json:"revision"`
	Errors   []ProblemDetail `json:"errors"`
}

// Commit is one change of the manifests.
type Commit struct {
	Revision string    `json:"revision"`
	Author   string    `json:"author"`
	Time     time.Time `json:"time"`
	Reason   string    `json:"reason"`
}

// Plan is what a revision of the manifests does to the installations.
type Plan struct {
	Revision string   `json:"revision,omitempty"` // of the plan; empty for a preview
	Applied  bool     `json:"applied"`            // false: a preview, nothing was written
	Changed  []string `json:"changed,omitempty"`  // manifests written or removed, such as "Group all"
	// Installations is how many were looked at; Effects leaves out those that are, and stay, where they shall be.
	Installations int             `json:"installations"`
	Effects       []Effect        `json:"effects"`
	Errors        []ProblemDetail `json:"errors,omitempty"` // why the preview could not be applied
}

// PlanRequest is the request of POST /api/v1/plan: a whole revision that is not in force, file by file.
type PlanRequest struct {
	Revision string            `json:"revision,omitempty" required:"false"`
	Files    map[string]string `json:"files"` // content by name
}

// Effect is what a change does to one installation.
type Effect struct {
	Client      string              `json:"client"`
	Workstation string              `json:"workstation"`
	Computer    string              `json:"computer"` // the host name
	Installed   schema.Version      `json:"installed,omitzero"`
	Before      schema.Version      `json:"before,omitzero"` // desired until now
	After       schema.Version      `json:"after,omitzero"`  // desired then
	Changed     bool                `json:"changed"`         // what is desired differs
	Decision    reconciler.Decision `json:"decision"`
}

// SetVersion is the request of POST /api/v1/version: exactly one of Workstations, Group and All says for whom.
type SetVersion struct {
	Client       string   `json:"client"`
	Version      string   `json:"version"` // exact, a range, server or newest
	Workstations []string `json:"workstations,omitempty"`
	Group        string   `json:"group,omitempty"`
	All          bool     `json:"all,omitempty"`
	KeepPins     bool     `json:"keepPins,omitempty"` // with All: leave exact versions elsewhere
	Reason       string   `json:"reason,omitempty"`
}

// Ask is the request of POST /api/v1/actions: what agents shall do once, on the computers of a workstation.
type Ask struct {
	Verb        string `json:"verb"` // retry or look
	Workstation string `json:"workstation"`
	Client      string `json:"client,omitempty"`
	Reason      string `json:"reason"`
}

// Asked answers Ask.
type Asked struct {
	Computers []string `json:"computers"` // host names
}

// Releases answers GET /api/v1/releases.
type Releases struct {
	Items []StoredRelease `json:"items"`
}

// StoredRelease is one release in the store, with what the manifests decided about it.
type StoredRelease struct {
	release.Ref
	Approved  *schema.Decision `json:"approved,omitempty"`
	Withdrawn *schema.Decision `json:"withdrawn,omitempty"`
}

// Missing answers POST /api/v1/releases/missing, whose body is an index: what an upload of that release has to bring.
type Missing struct {
	Blobs []string `json:"blobs"` // SHA-256, each once
}

// NewToken is the request of POST /api/v1/tokens.
type NewToken struct {
	Kind string `json:"kind"`           // person or agents
	Name string `json:"name,omitempty"` // unique; of agents it may be left out
	Role string `json:"role,omitempty"` // of a person: viewer, operator or admin
	Days int    `json:"days,omitempty"` // until it expires; 0: never for a person, 30 days for agents
}

// MadeToken answers NewToken; the secret is shown this once.
type MadeToken struct {
	TokenInfo
	Secret string `json:"secret"` // the token; for agents the whole enrolment string
}

// TokenInfo is a token without its secret.
type TokenInfo struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Role    string    `json:"role,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}
