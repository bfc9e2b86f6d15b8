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
	server       schema.Version                     // of the program's server; zero if unknown
	releases     map[string][]schema.Version        // by system, newest first
	decisions    map[schema.Version]*schema.Release // by canonical version
	workstations map[string][]*workstation          // by name in lower case, the most specific first
	versions     []*group                           // groups that set a version, highest priority first
	suspending   []*group                           // groups that suspend
}

type workstation struct {
	*schema.Workstation
	computers []pattern
}

type group struct {
	*schema.Group
	members members
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
			name := strings.ToLower(w.Spec.Name)
			c.workstations[name] = append(c.workstations[name], &workstation{w, compilePatterns(w.Spec.Computers)})
		}
	}
	for _, g := range set.Groups {
		if c := r.clients[g.Spec.Client]; c != nil {
			c.add(&group{g, compileMembers(g.Spec.Members)})
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
		releases:     make(map[string][]schema.Version),
		decisions:    make(map[schema.Version]*schema.Release),
		workstations: make(map[string][]*workstation),
	}
	if server != nil {
		c.server = server.Spec.Version
	}
	return c
}

func (c *client) add(g *group) {
	if g.Spec.Version != nil {
		c.versions = append(c.versions, g)
	}
	if g.Spec.Suspend != nil {
		c.suspending = append(c.suspending, g)
	}
}

func (c *client) sort() {
	slices.SortStableFunc(c.versions, func(a, b *group) int { return cmp.Compare(b.Spec.Priority, a.Spec.Priority) })
	for _, versions := range c.releases {
		slices.SortFunc(versions, func(v, w schema.Version) int { return w.Compare(v) })
	}
	for _, named := range c.workstations {
		slices.SortStableFunc(named, func(a, b *workstation) int { return cmp.Compare(len(b.computers), len(a.computers)) })
	}
}

// Resolve says what the manifests want for one installation. The same resolver and subject always give the same answer.
func (r *Resolver) Resolve(s Subject) Desired {
	d := Desired{Client: s.Client, Workstation: s.Workstation}
	c := r.clients[s.Client]
	if c == nil {
		return d
	}
	at := candidate{Subject: s, workstation: strings.ToLower(s.Workstation), computer: strings.ToLower(s.Computer)}
	at.manifest = c.workstation(&at)
	d.Accepts = c.Spec.Accepts
	c.suspend(&d, &at)
	policy, problem := c.policy(&d, &at)
	if problem != nil {
		d.Managed, d.Problem = true, problem
		return d
	}
	if policy == nil {
		return d
	}
	d.Managed = true
	d.Rule = policy.Version.String()
	d.AllowDowngrade = policy.AllowDowngrade
	d.Version, d.Problem = c.choose(*policy.Version, s.System)
	if c.Spec.Compatibility != schema.Unchecked {
		d.Ceiling = c.server
	}
	return d
}

// workstation is the most specific Workstation manifest for a candidate, or nil.
func (c *client) workstation(at *candidate) *workstation {
	for _, w := range c.workstations[at.workstation] {
		if len(w.computers) == 0 || matchAny(w.computers, at.computer) {
			return w
		}
	}
	return nil
}

// policy is the one that sets the version unit: the Workstation's, else that of the matching Group of the highest
// priority. Groups of one priority must agree.
func (c *client) policy(d *Desired, at *candidate) (*schema.Policy, *Reason) {
	if w := at.manifest; w != nil && w.Spec.Version != nil {
		d.origin("version", schema.KindWorkstation, w.Meta)
		return &w.Spec.Policy, nil
	}
	var first *group
	for _, g := range c.versions {
		if first != nil && g.Spec.Priority < first.Spec.Priority {
			break
		}
		if !g.members.match(at) {
			continue
		}
		if first == nil {
			first = g
		} else if !agree(&first.Spec.Policy, &g.Spec.Policy) {
			ambiguous := Why(Ambiguous, "group", first.Meta.Name, "other", g.Meta.Name)
			return nil, &ambiguous
		}
	}
	if first == nil {
		return nil, nil
	}
	d.origin("version", schema.KindGroup, first.Meta)
	return &first.Spec.Policy, nil
}

// agree reports whether two policies say the same about the version unit.
func agree(a, b *schema.Policy) bool {
	return a.Version.String() == b.Version.String() && a.AllowDowngrade == b.AllowDowngrade
}

// suspend sets the suspension that lasts longest among those of all matching manifests.
func (c *client) suspend(d *Desired, at *candidate) {
	consider := func(s *schema.Suspend, kind schema.Kind, meta schema.Meta) {
		if s != nil && (d.Suspend == nil || outlasts(s, d.Suspend)) {
			d.Suspend = s
			d.origin("suspend", kind, meta)
		}
	}
	if at.manifest != nil {
		consider(at.manifest.Spec.Suspend, schema.KindWorkstation, at.manifest.Meta)
	}
	for _, g := range c.suspending {
		if g.members.match(at) {
			consider(g.Spec.Suspend, schema.KindGroup, g.Meta)
		}
	}
}

func outlasts(s, other *schema.Suspend) bool {
	if other.Until.IsZero() {
		return false
	}
	return s.Until.IsZero() || s.Until.After(other.Until.Time)
}

func (d *Desired) origin(field string, kind schema.Kind, meta schema.Meta) {
	if d.Origins == nil {
		d.Origins = make(map[string]Origin, 2)
	}
	d.Origins[field] = Origin{Kind: kind, Name: meta.Name, At: meta.At}
}
