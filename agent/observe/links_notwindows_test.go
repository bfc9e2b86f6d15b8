//go:build !windows

package observe

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/reconciler"
	"lull/schema"
)

// Wine makes links that lead nowhere, so that what is done about them is tested where they work.

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestFindRefusesLinks(t *testing.T) {
	dir := tree(t, map[string]string{"apps/client/VERSION": "1", "home/evil/VERSION": "1"})
	apps := filepath.Join(dir, "apps")
	link(t, "client", filepath.Join(apps, "linked"))
	link(t, filepath.Join(dir, "home"), filepath.Join(apps, "away"))
	find := func(name string) (string, reconciler.Code) {
		got, problem, err := Find(schema.Platform{Install: []string{filepath.Join(apps, name)}}, []string{apps})
		if err != nil {
			t.Fatal(err)
		}
		if problem == nil {
			return got, ""
		}
		return got, problem.Code
	}
	if got, code := find("linked"); got != "" || code != reconciler.InsecureFolder {
		t.Errorf("a link: %q, %s", got, code)
	}
	if got, code := find("away/evil"); got != "" || code != reconciler.OutsideRoots {
		t.Errorf("a folder that lies elsewhere by a link: %q, %s", got, code)
	}
	link(t, apps, filepath.Join(dir, "root"))
	got, problem, err := Find(schema.Platform{Install: []string{filepath.Join(dir, "root", "client")}}, []string{filepath.Join(dir, "root")})
	if want := filepath.Join(apps, "client"); got != want || problem != nil || err != nil {
		t.Errorf("below a root that is a link: %q, %v, %v; want %q", got, problem, err, want)
	}
}

func TestCandidatesAreFoldersThatFindMayReturn(t *testing.T) {
	dir := tree(t, map[string]string{"apps/client/VERSION": "1", "home/evil/VERSION": "1"})
	apps, root := filepath.Join(dir, "apps"), filepath.Join(dir, "root")
	link(t, filepath.Join(dir, "home"), filepath.Join(apps, "away"))
	link(t, apps, root)
	install := []string{filepath.Join(root, "client"), filepath.Join(root, "missing"), filepath.Join(root, "away", "evil"),
		filepath.Join(dir, "home", "evil"), filepath.Join(root, "missing", "below"), "relative", root}
	want := []string{filepath.Join(apps, "client"), filepath.Join(apps, "missing")}
	if diff := cmp.Diff(want, Candidates(schema.Platform{Install: install}, []string{root})); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}

func TestReadingFollowsNoLinkOut(t *testing.T) {
	dir := tree(t, map[string]string{"client/real": "1.0", "secret": "WsName=2.0"})
	client := filepath.Join(dir, "client")
	link(t, "../secret", filepath.Join(client, "out"))
	link(t, "real", filepath.Join(client, "in"))
	if v, err := Version(client, schema.VersionSource{File: "OUT"}); err == nil {
		t.Errorf("a link out was followed: %s", v)
	}
	if name, _, err := Name(client, &schema.NameSource{Ini: "out", Key: "WsName"}, nil); err == nil {
		t.Errorf("a link out was followed: %s", name)
	}
	if v, err := Version(client, schema.VersionSource{File: "IN"}); err != nil || v != schema.MustVersion("1.0") {
		t.Errorf("a link within: %s, %v", v, err)
	}
}

func TestReadingDoesNotWaitForAPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "VERSION"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Version(dir, schema.VersionSource{File: "VERSION"}); !errors.Is(err, errNotRegular) {
		t.Errorf("%v, want a refusal", err)
	}
}
