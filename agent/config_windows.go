package agent

import (
	"os"
	"path/filepath"
)

// DefaultData is the agent's folder where the configuration names none.
func DefaultData() string { return filepath.Join(environment("ProgramData", `C:\ProgramData`), "lull") }

func defaultRoots() []string {
	return []string{
		environment("ProgramFiles", `C:\Program Files`),
		environment("ProgramFiles(x86)", `C:\Program Files (x86)`),
	}
}

func environment(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
