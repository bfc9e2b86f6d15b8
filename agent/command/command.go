// Package command runs programs of an installation with all the rights of the agent, which are root's or SYSTEM's.
//
// It trusts a tree only if nobody but the service could have changed it: the program, everything else in the tree, and
// every folder on the way to the root of the volume must belong to root (SYSTEM, Administrators, TrustedInstaller) or to
// the account that the agent runs as, and nobody else may write there. That is asked of the system before each start, and
// it is what makes a hash that was taken before still true when the program loads its libraries. What users may write is
// their data, which the caller names, and no program lies in it. A tree that is not trusted is an *InsecureError with the
// first path that is to blame, and then nothing was started.
//
// A program is named relative to its tree and runs there, without a shell, with an environment that holds nothing of the
// agent's, for a bounded time and with bounded output. Everything that it has started ends with it. What the files
// contain is not looked at: the caller has compared them with a release.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Bounds of what is kept of a program's output; the rest is read and dropped.
const (
	maxOutput = 64 << 10
	maxQuoted = 4 << 10 // in an error, which a person reads
)

// afterEnd is how long output is waited for that somebody holds open who outlived the program's family.
const afterEnd = time.Second

// ErrTimeout means that a program did not end in time and was ended.
var ErrTimeout = errors.New("it did not end in time")

// Tree is a folder with a program in it.
type Tree struct {
	// Root is its absolute path, without links.
	Root string
	// UserData reports whether a file or folder, by its path below Root with slashes, is of no concern because users may
	// change it. Of a folder that means everything that could ever be in it. Nil: there is no such thing.
	UserData func(name string, folder bool) bool
}

// Run runs a program of the tree to its end and returns the start of its standard output. The line is the program,
// relative to the tree with either kind of slash, and its arguments. The error is an *InsecureError if the program may
// not be run here, ErrTimeout, the context's, or an *exec.ExitError with the start of what the program wrote.
func (t Tree) Run(ctx context.Context, line []string, timeout time.Duration) ([]byte, error) {
	if len(line) == 0 || timeout <= 0 {
		return nil, errors.New("run a command: there is none, or no time for it")
	}
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("run %s: %w", line[0], err) }
	program, err := t.program(line[0])
	if err != nil {
		return fail(err)
	}
	if err := t.Trusted(); err != nil {
		return fail(err)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var out, problems head
	cmd := exec.CommandContext(limited, program, line[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = t.Root, environment(), &out, &problems, afterEnd
	switch err := runFamily(cmd); {
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case limited.Err() != nil:
		return fail(fmt.Errorf("%w: it had %s", ErrTimeout, timeout))
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // which says that it ended well and somebody else did not
		said := append(out, problems...)
		return fail(fmt.Errorf("%w: %q", err, said[:min(len(said), maxQuoted)]))
	}
	return out, nil
}

// program is the path of an ordinary file of the tree, which is not the users' to change.
func (t Tree) program(name string) (string, error) {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	root, err := os.OpenRoot(t.Root)
	if err != nil {
		return "", err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not an ordinary file")
	}
	full := filepath.Join(t.Root, filepath.FromSlash(name))
	for at := name; at != "."; at = path.Dir(at) {
		if t.userData(at, at != name) {
			return "", &InsecureError{Path: full, Why: "it lies in user data"}
		}
	}
	return full, nil
}

func (t Tree) userData(name string, folder bool) bool {
	return t.UserData != nil && t.UserData(name, folder)
}

// environment is the least that programs start with: no search path that somebody has added to. Windows needs its folders
// to load libraries and to connect, and Wine the folder that it pretends from.
func environment() []string {
	if runtime.GOOS != "windows" {
		return []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	}
	system := os.Getenv("SystemRoot")
	env := []string{"PATH=" + filepath.Join(system, "System32") + ";" + system}
	for _, name := range []string{"SystemRoot", "SystemDrive", "windir", "TEMP", "TMP", "ProgramData", "WINEPREFIX"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// head keeps the start of what is written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxOutput-len(*h))]...)
	return len(p), nil
}
