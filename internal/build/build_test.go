package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The variables are found by name when a program is linked, and a wrong name is silently ignored; so a program is linked.
func TestLinkTimeVariables(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "test.exe")
	if os.Getenv("LULL_BUILD_INNER") != "" {
		os.Stdout.WriteString("[" + String() + "]")
		return
	}
	const prefix = "lull/internal/build."
	flags := "-X " + prefix + "Version=1.2.0 -X " + prefix + "Commit=0123456789abcdef -X " + prefix + "Date=2026-11-22T14:18:00Z"
	if out, err := exec.Command("go", "test", "-c", "-ldflags", flags, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("link: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "-test.run", "TestLinkTimeVariables")
	cmd.Env = append(os.Environ(), "LULL_BUILD_INNER=1")
	out, err := cmd.Output()
	if want := "[1.2.0 (0123456789ab, 2026-11-22T14:18:00Z)]"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%q, %v; want %s", out, err, want)
	}
}

func TestUnlinked(t *testing.T) {
	if got := String(); !strings.HasPrefix(got, "devel") {
		t.Errorf("%q, want it to start with devel", got)
	}
}
