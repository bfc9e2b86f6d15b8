package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/agent/install"
	"lull/internal/release"
	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
)

// What the test program does instead of testing, as its first argument.
const (
	runArgument   = "run-client"   // say so, and run until standard input ends
	exitArgument  = "exit-with"    // the number that follows
	touchArgument = "touch-and-be" // create the file that follows and print the version after it
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else every child takes a second to end
	args := append(os.Args, "", "", "")
	switch args[1] {
	case GateArgument:
		_, _ = io.Copy(io.Discard, os.Stdin)
	case runArgument:
		fmt.Println("runs")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case exitArgument:
		if args[2] != "0" {
			os.Exit(1)
		}
	case touchArgument:
		if err := os.WriteFile(args[2], nil, 0o600); err != nil {
			os.Exit(1)
		}
		fmt.Println(args[3])
	default:
		os.Exit(m.Run())
	}
}

// files is the content of a tree by path with slashes.
type files map[string]string

// world is a computer with one client, a store of releases, and an authority.
type world struct {
	t         testing.TB
	root      string // of everything
	dir       string // the installation
	store     *release.Store
	authority *fake
	config    Config
}

// system is how manifests name this system, and program what a program is called on it.
const system = runtime.GOOS

func program(name string) string {
	if system == "windows" {
		return name + ".exe"
	}
	return name
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, root: root, dir: filepath.Join(root, "opt", "viewer")}
	if w.store, err = release.Open(w.path("releases")); err != nil {
		t.Fatal(err)
	}
	w.authority = &fake{store: w.store, changed: make(chan struct{})}
	w.config = Config{
		Source: "dir:" + w.path("manifests"), Releases: w.path("releases"), Data: w.path("data"),
		Roots: []string{w.path("opt")}, Host: "PC-1",
	}
	w.mkdir("opt")
	w.mkdir("manifests")
	w.want(`version: "5.8.1"`)
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.root, filepath.FromSlash(name)) }

func (w *world) mkdir(name string) {
	w.t.Helper()
	if err := os.MkdirAll(w.path(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// clientSpec is how the client is described where a test does not care.
const clientSpec = `version: {file: VERSION}
      name: {ini: cfg.ini, key: WsName}
      keep: [cfg.ini, 'Logs/**']`

// want makes a policy of everybody what the manifests say, with the usual client.
func (w *world) want(policy string) { w.t.Helper(); w.manifests(clientSpec, policy) }

func (w *world) manifests(platform, policy string) {
	w.t.Helper()
	w.authority.set(parse(w.t, w.text(platform, policy)))
}

func (w *world) text(platform, policy string) string {
	return fmt.Sprintf(`apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  accepts: ">=5.0.0"
  compatibility: unchecked
  platforms:
    %s:
      install: ['%s']
      %s
---
apiVersion: lull/v1
kind: Group
metadata: {name: all}
spec:
  client: viewer
  members: {all: true}
  %s
`, system, w.dir, platform, policy)
}

func parse(t testing.TB, text string) *schema.Set {
	t.Helper()
	set, errs := schema.NewSet([]*schema.File{schema.ParseFile("test.yaml", []byte(text))})
	if len(errs) > 0 {
		t.Fatalf("manifests: %v\n%s", errs, text)
	}
	return set
}

// content is a small client of a version.
func content(version string) files {
	return files{"VERSION": version, "bin/app.dat": "program " + version, "bin/same.dat": "in every version"}
}

// release adds a release to the store.
func (w *world) release(version string, content files) {
	w.t.Helper()
	folder := w.t.TempDir()
	put(w.t, folder, content)
	d := release.Description{
		Client: "viewer", Version: schema.MustVersion(version), System: system,
		Platform: *w.authority.manifests().Clients["viewer"].Spec.Platforms.On(system),
	}
	if _, err := w.store.Add(context.Background(), folder, d); err != nil {
		w.t.Fatal(err)
	}
	w.authority.bump()
}

// installed puts a client and a user's data where it is installed.
func (w *world) installed(content files) {
	w.t.Helper()
	put(w.t, w.dir, content)
	put(w.t, w.dir, userData)
}

var userData = files{"cfg.ini": "[client]\nWsName=CARD ECG 01\n", "Logs/a.log": "one line"}

// standard is the world in which 5.8.1 is installed and 5.8.2 is there.
func standard(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.release("5.8.1", content("5.8.1"))
	w.release("5.8.2", content("5.8.2"))
	w.installed(content("5.8.1"))
	return w
}

func put(t testing.TB, root string, content files) {
	t.Helper()
	for name, data := range content {
		path := filepath.Join(root, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(data), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func read(t testing.TB, root string) files {
	t.Helper()
	found := files{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// whole fails unless the installation is exactly a release with the user's data.
func (w *world) whole(content files) {
	w.t.Helper()
	want := maps.Clone(content)
	maps.Copy(want, userData)
	if diff := cmp.Diff(want, read(w.t, w.dir)); diff != "" {
		w.t.Errorf("the installation is not whole (-want +got):\n%s", diff)
	}
}

// agent opens the computer's agent, with the fake authority and a gate that counts as proved: the gate's own test has a
// test of its own.
func (w *world) agent() *Agent {
	w.t.Helper()
	a := w.open()
	w.t.Cleanup(func() { a.Close() })
	return a
}

func (w *world) open() *Agent {
	w.t.Helper()
	a, err := New(w.config, slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		w.t.Fatal(err)
	}
	a.authority, a.direct = w.authority, nil
	a.gates[w.dir] = true
	return a
}

// once makes a round with a fresh agent and returns the client's status.
func (w *world) once() wire.Status {
	w.t.Helper()
	a := w.open()
	defer a.Close()
	return settled(w.t, a)
}

func settled(t testing.TB, a *Agent) wire.Status {
	t.Helper()
	for try := 0; ; try++ {
		statuses, err := a.Once(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(statuses) != 1 {
			t.Fatalf("%d statuses, want one: %+v", len(statuses), statuses)
		}
		if !incomplete(statuses[0].Reason) || try == maxScans {
			return statuses[0]
		}
		time.Sleep(scanPause)
	}
}

// A program that another test starts in the middle of a scan may not be readable yet, above all under Wine. The agent
// takes that for busy and looks again later, and so do the tests.
const (
	maxScans  = 20
	scanPause = 50 * time.Millisecond
)

func incomplete(r reconciler.Reason) bool { return r.Code == reconciler.ScanIncomplete }

// patiently repeats a step that a scan ended which could not see everything.
func patiently(ctx context.Context, do func(context.Context) error) error {
	for try := 0; ; try++ {
		err := do(ctx)
		var o *outcome
		if !errors.As(err, &o) || !incomplete(o.reason) || try == maxScans {
			return err
		}
		time.Sleep(scanPause)
	}
}

// until takes the steps of a pass up to one, which it leaves out, as if the agent were killed there.
func until(t *testing.T, a *Agent, last string) *pass {
	t.Helper()
	orders := a.memory.orders()
	if len(orders.Clients) != 1 {
		t.Fatalf("orders for %d clients, want one", len(orders.Clients))
	}
	p := a.newPass(orders.Clients[0], orders)
	for _, step := range p.steps() {
		if step.name == last {
			return p
		}
		if err := patiently(t.Context(), step.do); err != nil {
			t.Fatalf("step %s: %v", step.name, err)
		}
	}
	t.Fatalf("there is no step %s", last)
	return nil
}

// ordered makes an agent know its orders without changing anything, as its first check-ins do.
func ordered(t *testing.T, w *world) *Agent {
	t.Helper()
	a := w.agent()
	a.config.Mode = ModeReport
	settled(t, a)
	a.config.Mode = ModeApply
	return a
}

// start runs the client's program until the returned function is called.
func start(t *testing.T, path string) (stop func()) {
	t.Helper()
	cmd := exec.Command(path, runArgument)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the client said %q: %v", line, err)
	}
	stop = sync.OnceFunc(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client ended badly: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// fake is an authority in memory, which answers as a server does.
type fake struct {
	store *release.Store

	mu       sync.Mutex
	now      *schema.Set
	revision int
	actions  []wire.Action
	privacy  wire.Privacy
	away     error         // instead of an answer
	changed  chan struct{} // closed by the next change
	calls    []wire.Checkin
	ended    int // held check-ins that their agent ended
}

func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	f.revision++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) set(s *schema.Set)     { f.change(func() { f.now = s }) }
func (f *fake) bump()                 { f.change(func() {}) }
func (f *fake) ask(a ...wire.Action)  { f.change(func() { f.actions = a }) }
func (f *fake) unreachable(err error) { f.change(func() { f.away = err }) }

func (f *fake) manifests() *schema.Set {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) asked() []wire.Checkin {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fake) Checkin(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.actions = slices.DeleteFunc(slices.Clone(f.actions), func(a wire.Action) bool { return slices.Contains(c.Done, a.ID) })
	f.mu.Unlock()
	timer := time.NewTimer(time.Duration(c.Wait) * time.Second)
	defer timer.Stop()
	for {
		reply, changed, err := f.answer(c)
		if err != nil || reply.Digest != c.Have {
			return reply, err == nil, err
		}
		select {
		case <-changed:
		case <-timer.C:
			return wire.Reply{}, false, nil
		case <-ctx.Done():
			f.mu.Lock()
			defer f.mu.Unlock()
			f.ended++
			return wire.Reply{}, false, ctx.Err()
		}
	}
}

func (f *fake) answer(c wire.Checkin) (wire.Reply, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return wire.Reply{}, nil, f.away
	}
	refs, err := f.store.List()
	if err != nil {
		return wire.Reply{}, nil, err
	}
	reply := wire.NewRevision(fmt.Sprint("revision ", f.revision), f.now, refs).Answer(c)
	reply.Actions, reply.Privacy = f.actions, f.privacy
	reply.Seal()
	return reply, f.changed, nil
}

var errAway = errors.New("nobody is there")

// beside lists what lies beside the installation.
func (w *world) beside() string {
	var names []string
	entries, err := os.ReadDir(install.Beside(w.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}
