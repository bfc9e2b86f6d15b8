package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
)

func TestLoadConfig(t *testing.T) {
	enrol := wire.Enrolment{URL: "https://lull", Token: "t"}.String()
	absolute := t.TempDir()
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "{}", "enrol is missing"},
		{"empty file", "", "enrol is missing"},
		{"unknown field", "enroll: x", "field enroll not found"},
		{"not YAML", "{", "yaml"},
		{"two documents", "enrol: \"" + enrol + "\"\n---\nmode: report", "more than one document"},
		{"both", "{enrol: \"" + enrol + "\", source: dir:x}", "exclude each other"},
		{"releases with a server", "{enrol: \"" + enrol + "\", releases: x}", "releases goes with source"},
		{"no releases", "source: dir:x", "releases is missing"},
		{"damaged string", "enrol: lull1:x", "copied whole"},
		{"too often", "{enrol: \"" + enrol + "\", interval: 1ms}", "shorter than 1s"},
		{"mode", "{enrol: \"" + enrol + "\", mode: dry}", "neither apply nor report"},
		{"relative root", "{enrol: \"" + enrol + "\", roots: [opt]}", "not an absolute path"},
		{"relative data", "{enrol: \"" + enrol + "\", data: here}", "not an absolute path"},
	} {
		path := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %q in %s", tt.name, err, tt.want, path)
		}
	}
	if _, err := LoadConfig(filepath.Join(absolute, "agent.yaml")); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("no file: %v", err)
	}
	if _, err := LoadConfig(absolute); err == nil {
		t.Error("a folder is a configuration")
	}

	path := filepath.Join(absolute, "agent.yaml")
	text := "{enrol: \"" + enrol + "\", labels: {ward: cardiology}}"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != DefaultData() || c.Interval.Duration != time.Minute || c.Mode != ModeApply || c.Host == "" ||
		len(c.Roots) == 0 || c.Labels["ward"] != "cardiology" {
		t.Errorf("got %+v", c)
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.once()
	put(t, w.config.Data, files{"state.json": `{"orders":`})
	_, err := New(w.config, nil)
	if err == nil || !strings.Contains(err.Error(), "state.json") || !strings.Contains(err.Error(), "move") {
		t.Fatalf("got %v, want which file it is and what to do", err)
	}
	remove(t, filepath.Join(w.config.Data, "state.json"))
	w.once() // and the lock was given back
}

// What was seen last is for people; if it is damaged, the agent sees for itself.
func TestDamagedStatusIsForgotten(t *testing.T) {
	t.Parallel()
	w := standard(t)
	put(t, w.config.Data, files{statusFile: `{"clients":`})
	if _, err := ReadReport(w.config.Data); err == nil {
		t.Error("damaged status was read")
	}
	if got := w.once(); got.Workstation != "CARD ECG 01" {
		t.Errorf("got %+v", got)
	}
}

func TestReportOfAnAgentThatNeverRan(t *testing.T) {
	if _, err := ReadReport(t.TempDir()); err == nil || !strings.Contains(err.Error(), "has the agent run?") {
		t.Errorf("got %v", err)
	}
}
