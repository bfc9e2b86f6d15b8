package idle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The limits of what is read about one process.
const (
	maxCommandLine = 256 << 10 // bytes: twice what Linux allows one argument
	maxDescriptors = 1 << 20   // the kernel's own default limit
)

// ticks a second of the times in /proc: USER_HZ, which is 100 on every architecture that Go runs on.
const ticks = 100

// proc reads /proc. Its buffer is reused, so that a scan allocates little more than paths.
type proc struct {
	root   string
	buffer []byte
	boot   time.Time
}

func newSystem() system { return &proc{root: "/proc", buffer: make([]byte, 64<<10)} }

// finalPath resolves links.
func finalPath(folder string) (string, error) { return filepath.EvalSymlinks(folder) }

func (s *proc) list(into []process) ([]process, error) {
	dir, err := os.Open(s.root)
	if err != nil {
		return into, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	seesFirst := false
	for _, name := range names {
		pid, notNumber := strconv.Atoi(name)
		if notNumber != nil {
			continue
		}
		seesFirst = seesFirst || pid == 1
		status, gone := s.status(pid)
		if gone == nil && status.mayRun() {
			into = append(into, process{pid: pid, parent: status.parent, name: status.name})
		}
	}
	if err == nil && !seesFirst {
		err = fmt.Errorf("%s hides processes: mount it without hidepid, or run the agent as root", s.root)
	}
	return into, err
}

// status is what /proc/PID/stat says (proc_pid_stat(5)).
type status struct {
	name    string
	state   byte
	parent  int
	kernel  bool // a thread of the kernel
	threads int
	started uint64 // ticks after boot
}

// mayRun reports whether a process can have an image. A leader may have ended, which shows as Z, while its threads run on.
func (s status) mayRun() bool {
	return !s.kernel && (s.state != 'Z' && s.state != 'X' || s.threads > 1)
}

const kernelThread = 0x00200000 // PF_KTHREAD

func (s *proc) status(pid int) (status, error) {
	data, err := s.read(pid, "stat")
	if err != nil {
		return status{}, err
	}
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')') // the name may hold either
	if open < 0 || end < open {
		return status{}, errGone
	}
	result := status{name: string(data[open+1 : end])}
	field := 2
	for value := range bytes.FieldsSeq(data[end+1:]) {
		field++
		switch field {
		case 3:
			result.state = value[0]
		case 4:
			result.parent = int(number(value))
		case 9:
			result.kernel = number(value)&kernelThread != 0
		case 20:
			result.threads = int(number(value))
		case 22:
			result.started = number(value)
			return result, nil
		}
	}
	return status{}, errGone
}

// number reads digits; anything else, which the kernel does not write in the fields that are read, is 0.
func number(digits []byte) (n uint64) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

func (s *proc) image(pid int) (string, error) {
	image, err := s.link(pid, "exe")
	if errors.Is(err, errGone) {
		if status, gone := s.status(pid); gone == nil && status.state == 'Z' && status.threads > 1 {
			return "", errDenied // its leader has ended and took the link along
		}
	}
	return strings.TrimSuffix(image, deleted), err
}

// deleted is what the kernel appends to the path of a file that has no name any more.
const deleted = " (deleted)"

func (s *proc) file(pid int, _ string) (fs.FileInfo, error) { return os.Stat(s.path(pid, "exe")) }

func (s *proc) detail(pid int) (session int, since time.Time) {
	if data, err := s.read(pid, "sessionid"); err == nil {
		if id := number(bytes.TrimSpace(data)); id < 1<<32-1 { // the highest stands for none
			session = int(id)
		}
	}
	if status, err := s.status(pid); err == nil {
		since = s.bootTime().Add(time.Duration(status.started) * (time.Second / ticks))
	}
	return session, since
}

func (s *proc) bootTime() time.Time {
	if !s.boot.IsZero() {
		return s.boot
	}
	data, err := os.ReadFile(filepath.Join(s.root, "stat"))
	if err != nil {
		return s.boot
	}
	if _, rest, ok := bytes.Cut(data, []byte("\nbtime ")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		s.boot = time.Unix(int64(number(line)), 0)
	}
	return s.boot
}

func (s *proc) inside(ctx context.Context, pid int, holds places) (Why, error) {
	folder, hidden := s.link(pid, "cwd")
	if hidden == nil && holds.hold(folder) {
		return WorkingFolder, nil
	}
	ties := []struct {
		why  Why
		look func() (bool, error)
	}{
		{CommandLine, func() (bool, error) { return s.commandLine(pid, folder, holds) }}, // everybody may read it
		{Open, func() (bool, error) { return s.open(ctx, pid, holds) }},
		{Mapped, func() (bool, error) { return s.mapped(ctx, pid, holds) }},
	}
	for _, tie := range ties {
		used, err := tie.look()
		if err != nil {
			return "", s.weigh(pid, err)
		}
		if used {
			return tie.why, nil
		}
	}
	return "", s.weigh(pid, hidden)
}

// weigh makes it an error that cannot be passed over if a user's process refuses root. A refusal by a process of root
// is no news, because it may have capabilities that the agent lacks, as the first process of a container has.
func (s *proc) weigh(pid int, err error) error {
	if !errors.Is(err, errDenied) || os.Geteuid() != 0 {
		return err
	}
	data, gone := s.read(pid, "status")
	if gone != nil {
		return gone
	}
	_, rest, _ := bytes.Cut(data, []byte("\nUid:\t"))
	if uid, _, ok := bytes.Cut(rest, []byte("\t")); !ok || number(uid) != 0 {
		return errors.New("refused even to root")
	}
	return err
}

func (s *proc) commandLine(pid int, folder string, holds places) (bool, error) {
	file, err := os.Open(s.path(pid, "cmdline"))
	if err != nil {
		return false, classify(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCommandLine))
	if err != nil {
		return false, classify(err)
	}
	for arg := range bytes.SplitSeq(data, []byte{0}) {
		text := string(arg)
		if holds.named(text) || strings.Contains(text, "/") && !strings.HasPrefix(text, "/") && folder != "" &&
			holds.hold(filepath.Join(folder, text)) {
			return true, nil
		}
	}
	return false, nil
}

func (s *proc) open(ctx context.Context, pid int, holds places) (bool, error) {
	dir, err := os.Open(s.path(pid, "fd"))
	if err != nil {
		return false, classify(err)
	}
	defer dir.Close()
	for range maxDescriptors / 256 {
		names, err := dir.Readdirnames(256)
		for _, name := range names {
			if target, err := s.link(pid, "fd/"+name); err == nil && holds.hold(target) {
				return true, nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, classify(err)
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
	}
	return false, fmt.Errorf("more than %d open files", maxDescriptors)
}

// mapped reads /proc/PID/maps, whose lines end in the path of the mapped file, the sixth field.
func (s *proc) mapped(ctx context.Context, pid int, holds places) (bool, error) {
	file, err := os.Open(s.path(pid, "maps"))
	if err != nil {
		return false, classify(err)
	}
	defer file.Close()
	rest := 0 // bytes of an unfinished line at the start of the buffer
	for ctx.Err() == nil {
		n, err := file.Read(s.buffer[rest:])
		data := s.buffer[:rest+n]
		end := bytes.LastIndexByte(data, '\n') + 1
		for line := range bytes.Lines(data[:end]) {
			if i := bytes.IndexByte(line, '/'); i >= 0 && holds.hold(strings.TrimSuffix(string(line[i:len(line)-1]), deleted)) {
				return true, nil
			}
		}
		rest = copy(s.buffer, data[end:])
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, classify(err)
		case rest == len(s.buffer):
			return false, errors.New("a line of its maps is too long")
		}
	}
	return false, ctx.Err()
}

func (s *proc) path(pid int, name string) string {
	return s.root + "/" + strconv.Itoa(pid) + "/" + name
}

func (s *proc) link(pid int, name string) (string, error) {
	n, err := unix.Readlink(s.path(pid, name), s.buffer)
	if err != nil {
		return "", classify(err)
	}
	return string(s.buffer[:n]), nil
}

// read reads a short file; what it returns is valid until the next call.
func (s *proc) read(pid int, name string) ([]byte, error) {
	fd, err := unix.Open(s.path(pid, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, classify(err)
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, s.buffer)
	if err != nil {
		return nil, classify(err)
	}
	return s.buffer[:n], nil
}

// classify tells a process that has ended and one that hides from what is wrong with the system.
func classify(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH):
		return errGone
	case errors.Is(err, fs.ErrPermission):
		return errDenied
	}
	return err
}
