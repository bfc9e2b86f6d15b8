package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// demoComputer is one computer of the demo: a folder that stands for its disk, an agent, and perhaps the client.
type demoComputer struct {
	host      string
	name      string // WsName in the client's ini file; empty: the host name counts
	installed bool
	use       time.Duration // how long after the commit somebody still works with the client
	folder    string
}

func demoFleet(folder string) []*demoComputer {
	fleet := []*demoComputer{
		{host: "CARD-ECG-01", installed: true, use: 6 * time.Second},
		{host: "CARD-ECG-02", installed: true},
		{host: "ERGO-PC-7", name: "CARD ERGO", installed: true},
		{host: "ERGO-PC-8", name: "CARD ERGO", installed: true, use: 3 * time.Second},
		{host: "RECEPTION-1"},
	}
	for _, c := range fleet {
		c.folder = filepath.Join(folder, c.host)
	}
	return fleet
}

func (c *demoComputer) client() string { return filepath.Join(c.folder, "viewer") }

// desk is a file that exists while somebody works with the client.
func (c *demoComputer) desk() string { return filepath.Join(c.folder, "somebody-is-here") }

// leaveIn lets the person at this computer end the client after a while.
func (c *demoComputer) leaveIn(after time.Duration) {
	if after > 0 {
		time.AfterFunc(after, func() { _ = os.Remove(c.desk()) }) // at the end of the demo the folder is gone already
	}
}

// demoFolder is the environment variable by which the manifest of the demo tells the computers' disks apart, which in a
// real fleet nobody has to.
const demoFolder = "LULL_DEMO_DISK"

func demoManifests(version string) string {
	return fmt.Sprintf(`apiVersion: lull/v1
kind: Server
metadata: {name: main}
spec: {version: "5.8.2"}
---
apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  displayName: Demo viewer
  server: main
  accepts: ">=5.0, <6.0"
  platforms:
    %s:
      install: ['%%%s%%/viewer']
      version: {file: VERSION}
      name: {ini: viewer.ini, key: WsName}
      start: ['%s']
      keep: ['viewer.ini', 'logs/**']
---
apiVersion: lull/v1
kind: Group
metadata: {name: cardiology}
spec:
  client: viewer
  members: {all: true}
  version: %q
`, runtime.GOOS, demoFolder, program("viewer"), version)
}

// program is the file name of a program on this system.
func program(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// writePackage makes what a vendor would ship: a program, its version and a few more files.
func (d *demo) writePackage(folder, version string) error {
	files := map[string]string{
		"VERSION":         version + "\n",
		"lib/codec.dat":   strings.Repeat("codec of "+version+"\n", 2000),
		"lib/palette.dat": strings.Repeat("the same in every version\n", 2000),
		"help/index.html": "<h1>Viewer " + version + "</h1>\n",
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(folder, filepath.FromSlash(name)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	code, err := os.ReadFile(d.programs["lull-demo-client"])
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(folder, program("viewer")), code, 0o755)
}

// install puts the old version on a computer, as its vendor's installer once did.
func (d *demo) install(c *demoComputer) error {
	if err := os.MkdirAll(c.folder, 0o755); err != nil {
		return err
	}
	if !c.installed {
		return nil
	}
	if err := d.writePackage(c.client(), demoOld); err != nil {
		return err
	}
	ini := "[viewer]\n"
	if c.name != "" {
		ini += "WsName=" + c.name + "\n"
	}
	return writeFile(filepath.Join(c.client(), "viewer.ini"), []byte(ini), 0o644)
}

func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, mode)
}

// demoRepo is the outside git repo with the manifests, with a work tree as people have it.
type demoRepo struct {
	folder string
	repo   *git.Repository
}

func newDemoRepo(folder string) (*demoRepo, error) {
	repo, err := git.PlainInitWithOptions(folder, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.Main},
	})
	return &demoRepo{folder, repo}, err
}

func (r *demoRepo) commit(file, content, message string) error {
	if err := os.WriteFile(filepath.Join(r.folder, file), []byte(content), 0o644); err != nil {
		return err
	}
	tree, err := r.repo.Worktree()
	if err != nil {
		return err
	}
	if _, err := tree.Add(file); err != nil {
		return err
	}
	_, err = tree.Commit(message, &git.CommitOptions{
		Author: &object.Signature{Name: "Demo", Email: "demo@example.org", When: time.Now()},
	})
	return err
}
