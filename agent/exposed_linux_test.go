package agent

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"lull/reconciler"
	"lull/schema"
)

// What users may write to is named, nothing of the release is run, and nothing is changed until it is put right.
func TestExposedFolderBlocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	marker := w.path("marker")
	w.manifests("version: {file: VERSION}\n      keep: [cfg.ini, 'Logs/**']\n      check: {command: [tool, "+touchArgument+", '"+marker+"', x]}", `version: "5.8.2"`)
	old, fresh := content("5.8.1"), content("5.8.2")
	old["tool"], fresh["tool"] = self(t), self(t)
	w.release("5.8.1", old)
	w.release("5.8.2", fresh)
	w.installed(old)
	for _, name := range []string{"opt/viewer/bin", "opt"} {
		if err := os.Chmod(w.path(name), 0o777); err != nil {
			t.Fatal(err)
		}
		got := w.once()
		if got.Phase != reconciler.Blocked || got.Reason.Code != reconciler.InsecureFolder || got.Reason.Args["folders"] != w.path(name) {
			t.Errorf("%s: got %s %+v", name, got.Phase, got.Reason)
		}
		if err := os.Chmod(w.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.whole(old)
	if _, err := os.Stat(marker); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the check ran: %v", err)
	}
	if got := w.once(); got.Phase != reconciler.UpToDate || !got.Observed.Version.Equal(schema.MustVersion("5.8.2")) {
		t.Errorf("once it was put right: %s %+v", got.Phase, got.Reason)
	}
	w.whole(fresh)
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the check did not run: %v", err)
	}
}
