package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"lull/agent/command"
)

// gate holds every program of a tree, so that none can run or be started.
type gate struct {
	names []string
	held  []held
	once  sync.Once
}

// shut takes hold of the programs below root, or returns a *BusyError if one of them runs. While the gate is held
// nothing in this process forks: a child would inherit the handles and keep the programs shut after the gate is open.
func (i *Installation) shut(root string) (*gate, error) {
	names, err := programs(root)
	if err != nil {
		return nil, err
	}
	syscall.ForkLock.RLock()
	g := &gate{}
	complete := false
	defer func() {
		if !complete {
			g.open()
		}
	}()
	for _, name := range names {
		h, err := i.fs.hold(place{root, name})
		if err != nil {
			return nil, gateError(name, err)
		}
		g.names, g.held = append(g.names, name), append(g.held, h)
	}
	complete = true
	return g, nil
}

func gateError(name string, err error) error {
	switch {
	case isRunning(err):
		return &BusyError{Path: name, Err: err}
	case isHeld(err):
		return &FileLockedError{Path: name, Err: err}
	}
	return fmt.Errorf("take hold of %s: %w", name, err)
}

// open lets go; a second call does nothing.
func (g *gate) open() {
	g.once.Do(func() {
		for _, h := range g.held {
			h.Close() // nothing was written through it, so nothing can be lost
		}
		syscall.ForkLock.RUnlock()
	})
}

// GateSelfTest proves in the folder dir, which it creates and removes, that the gate works on this system: a running
// program must refuse it, and a program that is held must not start. The program is a copy of the agent's own; args
// must make it wait until its standard input ends. The error is ErrGateUnavailable if the system does not hold to it, and
// a *command.InsecureError if users could exchange the copy, since they may write to a folder above dir.
func GateSelfTest(ctx context.Context, dir string, args ...string) (err error) {
	if err := protectedFolder(dir); err != nil {
		return fmt.Errorf("test the gate: %w", err)
	}
	program := filepath.Join(dir, "gate-test")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	defer func() {
		err = errors.Join(err, os.Remove(program), os.Remove(dir))
	}()
	if err := copyExecutable(program); err != nil {
		return fmt.Errorf("test the gate: %w", spaceError(dir, err))
	}
	if err := (command.Tree{Root: dir}).Trusted(); err != nil {
		return fmt.Errorf("test the gate: %w", err)
	}
	if err := refusesRunning(ctx, program, args); err != nil {
		return fmt.Errorf("test the gate: %w", err)
	}
	return refusesStart(ctx, program, args)
}

func copyExecutable(to string) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(own)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// refusesRunning starts the program and expects the gate to notice.
func refusesRunning(ctx context.Context, program string, args []string) error {
	cmd, stdin, err := startWaiting(ctx, program, args)
	if err != nil {
		return err
	}
	h, err := system{}.hold(place{filepath.Dir(program), filepath.Base(program)})
	if err == nil {
		h.Close()
	}
	stdin.Close()
	exit := cmd.Wait()
	switch {
	case err == nil:
		return fmt.Errorf("a running program was opened for writing: %w", ErrGateUnavailable)
	case !isRunning(err):
		return err
	case exit != nil:
		return fmt.Errorf("the test program ended badly, so that nothing is proven: %w", exit)
	}
	return nil
}

// startWaiting retries while a child that another part of the agent is just starting still holds the handle through
// which the program was written.
func startWaiting(ctx context.Context, program string, args []string) (*exec.Cmd, io.WriteCloser, error) {
	for try := 0; ; try++ {
		cmd := exec.CommandContext(ctx, program, args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return nil, nil, err
		}
		err = cmd.Start()
		if err == nil {
			return cmd, stdin, nil
		}
		if !isRunning(err) || try == 50 {
			return nil, nil, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// refusesStart holds the program and expects that it cannot be started.
func refusesStart(ctx context.Context, program string, args []string) error {
	h, err := holdSoon(ctx, program)
	if err != nil {
		return err
	}
	defer h.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	if err := cmd.Start(); err == nil {
		return errors.Join(fmt.Errorf("a program was started while it was held: %w", ErrGateUnavailable), cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	} else if !isRunning(err) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// holdSoon waits for a program that has just ended: a system may let go of its image a moment later.
func holdSoon(ctx context.Context, program string) (held, error) {
	for try := 0; ; try++ {
		h, err := system{}.hold(place{filepath.Dir(program), filepath.Base(program)})
		if err == nil || try == 50 || ctx.Err() != nil {
			return h, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
