//go:build !windows

package agent

// DefaultData is the agent's folder where the configuration names none.
func DefaultData() string { return "/var/lib/lull" }

func defaultRoots() []string { return []string{"/opt"} }
