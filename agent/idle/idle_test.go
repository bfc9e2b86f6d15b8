package idle

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is a computer whose processes a test makes up.
type fake struct {
	listed  []process
	listErr error
	images  map[int]string
	hidden  map[int]error // instead of an image
	ties    map[int]Why
	sealed  map[int]error // instead of ties
	started map[int]int64 // Unix seconds; 1 if missing
	lists   int
}

func (f *fake) list(into []process) ([]process, error) {
	f.lists++
	return append(into, f.listed...), f.listErr
}

func (f *fake) image(pid int) (string, error) { return f.images[pid], f.hidden[pid] }

func (f *fake) file(_ int, image string) (fs.FileInfo, error) { return os.Stat(image) }

func (f *fake) detail(pid int) (int, time.Time) {
	if at, ok := f.started[pid]; ok {
		return pid % 10, time.Unix(at, 0)
	}
	return pid % 10, time.Unix(1, 0)
}

func (f *fake) inside(_ context.Context, pid int, _ places) (Why, error) {
	return f.ties[pid], f.sealed[pid]
}

func scannerOf(f *fake) *Scanner {
	return &Scanner{system: f, now: time.Now, programs: map[string]programs{}}
}

// installation makes a folder with the program Exe/viewer.exe and something that is no program.
func installation(t *testing.T) (folder, program string) {
	t.Helper()
	folder = filepath.Join(resolve(t.TempDir()), "Client")
	program = filepath.Join(folder, "Exe", "viewer.exe")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{program: 0o755, filepath.Join(folder, "notes.txt"): 0o644} {
		if err := os.WriteFile(name, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	return folder, program
}

func TestScanJudges(t *testing.T) {
	folder, program := installation(t)
	elsewhere := filepath.Join(t.TempDir(), "viewer.exe")
	if err := os.WriteFile(elsewhere, []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(t.TempDir(), "viewer.exe")
	if err := os.Link(program, linked); err != nil {
		t.Fatal(err)
	}
	odd := errors.New("odd")
	tests := []struct {
		name       string
		process    process
		fake       fake
		patterns   []string
		deep       bool
		why        Why
		incomplete bool
		unreadable int
	}{
		{name: "image below the folder", fake: fake{images: map[int]string{7: program}}, why: Image},
		{name: "image removed since", fake: fake{images: map[int]string{7: filepath.Join(folder, "Exe", "gone.exe")}}, why: Image},
		{name: "folder of a longer name", fake: fake{images: map[int]string{7: folder + "-old" + string(filepath.Separator) + "viewer.exe"}}},
		{name: "same name elsewhere", fake: fake{images: map[int]string{7: elsewhere}}},
		{name: "same file under another path", fake: fake{images: map[int]string{7: linked}}, why: Image},
		{name: "pattern without case", fake: fake{images: map[int]string{7: filepath.Join(elsewhere, "Custo 1.EXE")}}, patterns: []string{"custo*.exe"}, why: Name},
		{name: "pattern on the listed name", process: process{name: "helper.sh"}, fake: fake{images: map[int]string{7: elsewhere}}, patterns: []string{"helper.??"}, why: Name},
		{name: "pattern with a bracket is literal", process: process{name: "a"}, fake: fake{images: map[int]string{7: elsewhere}}, patterns: []string{"[a]"}},
		{name: "hidden, named like a program", process: process{name: "VIEWER.EXE"}, fake: fake{hidden: map[int]error{7: errDenied}}, why: Unreadable},
		{name: "hidden, named by a pattern", process: process{name: "svc.exe"}, fake: fake{hidden: map[int]error{7: errDenied}}, patterns: []string{"svc*"}, why: Name},
		{name: "hidden, named like a text file", process: process{name: "notes.txt"}, fake: fake{hidden: map[int]error{7: errDenied}}, unreadable: 1},
		{name: "vanished, named like a program", process: process{name: "viewer.exe"}, fake: fake{hidden: map[int]error{7: errGone}}},
		{name: "image fails oddly", fake: fake{hidden: map[int]error{7: odd}}, incomplete: true},
		{name: "list breaks off", fake: fake{images: map[int]string{7: elsewhere}, listErr: odd}, incomplete: true},
		{name: "ties are not looked for", fake: fake{images: map[int]string{7: elsewhere}, ties: map[int]Why{7: Open}}},
		{name: "deep finds ties", deep: true, fake: fake{images: map[int]string{7: elsewhere}, ties: map[int]Why{7: Open}}, why: Open},
		{name: "deep, vanished meanwhile", deep: true, fake: fake{images: map[int]string{7: elsewhere}, sealed: map[int]error{7: errGone}}},
		{name: "deep, sealed", deep: true, fake: fake{images: map[int]string{7: elsewhere}, sealed: map[int]error{7: errDenied}}, unreadable: 1},
		{name: "deep, hidden image yet tied", deep: true, fake: fake{hidden: map[int]error{7: errDenied}, ties: map[int]Why{7: CommandLine}}, why: CommandLine},
		{name: "deep, fails oddly", deep: true, fake: fake{images: map[int]string{7: elsewhere}, sealed: map[int]error{7: odd}}, incomplete: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.process.pid = 7
			test.fake.listed = []process{test.process}
			got, err := scannerOf(&test.fake).scan(t.Context(), Query{Folders: []string{folder}, Names: test.patterns}, test.deep)
			if err != nil {
				t.Fatal(err)
			}
			want := Result{Incomplete: test.incomplete, Unreadable: test.unreadable}
			if test.why != "" {
				want.Busy = []Process{{PID: 7, Image: test.fake.images[7], Name: test.process.name, Session: 7, Since: time.Unix(1, 0), Why: test.why}}
			}
			if got.Incomplete != (got.Problem != "") {
				t.Errorf("incomplete %v with the problem %q", got.Incomplete, got.Problem)
			}
			got.Problem = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if wantIdle := test.why == "" && !test.incomplete; got.Idle() != wantIdle {
				t.Errorf("idle %v, want %v", got.Idle(), wantIdle)
			}
		})
	}
}

func TestScanFindsEverySessionInOrder(t *testing.T) {
	folder, program := installation(t)
	f := &fake{
		listed: []process{{pid: 33}, {pid: 21}, {pid: 12}},
		images: map[int]string{33: program, 21: program, 12: program},
	}
	got, err := scannerOf(f).Scan(t.Context(), Query{Folders: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	var sessions []int
	for _, p := range got.Busy {
		sessions = append(sessions, p.Session)
	}
	if diff := cmp.Diff([]int{2, 1, 3}, sessions); diff != "" {
		t.Errorf("sessions by PID (-want +got):\n%s", diff)
	}
}

func TestScanIgnoresDescendantsAndItself(t *testing.T) {
	folder, program := installation(t)
	self := os.Getpid()
	f := &fake{
		// 10 is ignored; 13 is a grandchild, listed before its parent. 14 is older than 10, so that its parent was another
		// process of that number. The child of this process counts.
		listed:  []process{{pid: self}, {pid: 13, parent: 12}, {pid: 12, parent: 10}, {pid: 10}, {pid: 14, parent: 10}, {pid: 15, parent: self}},
		started: map[int]int64{10: 100, 12: 100, 13: 101, 14: 99},
		images:  map[int]string{},
	}
	for _, p := range f.listed {
		f.images[p.pid] = program
	}
	got, err := scannerOf(f).Scan(t.Context(), Query{Folders: []string{folder}, Ignore: []int{10}})
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range got.Busy {
		pids = append(pids, p.PID)
	}
	if diff := cmp.Diff([]int{14, 15}, pids); diff != "" {
		t.Errorf("busy (-want +got):\n%s", diff)
	}
}

func TestScanRemembersProgramsForAMinute(t *testing.T) {
	folder, _ := installation(t)
	now := time.Unix(1000, 0)
	s := scannerOf(&fake{listed: []process{{pid: 7, name: "new.exe"}}, hidden: map[int]error{7: errDenied}})
	s.now = func() time.Time { return now }
	busy := func(scan func(context.Context, Query) (Result, error)) bool {
		got, err := scan(t.Context(), Query{Folders: []string{folder}})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Busy) > 0
	}
	if busy(s.Scan) {
		t.Fatal("busy before there is such a program")
	}
	if err := os.WriteFile(filepath.Join(folder, "new.exe"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if busy(s.Scan) {
		t.Error("the programs were listed again within a minute")
	}
	if !busy(s.ScanDeep) {
		t.Error("the deep scan believed an old list")
	}
	s.programs[folder] = programs{at: now}
	now = now.Add(programsAge + 1)
	if !busy(s.Scan) {
		t.Error("the list was still believed after a minute")
	}
}

func TestScanRefusesARelativeFolder(t *testing.T) {
	if _, err := Scan(t.Context(), Query{Folders: []string{"client"}}); err == nil {
		t.Error("a relative folder was accepted")
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &fake{listed: []process{{pid: 7}}}
	if _, err := scannerOf(f).Scan(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

func TestScanOfAFolderThatIsNotThere(t *testing.T) {
	got, err := scannerOf(&fake{}).Scan(t.Context(), Query{Folders: []string{filepath.Join(t.TempDir(), "none")}})
	if err != nil || !got.Idle() {
		t.Errorf("%+v, %v; want idle", got, err)
	}
}

func TestNamed(t *testing.T) {
	place := places{filepath.FromSlash("/opt/client")}
	tests := map[string]bool{
		"/opt/client":                   true,
		"--config=/opt/client/a.ini":    true,
		"/usr/lib:/opt/client:/opt/x":   true,
		`"/opt/client/run.sh" --fast`:   true,
		"/opt/client-old/run.sh":        false,
		"/opt/client2":                  false,
		"/opt/clien":                    false,
		"nothing of it":                 false,
		"":                              false,
		"/opt/client2 and /opt/client/": true,
	}
	for text, want := range tests {
		if got := place.named(filepath.FromSlash(text)); got != want {
			t.Errorf("%q names the folder: %v, want %v", text, got, want)
		}
	}
}

func TestProgramNamesAsLinuxCutsThem(t *testing.T) {
	p := programs{files: map[string][]fs.FileInfo{"a-very-long-program": {nil}}, short: map[string]bool{"a-very-long-pro": true, "short": true}}
	for name, want := range map[string]bool{"a-very-long-pro": true, "a-very-long": false, "A-Very-Long-Program": true, "short": false} {
		if got := p.named(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
