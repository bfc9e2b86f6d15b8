package idle

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func tellsCommandLines(*testing.T) bool { return true }

func TestScanDeepTies(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "client")
	data := filepath.Join(folder, "data.bin")
	program := filepath.Join(dir, "elsewhere", "interpreter")
	copySelf(t, program)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, []byte("data"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cmd  *exec.Cmd
		dir  string
		env  string
		want Why
	}{
		{name: "working folder", cmd: exec.Command(program), dir: folder, want: WorkingFolder},
		{name: "open file", cmd: exec.Command(program), dir: dir, env: helper + "_OPEN=" + data, want: Open},
		{name: "relative argument", cmd: exec.Command(program, "client/data.bin"), dir: dir, want: CommandLine},
		{name: "nothing", cmd: exec.Command(program, "client.txt"), dir: dir},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.cmd.Dir = test.dir
			stop := start(t, test.cmd, test.env)
			defer stop()
			got, err := ScanDeep(t.Context(), Query{Folders: []string{folder}})
			if err != nil || got.Incomplete {
				t.Fatalf("%+v, %v", got, err)
			}
			if test.want == "" {
				if !got.Idle() {
					t.Errorf("busy %+v, want idle", got.Busy)
				}
				return
			}
			if len(got.Busy) != 1 || got.Busy[0].Why != test.want || got.Busy[0].PID != test.cmd.Process.Pid {
				t.Errorf("busy %+v, want process %d by %s", got.Busy, test.cmd.Process.Pid, test.want)
			}
		})
	}
}

// This process maps the file and is looked at directly, because a scan passes its own process over.
func TestMapped(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a library.so")
	if err := os.WriteFile(path, make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := newSystem().(*proc)
	if used, err := s.mapped(t.Context(), os.Getpid(), newPlaces([]string{dir})); used || err != nil {
		t.Fatalf("mapped %v, %v before it is", used, err)
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if used, err := s.mapped(t.Context(), os.Getpid(), newPlaces([]string{dir})); !used || err != nil {
		t.Errorf("mapped %v, %v; want it, though the file has lost its name", used, err)
	}
	s.buffer = s.buffer[:700] // lines are cut at any place
	if used, err := s.mapped(t.Context(), os.Getpid(), newPlaces([]string{dir})); !used || err != nil {
		t.Errorf("mapped %v, %v with a small buffer", used, err)
	}
}

func TestScanFollowsALinkedFolder(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "client-5.8", "viewer")
	copySelf(t, program)
	link := filepath.Join(dir, "client")
	if err := os.Symlink("client-5.8", link); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(filepath.Join(link, "viewer")))
	got, err := Scan(t.Context(), Query{Folders: []string{link}})
	if err != nil || len(got.Busy) != 1 || got.Busy[0].Image != program {
		t.Errorf("%+v, %v; want %s", got, err, program)
	}
}

func TestScanOfADeletedProgram(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "client")
	program := filepath.Join(folder, "viewer")
	copySelf(t, program)
	start(t, exec.Command(program))
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	got, err := Scan(t.Context(), Query{Folders: []string{folder}})
	if err != nil || len(got.Busy) != 1 || got.Busy[0].Image != program {
		t.Errorf("%+v, %v; want %s", got, err, program)
	}
}

// A made-up /proc shows what this machine does not have.
func TestListOfAMadeUpProc(t *testing.T) {
	root := t.TempDir()
	tail := " 0 0 0 0 0 0 0 0 20 0 " // fields 10 to 19
	files := map[string]string{
		"1/stat":    "1 (init) S 0 1 1 0 -1 4194560" + tail + "1 0 5 0\n",
		"2/stat":    "2 (kthreadd) S 0 0 0 0 -1 2129984" + tail + "1 0 5 0\n",
		"30/stat":   "30 (odd) name (x) S 1 1 1 0 -1 4194560" + tail + "1 0 5 0\n",
		"31/stat":   "31 (dead) Z 1 1 1 0 -1 4194560" + tail + "1 0 5 0\n",
		"32/stat":   "32 (leaderless) Z 1 1 1 0 -1 4194560" + tail + "3 0 5 0\n",
		"33/status": "it ended between list and look",
		"meminfo":   "",
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &proc{root: root, buffer: make([]byte, 4096)}
	got, err := s.list(nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[int]string{}
	for _, p := range got {
		names[p.pid] = p.name
	}
	if len(got) != 3 || names[1] != "init" || names[30] != "odd) name (x" || names[32] != "leaderless" {
		t.Errorf("listed %v", names)
	}
	if _, err := s.image(32); err != errDenied {
		t.Errorf("image of a process whose leader has ended: %v, want denied", err)
	}
	if _, err := s.image(33); err != errGone {
		t.Errorf("image of an ended process: %v, want gone", err)
	}
	if err := os.RemoveAll(filepath.Join(root, "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.list(nil); err == nil {
		t.Error("a /proc without process 1 counts as complete")
	}
}

func TestRefusalsThatRootMeets(t *testing.T) {
	root := t.TempDir()
	s := &proc{root: root, buffer: make([]byte, 4096)}
	for pid, uid := range map[string]string{"5": "0", "6": "1000"} {
		if err := os.Mkdir(filepath.Join(root, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		text := "Name:\tx\nUid:\t" + uid + "\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
		if err := os.WriteFile(filepath.Join(root, pid, "status"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.weigh(5, errDenied); err != errDenied {
		t.Errorf("a process of root: %v, want it passed over", err)
	}
	if err := s.weigh(6, errDenied); (err == errDenied) != (os.Geteuid() != 0) {
		t.Errorf("a process of a user: %v", err)
	}
	if err := s.weigh(7, errDenied); os.Geteuid() == 0 && err != errGone {
		t.Errorf("a process that ended: %v, want gone", err)
	}
}
