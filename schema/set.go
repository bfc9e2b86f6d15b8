package schema

import (
	"cmp"
	"slices"
)

// Set is all manifests of one revision after they were checked against each other. It is never changed once made, so
// that any number of goroutines may read it. Slices are sorted by manifest name.
type Set struct {
	Servers      map[string]*Server
	Clients      map[string]*Client
	Releases     []*Release
	Groups       []*Group
	Workstations []*Workstation
}

// Len is the number of manifests.
func (s *Set) Len() int {
	return len(s.Servers) + len(s.Clients) + len(s.Releases) + len(s.Groups) + len(s.Workstations)
}

// NewSet checks files against each other. A revision is a transaction: if anything in it is wrong, there is no set, and
// Errors is everything that is wrong in the files and between them. Files may be shared with other sets; only what
// concerns several manifests is looked at again.
func NewSet(files []*File) (*Set, Errors) {
	set := &Set{Servers: make(map[string]*Server), Clients: make(map[string]*Client)}
	c := newCrossCheck(files)
	for _, f := range files {
		c.errors = append(c.errors, f.Errors...)
		for i := range f.documents {
			set.add(&f.documents[i])
			c.document(&f.documents[i])
		}
	}
	if len(c.errors) > 0 {
		c.errors.sort()
		return nil, c.errors
	}
	slices.SortFunc(set.Releases, func(a, b *Release) int { return cmp.Compare(a.Meta.Name, b.Meta.Name) })
	slices.SortFunc(set.Groups, func(a, b *Group) int { return cmp.Compare(a.Meta.Name, b.Meta.Name) })
	slices.SortFunc(set.Workstations, func(a, b *Workstation) int { return cmp.Compare(a.Meta.Name, b.Meta.Name) })
	return set, nil
}

func (s *Set) add(d *document) {
	switch o := d.object.(type) {
	case *Server:
		s.Servers[o.Meta.Name] = o
	case *Client:
		s.Clients[o.Meta.Name] = o
	case *Release:
		s.Releases = append(s.Releases, o)
	case *Group:
		s.Groups = append(s.Groups, o)
	case *Workstation:
		s.Workstations = append(s.Workstations, o)
	}
}
