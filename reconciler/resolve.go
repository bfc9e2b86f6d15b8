package reconciler

import (
	"cmp"
	"slices"
	"strings"

	"lull/schema"
)

// Resolver says what one revision of the manifests wants for any installation. It is made once for a revision and a
// list of available releases, never changes, and may be used by many goroutines.
type Resolver struct {
	clients map[string]*client
}

// client is all that the manifests say about one client.
type client struct {
	*schema.Client
	server       *schema.Server                     // the program's server; nil: none is named
	ceiling      schema.Version                     // of the program's server; zero if unknown
	releases     map[string][]schema.Version        // by system, newest first
	decisions    map[schema.Version]*schema.Release // by canonical version
	workstations map[place]*workstation
	versions     []*group // groups that set a version, highest priority first
	suspending   []*group // groups that suspend
}

// NewResolver makes a resolver for the manifests of a set and the releases that are available.
func NewResolver(set *schema.Set, available []Available) *Resolver {
	r := &Resolver{clients: make(map[string]*client, len(set.Clients))}
	for name, c := range set.Clients {
		r.clients[name] = newClient(c, set.Servers[c.Spec.Server])
	}
	for _, release := range set.Releases {
		if c := r.clients[release.Spec.Client]; c != nil {
			c.decisions[release.Spec.Version.Canonical()] = release
		}
	}
	for _, a := range available {
		if c := r.clients[a.Client]; c != nil {
			c.releases[a.System] = append(c.releases[a.System], a.Version)
		}
	}
	for _, w := range set.Workstations {
		if c := r.clients[w.Spec.Client]; c != nil {
			c.addWorkstation(w)
		}
	}
	for _, g := range set.Groups {
		if c := r.clients[g.Spec.Client]; c != nil {
			c.addGroup(newGroup(g))
		}
	}
	for _, c := range r.clients {
		c.sort()
	}
	return r
}

func newClient(manifest *schema.Client, server *schema.Server) *client {
	c := &client{
		Client:       manifest,
		server:       server,
		releases:     make(map[string][]schema.Version),
		decisions:    make(map[schema.Version]*schema.Release),
		workstations: make(map[place]*workstation),
	}
	if server != nil {
		c.ceiling = server.Spec.Version
	}
	return c
}

func (c *client) addWorkstation(w *schema.Workstation) {
	manifest := &workstation{source{origin(schema.KindWorkstation, w.Meta), &w.Spec.Policy}, w.Spec.Labels}
	for _, place := range places(w) {
		c.workstations[place] = manifest
	}
}

func (c *client) addGroup(g *group) {
	if g.Version != nil {
		c.versions = append(c.versions, g)
	}
	if g.Suspend != nil {
		c.suspending = append(c.suspending, g)
	}
}

// sort brings everything into an order that does not depend on the order in which it came.
func (c *client) sort() {
	slices.SortFunc(c.versions, byPriority)
	slices.SortFunc(c.suspending, byPriority)
	for _, versions := range c.releases {
		slices.SortFunc(versions, func(v, w schema.Version) int {
			return cmp.Or(w.Compare(v), strings.Compare(v.String(), w.String()))
		})
	}
}

// byPriority puts the highest priority first, and groups of one priority in the order of their names.
func byPriority(a, b *group) int {
	return cmp.Or(cmp.Compare(b.priority, a.priority), strings.Compare(a.Name, b.Name))
}

// Resolve says what the manifests want for one installation. The same resolver and subject always give the same answer.
func (r *Resolver) Resolve(s Subject) Desired {
	d := Desired{Client: s.Client, Workstation: s.Workstation}
	c := r.clients[s.Client]
	if c == nil {
		return d
	}
	at := c.candidate(s)
	c.suspend(&d, at)
	unit, conflict := c.unit(at)
	if unit == nil {
		d.Managed, d.Problem = conflict != nil, conflict
		return d
	}
	d.Managed = true
	d.Rule = unit.Version.String()
	d.AllowDowngrade = unit.AllowDowngrade
	d.Version, d.Problem = c.choose(*unit.Version, s.System)
	d.from(unit.Origin, "version", "allowDowngrade")
	c.bound(&d)
	return d
}

// unit is where the version unit comes from: the Workstation that sets a version, else the matching Group of the highest
// priority that does, else nil. Matching groups of that priority must agree.
func (c *client) unit(at *candidate) (*source, *Reason) {
	if w := at.manifest; w != nil && w.Version != nil {
		return &w.source, nil
	}
	var first *group
	for _, g := range c.versions {
		switch {
		case first != nil && g.priority < first.priority:
			return &first.source, nil
		case !g.members.match(at):
		case first == nil:
			first = g
		case !agree(first.Policy, g.Policy):
			conflict := Why(Ambiguous, "group", first.Name, "other", g.Name)
			return nil, &conflict
		}
	}
	if first == nil {
		return nil, nil
	}
	return &first.source, nil
}

// suspend sets the suspension that lasts longest among those of all matching manifests.
func (c *client) suspend(d *Desired, at *candidate) {
	if at.manifest != nil {
		d.suspend(&at.manifest.source)
	}
	for _, g := range c.suspending {
		if g.members.match(at) {
			d.suspend(&g.source)
		}
	}
}

func (d *Desired) suspend(s *source) {
	if s.Suspend != nil && (d.Suspend == nil || outlasts(s.Suspend, d.Suspend)) {
		d.Suspend = s.Suspend
		d.from(s.Origin, "suspend")
	}
}

func outlasts(s, other *schema.Suspend) bool {
	if other.Until.IsZero() {
		return false
	}
	return s.Until.IsZero() || s.Until.After(other.Until.Time)
}

// bound sets what bounds every change of the client, whichever manifest sets the version.
func (c *client) bound(d *Desired) {
	if !c.Spec.Accepts.IsZero() {
		d.Accepts = c.Spec.Accepts
		d.from(origin(schema.KindClient, c.Meta), "accepts")
	}
	if c.bounded() && c.server != nil {
		d.Ceiling = c.ceiling
		d.from(origin(schema.KindServer, c.server.Meta), "ceiling")
	}
}

func (d *Desired) from(o Origin, fields ...string) {
	if d.Origins == nil {
		d.Origins = make(map[string]Origin)
	}
	for _, field := range fields {
		d.Origins[field] = o
	}
}
