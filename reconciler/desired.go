package reconciler

import "lull/schema"

// Subject is one installation as far as manifests can tell installations apart: a client on a computer that is
// administered under a workstation name.
type Subject struct {
	Client      string            `json:"client"`
	Workstation string            `json:"workstation"` // the registered name
	Computer    string            `json:"computer"`    // the real host name
	System      string            `json:"system"`      // windows or linux, as runtime.GOOS says
	Labels      map[string]string `json:"labels,omitempty"`
	Facts       map[string]string `json:"facts,omitempty"`
}

// Available is one release in the store, on one system.
type Available struct {
	Client  string
	Version schema.Version
	System  string
}

// Origin is the manifest that a field of a desired state comes from.
type Origin struct {
	Kind schema.Kind     `json:"kind"`
	Name string          `json:"name"`
	At   schema.Position `json:"at"`
}

// Desired is what the manifests say for one installation; where they set no version, that is a suspension at most. It
// crosses the wire to the agent and is kept there for the time that the server is away.
type Desired struct {
	Client         string            `json:"client"`
	Workstation    string            `json:"workstation"`
	Managed        bool              `json:"managed"`          // false: no manifest sets a version
	Rule           string            `json:"rule,omitempty"`   // as written: "5.8.1", "~5.8", server, newest
	Version        schema.Version    `json:"version,omitzero"` // the chosen release; zero if Problem is set
	Accepts        schema.Range      `json:"accepts,omitzero"` // installed versions that may be updated
	Ceiling        schema.Version    `json:"ceiling,omitzero"` // the version of the program's server, where it is a bound
	AllowDowngrade bool              `json:"allowDowngrade,omitempty"`
	Suspend        *schema.Suspend   `json:"suspend,omitempty"`
	Problem        *Reason           `json:"problem,omitempty"` // why no release could be chosen
	Origins        map[string]Origin `json:"origins,omitempty"` // by field: version, allowDowngrade, suspend, accepts, ceiling
}
