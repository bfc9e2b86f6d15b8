package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// graceTime is how long a served program may take to end when it is asked to; then it is killed and the script fails.
const graceTime = 15 * time.Second

// maxShown bounds how much of a log is shown when a script fails.
const maxShown = 16 << 10

// service is one program that a script serves.
type service struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan error // receives what Wait returned
}

// services are the programs that one script serves.
type services struct {
	running map[string]*service
	dir     string
}

type servicesKey struct{}

func servicesOf(ts *testscript.TestScript) *services { return ts.Value(servicesKey{}).(*services) }

func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve NAME PROGRAM ARG…")
	}
	all := servicesOf(ts)
	if all.running[args[0]] != nil {
		ts.Fatalf("serve %s: it runs already", args[0])
	}
	program, err := lookPath(ts, args[1])
	ts.Check(err)
	s := &service{name: args[0], log: filepath.Join(all.dir, args[0]+".log"), done: make(chan error, 1)}
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close() // the program has its own
	s.cmd = exec.Command(program, args[2:]...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = ts.MkAbs("."), environ(ts), log, log
	ts.Check(s.cmd.Start())
	go func() { s.done <- s.cmd.Wait() }() // ends with the program, which end waits for
	all.running[s.name] = s
	ts.Defer(func() { ts.Logf("[%s.log]\n%s", s.name, tail(s.log)) })
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	kill := len(args) == 2 && args[0] == "-kill"
	if neg || len(args) != 1 && !kill {
		ts.Fatalf("usage: end [-kill] NAME")
	}
	all := servicesOf(ts)
	s := all.running[args[len(args)-1]]
	if s == nil {
		ts.Fatalf("end %s: it was not served", args[len(args)-1])
	}
	delete(all.running, s.name)
	if kill {
		ts.Check(s.cmd.Process.Kill())
		<-s.done
		return
	}
	ts.Check(s.stop())
}

func waitEnd(ts *testscript.TestScript, neg bool, args []string) {
	limit, args := patient(ts, args)
	if neg || len(args) != 1 {
		ts.Fatalf("usage: wait-end [-t TIME] NAME")
	}
	all := servicesOf(ts)
	s := all.running[args[0]]
	if s == nil {
		ts.Fatalf("wait-end %s: it is not served", args[0])
	}
	select {
	case <-s.done:
		delete(all.running, s.name)
	case <-time.After(limit):
		ts.Fatalf("wait-end %s: it still runs after %s", s.name, limit)
	}
}

// stop asks the program to end and waits until it has. One that has ended before has crashed, or the script should have
// said wait-end.
func (s *service) stop() error {
	select {
	case err := <-s.done:
		return fmt.Errorf("end %s: it had ended by itself (%v)", s.name, err)
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(graceTime):
		err := s.cmd.Process.Kill()
		<-s.done
		return errors.Join(fmt.Errorf("end %s: it did not end within %s", s.name, graceTime), err)
	}
}

// end ends all that still run.
func (a *services) end() error {
	var failed []error
	for _, s := range a.running {
		failed = append(failed, s.stop())
	}
	clear(a.running)
	return errors.Join(failed...)
}

// environ is the environment of a script for a program that the harness starts itself.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "WINEPREFIX", "WINEARCH", "WINEDEBUG",
		"WINEDLLOVERRIDES", "LULL_SERVER", "LULL_TOKEN", "LULL_CA", "LULL_DISK"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lookPath finds a program on the script's PATH, not on that of the test.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return ts.MkAbs(name), nil
	}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-maxShown):])
}
