package reconciler

import (
	"cmp"
	"iter"
	"strings"

	"lull/schema"
)

// source is a manifest that carries a policy: a Workstation or a Group.
type source struct {
	Origin
	policy *schema.Policy
	rank   rank
}

// rank is the precedence of a source: its class, and between groups their priority.
type rank struct {
	class    class
	priority int
}

type class int

// The classes of sources, lowest first. A Workstation that names computers is about fewer of them than one that does not.
const (
	classGroup class = iota
	classWorkstation
	classComputers
)

// before orders sources by precedence, highest first, and those of one precedence by name.
func (s *source) before(other *source) int {
	return cmp.Or(
		cmp.Compare(other.rank.class, s.rank.class),
		cmp.Compare(other.rank.priority, s.rank.priority),
		strings.Compare(s.Name, other.Name),
	)
}

// agree reports whether two policies say the same about the version unit.
func agree(a, b *schema.Policy) bool {
	return a.AllowDowngrade == b.AllowDowngrade && sameRule(*a.Version, *b.Version)
}

// sameRule compares rules by what they say, as far as that is plain: 5.8 is 5.8.0, but ranges are compared as written.
func sameRule(a, b schema.VersionRule) bool {
	v, exact := a.Exact()
	w, alsoExact := b.Exact()
	if exact && alsoExact {
		return v.Equal(w)
	}
	return a.String() == b.String()
}

type workstation struct {
	source
	computers []pattern
	labels    map[string]string
}

func newWorkstation(w *schema.Workstation) *workstation {
	precedence := rank{class: classWorkstation}
	if len(w.Spec.Computers) > 0 {
		precedence.class = classComputers
	}
	return &workstation{
		source:    source{origin(schema.KindWorkstation, w.Meta), &w.Spec.Policy, precedence},
		computers: compilePatterns(w.Spec.Computers),
		labels:    w.Spec.Labels,
	}
}

type group struct {
	source
	members members
}

func newGroup(g *schema.Group) *group {
	return &group{
		source:  source{origin(schema.KindGroup, g.Meta), &g.Spec.Policy, rank{classGroup, g.Spec.Priority}},
		members: compileMembers(g.Spec.Members),
	}
}

func origin(kind schema.Kind, meta schema.Meta) Origin {
	return Origin{Kind: kind, Name: meta.Name, At: meta.At}
}

// candidate is a subject made ready to be matched.
type candidate struct {
	Subject
	name, computer string         // workstation and computer in lower case
	manifests      []*workstation // the Workstation manifests about it, highest precedence first
}

func (c *client) candidate(s Subject) *candidate {
	at := &candidate{Subject: s, name: strings.ToLower(s.Workstation), computer: strings.ToLower(s.Computer)}
	for _, w := range c.workstations[at.name] {
		if len(w.computers) == 0 || matchAny(w.computers, at.computer) {
			at.manifests = append(at.manifests, w)
		}
	}
	return at
}

// label is the value of a label, if it has one: a manifest's wins over the one that the computer reports.
func (c *candidate) label(key string) (string, bool) {
	for _, w := range c.manifests {
		if value, ok := w.labels[key]; ok {
			return value, true
		}
	}
	value, ok := c.Labels[key]
	return value, ok
}

// fact is the value of a fact that the computer reports, if it does.
func (c *candidate) fact(key string) (string, bool) {
	value, ok := c.Facts[key]
	return value, ok
}

// setting yields the manifests about a candidate that set a version, highest precedence first.
func (c *client) setting(at *candidate) iter.Seq[*source] {
	return matching(at, c.versions, func(p *schema.Policy) bool { return p.Version != nil })
}

// suspended yields the manifests about a candidate that suspend it, highest precedence first.
func (c *client) suspended(at *candidate) iter.Seq[*source] {
	return matching(at, c.suspending, func(p *schema.Policy) bool { return p.Suspend != nil })
}

// matching yields a candidate's Workstation manifests that say something and then the groups that it is a member of.
func matching(at *candidate, groups []*group, says func(*schema.Policy) bool) iter.Seq[*source] {
	return func(yield func(*source) bool) {
		for _, w := range at.manifests {
			if says(w.policy) && !yield(&w.source) {
				return
			}
		}
		for _, g := range groups {
			if g.members.match(at) && !yield(&g.source) {
				return
			}
		}
	}
}
