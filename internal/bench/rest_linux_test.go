package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/reconciler"
)

// restTime is how long the agents are watched: two passes at the usual interval of a minute, however its jitter falls,
// and two or three check-ins, which are held for 50 s.
const restTime = 2*time.Minute + 15*time.Second

// What else is on the workstation and in the manifests.
const (
	otherProcesses = 200  // together with those that run anyway
	workstations   = 1000 // each with a file of its own
	clientFiles    = 300
)

// BenchmarkRest watches three agents with their usual interval of a minute at the same time: one of a server and one of
// a git repo without a server, which have nothing to do, and one that has staged a release and waits for its client to
// end, for which it looks every five seconds. It tells the share of one processor that each of them takes, in percent,
// and its memory in megabytes at the end.
func BenchmarkRest(b *testing.B) {
	program := built(b, "lull-agent")
	w := newWorld(b)
	for range otherProcesses - programsRunning(b) {
		start(b, nil, "sleep", "600")
	}
	enrol := "enrol: " + w.server.enrolment(b).String()
	resting := []struct {
		name  string
		phase reconciler.Phase
		pid   int
	}{
		{"server", reconciler.UpToDate, w.agent(b, program, "server", enrol)},
		{"git", reconciler.UpToDate, w.agent(b, program, "git", "source: "+w.git+"\nreleases: "+w.releases)},
		{"waiting", reconciler.WaitingForIdle, w.agent(b, program, "waiting", enrol)},
	}
	for _, a := range resting {
		await(b, fmt.Sprintf("agent %s: %s", a.name, a.phase), func() bool { return w.phase(program, a.name) == a.phase })
	}
	time.Sleep(5 * time.Second) // what a start leaves to be done is done

	for b.Loop() {
		began, before := time.Now(), make([]time.Duration, len(resting))
		for i, a := range resting {
			before[i] = cpuTime(b, a.pid)
		}
		time.Sleep(restTime)
		for i, a := range resting {
			used := cpuTime(b, a.pid) - before[i]
			memory, peak := resident(b, a.pid)
			b.ReportMetric(100*used.Seconds()/time.Since(began).Seconds(), a.name+"-core-%")
			b.ReportMetric(memory, a.name+"-MB")
			b.Logf("%s: %s of processor time in %s; %.1f MB, at most %.1f MB", a.name, used, restTime, memory, peak)
			if phase := w.phase(program, a.name); phase != a.phase {
				b.Fatalf("agent %s: its phase became %s", a.name, phase)
			}
		}
	}
	b.Logf("at the end %d processes ran", programsRunning(b))
	b.ReportMetric(0, "ns/op") // the length of the watch says nothing
}

// programsRunning counts the processes of the computer without the kernel's own.
func programsRunning(b *testing.B) (n int) {
	b.Helper()
	images, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		b.Fatal(err)
	}
	for _, image := range images {
		if _, err := os.Readlink(image); err == nil {
			n++
		}
	}
	return n
}

// world is what the agents have around them: manifests in a git repo, a server, releases and installations.
type world struct {
	dir      string
	server   *server
	git      string // the manifests behind HTTP
	releases string // a folder of releases
}

func newWorld(b *testing.B) *world {
	b.Helper()
	w := &world{dir: b.TempDir()}
	w.releases = filepath.Join(w.dir, "releases")
	w.writeManifests(b)
	w.server = startServer(b, "", "https", filepath.Join(w.dir, "fleet"))
	for _, version := range []string{"5.8.1", "5.8.2"} {
		folder := filepath.Join(w.dir, version)
		w.writeClient(b, folder, version)
		add := []string{"release", "add", folder, "--client", "viewer", "--version", version, "--platform", "linux"}
		run(b, w.server.env, w.server.lull, add...)
		run(b, nil, w.server.lull, append(add, "--into", w.releases, "--manifests", filepath.Join(w.dir, "fleet"))...)
	}
	return w
}

const restClient = `apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  compatibility: unchecked
  platforms:
    linux:
      install: ['%LULL_DISK%/viewer']
      version: {file: VERSION}
      start: [viewer]
---
apiVersion: lull/v1
kind: Group
metadata: {name: all}
spec: {client: viewer, members: {all: true}, version: "5.8.1"}
---
apiVersion: lull/v1
kind: Workstation
metadata: {name: waiting}
spec: {client: viewer, version: "5.8.2"}
`

// writeManifests makes a git repo of manifests and serves it as a git server would.
func (w *world) writeManifests(b *testing.B) {
	b.Helper()
	fleet := filepath.Join(w.dir, "fleet")
	write(b, filepath.Join(fleet, "fleet.yaml"), restClient)
	for i := range workstations {
		write(b, filepath.Join(fleet, "workstations", fmt.Sprintf("ws-%04d.yaml", i)), fmt.Sprintf(
			"apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: ws-%04d}\nspec: {client: viewer, labels: {ward: ward-%02d}, version: \"5.8.1\"}\n", i, i%100))
	}
	identity := []string{"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org"}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "a fleet"}} {
		run(b, identity, "git", append([]string{"-C", fleet}, args...)...)
	}
	backend := filepath.Join(run(b, nil, "git", "--exec-path"), "git-http-backend")
	web := httptest.NewServer(&cgi.Handler{Path: backend, Stderr: io.Discard, Env: []string{
		"GIT_PROJECT_ROOT=" + w.dir, "GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}})
	b.Cleanup(func() {
		web.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	w.git = "git+" + web.URL + "/fleet/.git"
}

// writeClient writes one version of a client, whose program is the demo's.
func (w *world) writeClient(b *testing.B, folder, version string) {
	b.Helper()
	program, err := os.ReadFile(built(b, "lull-demo-client"))
	if err != nil {
		b.Fatal(err)
	}
	write(b, filepath.Join(folder, "viewer"), string(program))
	if err := os.Chmod(filepath.Join(folder, "viewer"), 0o755); err != nil {
		b.Fatal(err)
	}
	write(b, filepath.Join(folder, "VERSION"), version)
	for i := range clientFiles {
		write(b, filepath.Join(folder, fmt.Sprintf("lib/part-%03d.dat", i)), strings.Repeat(fmt.Sprintln(i, version), 1000))
	}
}

// agent installs 5.8.1 on a disk of its own, starts it if the agent shall wait for its end, and runs the agent.
func (w *world) agent(b *testing.B, program, name, source string) (pid int) {
	b.Helper()
	disk := filepath.Join(w.dir, "disk-"+name)
	w.writeClient(b, filepath.Join(disk, "viewer"), "5.8.1")
	if name == "waiting" {
		hold := filepath.Join(w.dir, "hold")
		write(b, hold, "")
		start(b, nil, filepath.Join(disk, "viewer", "viewer"), "-hold", hold)
	}
	write(b, w.config(name), fmt.Sprintf("%s\nhost: %s\ndata: %s\nroots: [%s]\n", source, name, filepath.Join(w.dir, "agent-"+name), disk))
	return start(b, []string{"LULL_DISK=" + disk}, program, "run", "--config", w.config(name))
}

func (w *world) config(name string) string { return filepath.Join(w.dir, name+".yaml") }

// phase is what an agent says of its client; "" while it says nothing.
func (w *world) phase(program, name string) reconciler.Phase {
	out, err := exec.Command(program, "status", "--config", w.config(name), "-o", "json").Output()
	var report struct {
		Clients []wire.Status `json:"clients"`
	}
	if err != nil || json.Unmarshal(out, &report) != nil || len(report.Clients) != 1 {
		return ""
	}
	return report.Clients[0].Phase
}
