package schema

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
