// Package idle tells whether a client is in use: which processes, of any user and in any session, run out of its
// folders.
//
// Scan is the cheap look of every pass. It compares the image of each process with the folders, by path and, where only
// the names agree, by file identity, because bind mounts, drive letters and short names give one file many paths.
// ScanDeep is the last look before a change and also finds what has no image of its own there: interpreters with a
// script, loaded libraries, open files, working folders and command lines.
//
// A scan is a picture of one moment and never a guard: a client may start right behind it. The gate of the install
// engine is the guard; the scan is its cheap forerunner and the explanation for people. A doubt always counts against
// idleness: a process that hides its image but is named like a program of the client is busy, and a scan that could not
// finish says so. Nothing is remembered about a process between scans, since on Linux exec keeps both its number and
// its start time.
//
// An agent without the rights of root or LocalSystem cannot look into the processes of other users; they are counted in
// Result.Unreadable. So are those that hide even from LocalSystem, which Windows protects, and from root, which have
// more capabilities than the agent. A user's process that hides from root makes a deep scan incomplete.
package idle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Query says what to look for.
type Query struct {
	// Folders of the client, absolute: the installation, and the trees that are staged beside it or were swapped out. One
	// that does not exist is allowed.
	Folders []string
	// Names are patterns (* and ?, without case) of process names that count wherever their image lies.
	Names []string
	// Ignore lists processes that never count, with all their descendants, such as a program that the agent runs. The
	// scanning process itself never counts; its descendants do, unless it is listed.
	Ignore []int
}

// Why says what ties a process to the client.
type Why string

// The ties, in the order in which they are looked for. Those from WorkingFolder on are found by ScanDeep only.
const (
	Image         Why = "image"        // its program lies below a folder of the client, or is a file of it
	Name          Why = "name"         // its name matches a pattern of the query
	Unreadable    Why = "unreadable"   // its image cannot be read and its name is that of a program of the client
	WorkingFolder Why = "cwd"          // its working folder lies there
	CommandLine   Why = "command-line" // its command line names a path there
	Open          Why = "open"         // it holds a file open there
	Mapped        Why = "mapped"       // it has mapped a file from there, such as a library
)

// Process is one process that uses the client.
type Process struct {
	PID     int
	Image   string // path of the program; empty if it cannot be read
	Name    string // as the system lists it; Linux keeps its first 15 bytes
	Session int    // Windows: the session; Linux: the login session, 0 if there is none
	Since   time.Time
	Why     Why
}

// Result is what one scan found.
type Result struct {
	Busy       []Process // by PID
	Incomplete bool      // not every process could be looked at: the caller treats the client as busy
	Problem    string    // why the scan is incomplete, for the log
	Unreadable int       // processes that could not be looked into and are not named like a program of the client
}

// Idle reports whether the scan saw everything and found nothing.
func (r Result) Idle() bool { return len(r.Busy) == 0 && !r.Incomplete }

// Scan looks once for processes whose image or name belongs to the client. It fails only if ctx ends or the query is
// unusable; what the system does not tell makes the Result incomplete. A caller that scans repeatedly keeps a Scanner.
func Scan(ctx context.Context, q Query) (Result, error) { return New().Scan(ctx, q) }

// ScanDeep is Scan that also looks for working folders, command lines, open and mapped files.
func ScanDeep(ctx context.Context, q Query) (Result, error) { return New().ScanDeep(ctx, q) }

// Scanner scans repeatedly and keeps what is costly to find out: the program files below each folder, for a minute. It
// is not safe for concurrent use.
type Scanner struct {
	system    system
	now       func() time.Time
	processes []process // reused between scans
	programs  map[string]programs
}

// New returns a Scanner of this computer's processes.
func New() *Scanner {
	return &Scanner{system: newSystem(), now: time.Now, programs: map[string]programs{}}
}

// Scan is the function Scan with what the Scanner remembers.
func (s *Scanner) Scan(ctx context.Context, q Query) (Result, error) { return s.scan(ctx, q, false) }

// ScanDeep is the function ScanDeep; it looks for program files anew.
func (s *Scanner) ScanDeep(ctx context.Context, q Query) (Result, error) {
	clear(s.programs)
	return s.scan(ctx, q, true)
}

// system is what a scan asks of the operating system. Its errors are errGone for a process that has ended, errDenied
// for one that may hide itself from this agent, and anything else for what makes a scan incomplete.
type system interface {
	// list appends every process that has, or may have, an image.
	list(into []process) ([]process, error)
	// image is the path of the program that a process runs.
	image(pid int) (string, error)
	// file is the program file that a process runs, which image has named.
	file(pid int, image string) (fs.FileInfo, error)
	// detail is the session and the start of a process, zero where unknown.
	detail(pid int) (session int, since time.Time)
	// inside says how a process uses a path that holds reports, beyond its image; "" if not at all.
	inside(ctx context.Context, pid int, holds places) (Why, error)
}

var (
	errGone   = errors.New("the process has ended")
	errDenied = errors.New("the process may not be looked into")
)

// process is what the system's list says about one process.
type process struct {
	pid, parent int
	name        string
}

func (s *Scanner) scan(ctx context.Context, q Query, deep bool) (Result, error) {
	for _, folder := range q.Folders {
		if !filepath.IsAbs(folder) {
			return Result{}, fmt.Errorf("scan processes: folder %q is not absolute", folder)
		}
	}
	l := look{system: s.system, places: newPlaces(q.Folders), names: newPatterns(q.Names), deep: deep}
	l.programs, l.result.Problem = s.programsOf(q.Folders)
	var err error
	if s.processes, err = s.system.list(s.processes[:0]); err != nil {
		l.result.Problem = fmt.Sprintf("list processes: %v", err)
	}
	ignored := l.ignored(s.processes, q.Ignore)
	for _, p := range s.processes {
		if err := ctx.Err(); err != nil {
			return Result{}, fmt.Errorf("scan processes: %w", err)
		}
		if !ignored[p.pid] {
			l.at(ctx, p)
		}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("scan processes: %w", err)
	}
	l.result.Incomplete = l.result.Problem != ""
	slices.SortFunc(l.result.Busy, func(a, b Process) int { return a.PID - b.PID })
	return l.result, nil
}

// look is one scan under way.
type look struct {
	system   system
	places   places
	names    patterns
	programs []programs
	deep     bool
	result   Result
}

// ignored is this process, and those of the query with all their descendants. A number may be used again after its
// process ended, so that a child counts as one only if it is not older than its parent.
func (l *look) ignored(all []process, roots []int) map[int]bool {
	ignored := map[int]bool{os.Getpid(): true}
	if len(roots) == 0 {
		return ignored
	}
	family := map[int]bool{}
	for _, pid := range roots {
		family[pid] = true
	}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !family[p.pid] && family[p.parent] && l.descends(p) {
				family[p.pid], grown = true, true
			}
		}
	}
	family[os.Getpid()] = true
	return family
}

func (l *look) descends(p process) bool {
	_, parent := l.system.detail(p.parent)
	_, child := l.system.detail(p.pid)
	return !parent.IsZero() && !child.IsZero() && !child.Before(parent)
}

// at looks at one process and adds it to the result if it uses the client.
func (l *look) at(ctx context.Context, p process) {
	image, why, err := l.judge(ctx, p)
	switch {
	case why != "":
		session, since := l.system.detail(p.pid)
		l.result.Busy = append(l.result.Busy,
			Process{PID: p.pid, Image: image, Name: p.name, Session: session, Since: since, Why: why})
	case errors.Is(err, errGone):
	case errors.Is(err, errDenied):
		l.result.Unreadable++
	case err != nil && l.result.Problem == "":
		l.result.Problem = fmt.Sprintf("look at process %d (%s): %v", p.pid, p.name, err)
	}
}

func (l *look) judge(ctx context.Context, p process) (image string, why Why, err error) {
	image, err = l.system.image(p.pid)
	switch {
	case errors.Is(err, errGone):
		return "", "", err
	case err != nil:
		why = l.judgeName(p.name)
	default:
		why = l.judgeImage(p, image)
	}
	if why != "" || !l.deep {
		return image, why, err
	}
	why, inside := l.system.inside(ctx, p.pid, l.places)
	return image, why, cmp.Or(inside, err)
}

// judgeName judges a process that hides its image.
func (l *look) judgeName(name string) Why {
	switch {
	case l.names.match(name):
		return Name
	case slices.ContainsFunc(l.programs, func(p programs) bool { return p.named(name) }):
		return Unreadable
	}
	return ""
}

func (l *look) judgeImage(p process, image string) Why {
	base := filepath.Base(image)
	switch {
	case l.places.hold(image):
		return Image
	case l.isProgram(p.pid, image, base):
		return Image
	case l.names.match(base) || l.names.match(p.name):
		return Name
	}
	return ""
}

// isProgram reports whether an image whose path lies elsewhere is a program file of the client all the same. Only where
// the names agree the identity is looked up, which costs more than everything else.
func (l *look) isProgram(pid int, image, base string) bool {
	for _, p := range l.programs {
		for _, program := range p.files[fold(base)] {
			file, err := l.system.file(pid, image)
			if err == nil && os.SameFile(file, program) {
				return true
			}
		}
	}
	return false
}
