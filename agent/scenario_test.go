package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lull/reconciler"
	"lull/schema"
)

// Each scenario is a computer and what the manifests say; one round of the agent must end in the phase and reason, with
// the whole installation of one version.
func TestScenarios(t *testing.T) {
	for _, tt := range []struct {
		name      string
		policy    string
		setUp     func(t *testing.T, w *world)
		phase     reconciler.Phase
		code      reconciler.Code
		installed string // afterwards; "" where the scenario looks for itself
	}{
		{name: "up to date", policy: `version: "5.8.1"`, phase: reconciler.UpToDate, installed: "5.8.1"},
		{name: "update", policy: `version: "5.8.2"`, phase: reconciler.UpToDate, installed: "5.8.2"},
		{name: "no version is set", policy: `suspend: {reason: x, until: 2020-01-01T00:00:00Z}`,
			phase: reconciler.Unmanaged, code: reconciler.NoManifest, installed: "5.8.1"},
		{name: "suspended", policy: "version: \"5.8.2\"\n  suspend: {reason: a congress}",
			phase: reconciler.Suspended, code: reconciler.SuspendedBy, installed: "5.8.1"},
		{name: "release is missing", policy: `version: "5.8.9"`,
			phase: reconciler.Blocked, code: reconciler.ReleaseMissing, installed: "5.8.1"},
		{name: "nothing was approved", policy: `version: newest`,
			phase: reconciler.Blocked, code: reconciler.ReleaseMissing, installed: "5.8.1"},
		{name: "downgrade", policy: `version: "5.8.0"`,
			phase: reconciler.Blocked, code: reconciler.DowngradeNotAllowed, installed: "5.8.1"},
		{name: "downgrade allowed", policy: "version: \"5.8.0\"\n  allowDowngrade: true",
			phase: reconciler.UpToDate, installed: "5.8.0"},
		{name: "report mode", policy: `version: "5.8.2"`,
			setUp: func(_ *testing.T, w *world) { w.config.Mode = ModeReport },
			phase: reconciler.Blocked, code: reconciler.ReportMode, installed: "5.8.1"},
		{name: "not installed", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { remove(t, w.dir) },
			phase: reconciler.Blocked, code: reconciler.NotInstalled},
		{name: "outside the roots", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { w.config.Roots = []string{w.path("data")} },
			phase: reconciler.Blocked, code: reconciler.OutsideRoots, installed: "5.8.1"},
		{name: "not accepted", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { put(t, w.dir, files{"VERSION": "4.9.0"}) },
			phase: reconciler.Blocked, code: reconciler.NotAccepted},
		{name: "installed version is unknown to the store", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { put(t, w.dir, files{"VERSION": "5.8.1.7"}) },
			phase: reconciler.Blocked, code: reconciler.UnknownBaseline},
		{name: "no version can be read", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { remove(t, filepath.Join(w.dir, "VERSION")) },
			phase: reconciler.Blocked, code: reconciler.UnknownBaseline},
		{name: "a file was changed", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { put(t, w.dir, files{"bin/app.dat": "patched"}) },
			phase: reconciler.Blocked, code: reconciler.UnknownBaseline},
		{name: "foreign file", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { put(t, w.dir, files{"plugin.dat": "not ours"}) },
			phase: reconciler.Blocked, code: reconciler.ForeignFiles},
		{name: "index was changed", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) {
				damage(t, w.path("releases/releases/viewer/5.8.2/"+system+"/index.json"))
			},
			phase: reconciler.Blocked, code: reconciler.ReleaseRefused, installed: "5.8.1"},
		{name: "a file of the release was changed", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { damage(t, w.blob("5.8.2", "bin/app.dat")) },
			phase: reconciler.Blocked, code: reconciler.ReleaseRefused, installed: "5.8.1"},
		{name: "a file of the release is missing", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) { remove(t, w.blob("5.8.2", "bin/app.dat")) },
			phase: reconciler.Blocked, code: reconciler.ReleaseMissing, installed: "5.8.1"},
		{name: "registered name cannot be read", policy: `version: "5.8.2"`,
			setUp: func(t *testing.T, w *world) {
				put(t, w.dir, files{"cfg.ini": "WsName=" + strings.Repeat("x", 65)})
			},
			phase: reconciler.Failed, code: reconciler.StepFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := standard(t)
			w.release("5.8.0", content("5.8.0"))
			w.want(tt.policy)
			if tt.setUp != nil {
				tt.setUp(t, w)
			}
			before := files{}
			if _, err := os.Stat(w.dir); err == nil {
				before = read(t, w.dir)
			}
			got := w.once()
			if got.Phase != tt.phase || got.Reason.Code != tt.code {
				t.Errorf("got %s %+v, want %s %s", got.Phase, got.Reason, tt.phase, tt.code)
			}
			switch {
			case tt.installed != "":
				w.whole(content(tt.installed))
			case len(before) > 0:
				same(t, before, read(t, w.dir))
			}
		})
	}
}

// blob is where the store keeps a file of a release.
func (w *world) blob(version, name string) string {
	w.t.Helper()
	index, _, err := w.store.Index("viewer", schema.MustVersion(version), system)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range index.Files {
		if f.Path == name {
			return w.path("releases/blobs/sha256/" + f.SHA256[:2] + "/" + f.SHA256)
		}
	}
	w.t.Fatalf("%s has no %s", version, name)
	return ""
}

// damage changes the last byte but one of a file, so that its size stays.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-2] ^= 1
	remove(t, path)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, want, got files) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s is %q, want %q", name, got[name], data)
		}
	}
}

func TestSeveralInstallations(t *testing.T) {
	t.Parallel()
	w := standard(t)
	text := strings.Replace(w.text(clientSpec, `version: "5.8.2"`), "['"+w.dir+"']", "['"+w.dir+"', '"+w.path("opt/other")+"']", 1)
	w.authority.set(parse(t, text))
	put(t, w.path("opt/other"), content("5.8.1"))
	if got := w.once(); got.Reason.Code != reconciler.SeveralInstallations {
		t.Errorf("got %s %+v", got.Phase, got.Reason)
	}
	w.whole(content("5.8.1"))
}

func TestFirstCheckinNamesNoClientAndTheSecondDoes(t *testing.T) {
	t.Parallel()
	w := standard(t)
	got := w.once()
	calls := w.authority.asked()
	if len(calls) < 2 || len(calls[0].Clients) != 0 || len(calls[1].Clients) != 1 {
		t.Fatalf("check-ins: %+v", calls)
	}
	if name := calls[1].Clients[0].Workstation; name != "CARD ECG 01" || got.Workstation != name {
		t.Errorf("registered as %q, then %q", name, got.Workstation)
	}
	if last := calls[len(calls)-1].Clients[0]; last.Phase != reconciler.UpToDate {
		t.Errorf("the last report was %s, want what the round ended with", last.Phase)
	}
	if len(calls) > maxRounds {
		t.Errorf("%d check-ins in one round", len(calls))
	}
}

func TestNameOfTheConfigurationWins(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.config.Name = "Room 12"
	if got := w.once(); got.Workstation != "Room 12" || got.Phase != reconciler.UpToDate {
		t.Errorf("got %q %s", got.Workstation, got.Phase)
	}
}

// What is not needed any more goes: after an update only the user's data from before it lies beside the installation.
func TestNothingIsLeftBeside(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.once()
	if left := w.beside(); left != "" {
		t.Errorf("left beside after nothing was done: %s", left)
	}
	w.want(`version: "5.8.2"`)
	w.once()
	for _, name := range strings.Fields(w.beside()) {
		if name != "lock" && !strings.HasPrefix(name, "kept-") {
			t.Errorf("left beside after an update: %s", name)
		}
	}
}
