package reconciler

import (
	"strings"

	"lull/schema"
)

// source is a manifest that carries a policy: a Workstation or a Group.
type source struct {
	Origin
	*schema.Policy
}

type group struct {
	source
	priority int
	members  members
}

func newGroup(g *schema.Group) *group {
	return &group{
		source:   source{origin(schema.KindGroup, g.Meta), &g.Spec.Policy},
		priority: g.Spec.Priority,
		members:  compileMembers(g.Spec.Members),
	}
}

// workstation is a Workstation manifest. No two are about the same place, which schema sees to.
type workstation struct {
	source
	labels map[string]string
}

// place is what a Workstation manifest is about: a name, and one of its computers or all of them (""). Both are in
// lower case.
type place struct{ name, computer string }

// places lists what a manifest is about.
func places(w *schema.Workstation) []place {
	name := strings.ToLower(w.Spec.Name)
	if len(w.Spec.Computers) == 0 {
		return []place{{name, ""}}
	}
	list := make([]place, len(w.Spec.Computers))
	for i, computer := range w.Spec.Computers {
		list[i] = place{name, strings.ToLower(computer)}
	}
	return list
}

func origin(kind schema.Kind, meta schema.Meta) Origin {
	return Origin{Kind: kind, Name: meta.Name, At: meta.At}
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
