package idle

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// helper makes the test program a client that says it is there and runs until its standard input closes.
const helper = "LULL_IDLE_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helper) != "" {
		if file := os.Getenv(helper + "_OPEN"); file != "" {
			f, err := os.Open(file)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			defer f.Close()
		}
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin) // its end is the signal to end
		return
	}
	os.Exit(m.Run())
}

// copySelf copies the test program to path.
func copySelf(t testing.TB, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// start runs a command as a client until the returned function, or the end of the test, ends it.
func start(t testing.TB, cmd *exec.Cmd, env ...string) (stop func()) {
	t.Helper()
	cmd.Env = append(append(os.Environ(), helper+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			in.Close()
			cmd.Wait() // a copy that is told to end early fails in its own way
		}
	}
	t.Cleanup(stop)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the copy did not start: %q, %v", line, err)
	}
	return stop
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

func TestScanOfRealProcesses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "Client Ü")
	program := filepath.Join(folder, "bin", exe("viewer"))
	copySelf(t, program)
	scanner, query := New(), Query{Folders: []string{folder}}
	scan := func() Result {
		t.Helper()
		got, err := scanner.Scan(t.Context(), query)
		if err != nil || got.Incomplete {
			t.Fatalf("scan: %+v, %v", got, err)
		}
		return got
	}
	if got := scan(); !got.Idle() {
		t.Fatalf("busy before the start: %+v", got.Busy)
	}

	before := time.Now()
	cmd := exec.Command(program)
	stop := start(t, cmd)
	got := scan()
	if len(got.Busy) != 1 || got.Busy[0].PID != cmd.Process.Pid || got.Busy[0].Why != Image {
		t.Fatalf("busy %+v, want the image of process %d", got.Busy, cmd.Process.Pid)
	}
	if since := got.Busy[0].Since; since.Before(before.Add(-3*time.Second)) || since.After(time.Now().Add(3*time.Second)) {
		t.Errorf("since %v, want about %v", since, before)
	}

	query.Ignore = []int{cmd.Process.Pid}
	if got := scan(); !got.Idle() {
		t.Errorf("busy although ignored: %+v", got.Busy)
	}
	query = Query{Names: []string{"VIEW?R*"}}
	if got := scan(); len(got.Busy) != 1 || got.Busy[0].Why != Name {
		t.Errorf("busy %+v, want it by name", got.Busy)
	}
	query = Query{Folders: []string{folder}}
	stop()
	if got := scan(); !got.Idle() {
		t.Errorf("busy after the end: %+v", got.Busy)
	}
}

// The tree is moved while its program runs, as a swap moves it.
func TestScanOfARenamedFolder(t *testing.T) {
	dir := t.TempDir()
	folder, old := filepath.Join(dir, "client"), filepath.Join(dir, "old")
	copySelf(t, filepath.Join(folder, exe("viewer")))
	cmd := exec.Command(filepath.Join(folder, exe("viewer")))
	cmd.Dir = dir // the working folder of a process keeps Windows from renaming it
	start(t, cmd)
	if err := os.Rename(folder, old); err != nil {
		t.Fatal(err)
	}
	got, err := Scan(t.Context(), Query{Folders: []string{folder, old}})
	if err != nil || len(got.Busy) != 1 || got.Busy[0].Why != Image {
		t.Errorf("%+v, %v; want one process by image", got, err)
	}
}

func TestScanDeepOfAnArgument(t *testing.T) {
	if !tellsCommandLines(t) {
		t.Skip("this Windows does not tell command lines (Wine before 9)")
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, "client")
	program := filepath.Join(dir, "elsewhere", exe("interpreter"))
	copySelf(t, program)
	start(t, exec.Command(program, "--script="+filepath.Join(folder, "main.txt")))
	got, err := ScanDeep(t.Context(), Query{Folders: []string{folder}})
	if err != nil || len(got.Busy) != 1 || got.Busy[0].Why != CommandLine {
		t.Errorf("%+v, %v; want one process by command line", got, err)
	}
	if got, err := Scan(t.Context(), Query{Folders: []string{folder}}); err != nil || !got.Idle() {
		t.Errorf("%+v, %v; want the cheap scan to pass it over", got, err)
	}
}

func TestScanDeepOfAnIdleFolder(t *testing.T) {
	folder, _ := installation(t)
	got, err := ScanDeep(t.Context(), Query{Folders: []string{folder}})
	if err != nil || !got.Idle() {
		t.Errorf("%+v, %v; want idle", got, err)
	}
}

// BenchmarkScan is the look of every pass: at one scan in 5 s, 10 ms are 0.2 % of a core.
func BenchmarkScan(b *testing.B) { benchmark(b, (*Scanner).Scan) }

// BenchmarkScanDeep is the look under the gate.
func BenchmarkScanDeep(b *testing.B) { benchmark(b, (*Scanner).ScanDeep) }

func benchmark(b *testing.B, scan func(*Scanner, context.Context, Query) (Result, error)) {
	const processes = 200
	dir := b.TempDir()
	program := filepath.Join(dir, "elsewhere", exe("other"))
	copySelf(b, program)
	scanner, query := New(), Query{Folders: []string{filepath.Join(dir, "client")}, Names: []string{"custo*.exe"}}
	listed, err := scanner.system.list(nil)
	if err != nil {
		b.Fatal(err)
	}
	for range processes - len(listed) {
		start(b, exec.Command(program))
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := scan(scanner, b.Context(), query); err != nil || !got.Idle() {
			b.Fatalf("%+v, %v", got, err)
		}
	}
}
