package install

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/schema"
)

// What the test binary, as a client, does by its first argument.
const (
	waitArgument  = "wait"  // run until the standard input ends
	startArgument = "start" // for each line of the standard input start that program and say whether it could be
	exitArgument  = "exit"  // exit with the second argument as the code
	sleepArgument = "sleep" // run for a minute
)

func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case waitArgument:
		io.Copy(io.Discard, os.Stdin)
	case startArgument:
		startLines()
	case exitArgument:
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case sleepArgument:
		time.Sleep(time.Minute)
	default:
		os.Exit(m.Run())
	}
}

func startLines() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		cmd := exec.Command(lines.Text(), waitArgument)
		err := cmd.Start()
		if err == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		fmt.Println(err == nil)
	}
}

// ownProgram is the content of the test binary.
func ownProgram(t *testing.T) string {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files is the content of a tree by path.
type files map[string]string

// world is a folder with one installation in it and everything that an update needs.
type world struct {
	t                *testing.T
	parent, dir      string
	old, fresh       files
	baseline, target *release.Index
	store            files // what can be fetched, by hash
	fetched          []string
	unreachable      string // a file that cannot be fetched
	keep             []string
	userData         files
	outside          files
	busy             error // what the scanner says
	bad              bool  // the new version does not read back once it is installed
	onScan           func()
}

func newWorld(t *testing.T) *world { return newWorldIn(t, t.TempDir()) }

// newQuickWorld lies in memory where the system offers that: a sweep needs thousands of worlds and no disk.
func newQuickWorld(t *testing.T) *world {
	if runtime.GOOS != "linux" {
		return newWorld(t)
	}
	parent, err := os.MkdirTemp("/dev/shm", "lull-test-")
	if err != nil {
		return newWorld(t)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	return newWorldIn(t, parent)
}

func newWorldIn(t *testing.T, parent string) *world {
	w := &world{t: t, parent: parent, keep: []string{"cfg.ini", "Logs/**"}, store: files{}}
	w.dir = filepath.Join(w.parent, "client")
	w.old = files{
		"VERSION": "5.8.1", "bin/app.exe": "MZ app, old", "bin/core.dll": "MZ core, in both",
		"data/gone.txt": "only in the old one", "data/text.txt": "old text", "cfg.ini": "as shipped, old",
	}
	w.fresh = files{
		"VERSION": "5.8.2", "bin/app.exe": "MZ app, new", "bin/core.dll": "MZ core, in both", "bin/tool.exe": "MZ new tool",
		"data/text.txt": "new text", "deep/er/still/new.txt": "new file", "cfg.ini": "as shipped, new", "copy.txt": "new text",
	}
	w.baseline, w.target = w.index("5.8.1", w.old), w.index("5.8.2", w.fresh)
	w.userData = files{"cfg.ini": "WsName=CARD", "Logs/today.log": "a line", "Logs/old/1.log": "old lines"}
	w.outside = files{"other/file.txt": "not ours", "beside.txt": "not ours either"}
	w.put(w.dir, w.old)
	w.put(w.dir, w.userData)
	w.put(w.parent, w.outside)
	return w
}

func (w *world) index(version string, content files) *release.Index {
	index := &release.Index{Client: "c", Version: schema.MustVersion(version), System: "linux", Method: schema.MethodTree,
		Read: schema.VersionSource{File: "VERSION"}}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		sum := sha256.Sum256([]byte(content[name]))
		f := release.File{Path: name, Size: int64(len(content[name])), SHA256: hex.EncodeToString(sum[:]), Executable: strings.HasSuffix(name, ".exe")}
		w.store[f.SHA256] = content[name]
		index.Files = append(index.Files, f)
	}
	return index
}

func (w *world) put(root string, content files) {
	w.t.Helper()
	for name, data := range content {
		p := place{root, name}.String()
		mode := fs.FileMode(0o640)
		if strings.HasSuffix(name, ".exe") {
			mode = 0o750
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(data), mode)); err != nil {
			w.t.Fatal(err)
		}
		past := time.Now().Add(-time.Hour)
		os.Chtimes(p, past, past)
	}
}

func (w *world) read(root string) files {
	w.t.Helper()
	entries, err := walk(root)
	if errors.Is(err, fs.ErrNotExist) {
		return files{}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	content := files{}
	for _, e := range entries {
		if e.info.IsDir() {
			continue
		}
		data, err := os.ReadFile(place{root, e.path}.String())
		if err != nil {
			w.t.Fatal(err)
		}
		content[e.path] = string(data)
	}
	return content
}

// Fetch is the world's release store.
func (w *world) Fetch(_ context.Context, f release.File, dst string) error {
	if f.Path == w.unreachable {
		return errUnreachable
	}
	w.fetched = append(w.fetched, f.Path)
	return os.WriteFile(dst, []byte(w.store[f.SHA256]), 0o600)
}

func (w *world) options() Options {
	return Options{
		Scan: func(context.Context, []string) error {
			if w.onScan != nil {
				w.onScan()
			}
			return w.busy
		},
		ReadVersion: func(root string, source schema.VersionSource) (schema.Version, error) {
			if w.bad && root == w.dir {
				return schema.Version{}, errors.New("the new one does not start")
			}
			data, err := os.ReadFile(filepath.Join(root, source.File))
			if err != nil {
				return schema.Version{}, err
			}
			return schema.ParseVersion(string(data))
		},
	}
}

func (w *world) open(faulty func(fsys) fsys) *Installation {
	w.t.Helper()
	i, err := Open(w.dir, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	if faulty != nil {
		i.fs = faulty(i.fs)
	}
	return i
}

func (w *world) update() Update {
	return Update{Baseline: w.baseline, Target: w.target, Keep: w.keep}
}

// pass does what an agent does, once. It returns errBad where the release must be noted as bad.
func (w *world) pass(i *Installation) error {
	ctx := context.Background()
	o, err := i.Recover(ctx)
	if err != nil {
		return err
	}
	if o.Todo == TodoDiscard {
		return errors.Join(errBad, i.Discard(ctx))
	}
	if o.Todo == TodoNothing && w.installed(w.target) {
		return nil
	}
	if o.Todo == TodoNothing {
		if err := i.Stage(ctx, w.update(), w, nil); err != nil {
			return err
		}
	}
	if o.Todo != TodoCheck {
		if err := i.Swap(ctx); err != nil {
			return err
		}
	}
	if _, err := i.Check(ctx); err != nil {
		var failed *CheckFailedError
		if errors.As(err, &failed) {
			return errors.Join(errBad, i.Discard(ctx))
		}
		return err
	}
	_, err = i.Commit(ctx)
	return err
}

var errUnreachable = errors.New("no way to the store")

var errBad = errors.New("the release is bad here")

// installed reports whether the installed tree, user data apart, is the index's, name by name and byte by byte.
func (w *world) installed(index *release.Index) bool { return w.difference(index) == "" }

func (w *world) difference(index *release.Index) string {
	k, err := newKeep(w.keep)
	if err != nil {
		w.t.Fatal(err)
	}
	got, want := w.read(w.dir), files{}
	maps.DeleteFunc(got, func(name, _ string) bool { return k.has(name) })
	for _, f := range index.Files {
		if !k.has(f.Path) {
			want[f.Path] = w.store[f.SHA256]
		}
	}
	return cmp.Diff(want, got)
}

// invariant holds I1, I2, I5 and I6 of the design after a recovery; I3 and I4 are what the callers look at.
func (w *world) invariant(when string) {
	w.t.Helper()
	old, fresh := w.difference(w.baseline), w.difference(w.target)
	if old != "" && fresh != "" {
		w.t.Fatalf("%s: I1: neither the old nor the new tree is installed:\n%s\n%s", when, old, fresh)
	}
	got := w.read(w.dir)
	for name, want := range w.userData {
		if got[name] != want {
			w.t.Fatalf("%s: I2: %s is %q, want %q", when, name, got[name], want)
		}
	}
	outside := w.read(w.parent)
	maps.DeleteFunc(outside, func(name, _ string) bool {
		return strings.HasPrefix(name, "client/") || strings.HasPrefix(name, ".lull-client/")
	})
	if d := cmp.Diff(w.outside, outside); d != "" {
		w.t.Fatalf("%s: I5: something outside changed:\n%s", when, d)
	}
	entries, err := os.ReadDir(w.parent)
	if err != nil || len(entries) > 4 {
		w.t.Fatalf("%s: I6: %d entries in the parent folder, %v", when, len(entries), err)
	}
}

// finished is I3 and the rest of I6: the goal is reached and nothing but user data lies beside it.
func (w *world) finished(when string) {
	w.t.Helper()
	w.invariant(when)
	if d := w.difference(w.target); d != "" {
		w.t.Fatalf("%s: I3: the goal was not reached:\n%s", when, d)
	}
	w.tidy(when)
}

func (w *world) tidy(when string) {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.parent, ".lull-client"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != lockName && !strings.HasPrefix(e.Name(), keptPrefix) {
			w.t.Fatalf("%s: I6: %s was left", when, e.Name())
		}
	}
}
