package access

import "fmt"

// Role is what a caller may do. Viewers see, operators also set versions and ask agents to look again, admins do
// everything. Agents are no step of this ladder: they use their own routes and nothing else.
type Role string

// The roles. Everybody stands for no token at all.
const (
	Everybody Role = "everybody"
	Agent     Role = "agent"
	Viewer    Role = "viewer"
	Operator  Role = "operator"
	Admin     Role = "admin"
)

// ParsePerson reads the role of a person.
func ParsePerson(text string) (Role, error) {
	if r := Role(text); r.rank() > 0 {
		return r, nil
	}
	return "", fmt.Errorf("role %q: want viewer, operator or admin", text)
}

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// May reports whether a caller with role r may use what asks for needed.
func (r Role) May(needed Role) bool {
	switch needed {
	case Everybody:
		return true
	case Agent:
		return r == Agent
	}
	return needed.rank() > 0 && r.rank() >= needed.rank()
}
