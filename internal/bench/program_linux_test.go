package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	patience  = 60 * time.Second // for what shall become true
	graceTime = 15 * time.Second // for a program to end when it is asked to
	maxShown  = 8 << 10          // bytes of what a program printed
)

// built is the path of a program that make bench has built.
func built(b *testing.B, name string) string {
	b.Helper()
	folder := os.Getenv("LULL_BIN")
	if folder == "" {
		b.Skip("LULL_BIN is not set: make bench builds the programs and runs this")
	}
	return filepath.Join(folder, name)
}

// start runs a program until the benchmark ends, and shows what it printed if the benchmark fails.
func start(b *testing.B, env []string, program string, args ...string) (pid int) {
	b.Helper()
	var printed bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), &printed, &printed
	cmd.WaitDelay = graceTime
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		kill := time.AfterFunc(graceTime, func() { _ = cmd.Process.Kill() }) // it may have ended just then
		_ = cmd.Process.Signal(syscall.SIGTERM)                              // it may have ended, which Wait tells
		err := cmd.Wait()
		if kill.Stop(); b.Failed() {
			b.Logf("%s: %v\n%s", filepath.Base(program), err, printed.Bytes()[max(0, printed.Len()-maxShown):])
		}
	})
	return cmd.Process.Pid
}

// run runs a program to its end and returns what it printed.
func run(b *testing.B, env []string, program string, args ...string) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), patience) // a Cleanup may run a program, too
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// await repeats look until it is true.
func await(b *testing.B, what string, look func() bool) {
	b.Helper()
	for deadline := time.Now().Add(patience); !look(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func write(b *testing.B, path, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// schedClock makes a clock's id from the complement of a process's number: its processor time, user and system, as the
// scheduler counts it (CPUCLOCK_SCHED of the kernel's posix-timers.h; clock_getcpuclockid(3) does the same). What
// /proc/PID/stat shows is the same time in steps of 10 ms, in which an agent rests for a minute.
const schedClock = 2

// cpuTime is what the processors have worked for a process and its children so far.
func cpuTime(b *testing.B, pid int) (total time.Duration) {
	b.Helper()
	for _, one := range append(children(b, pid), pid) {
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^one<<3|schedClock), &t); err != nil {
			b.Fatalf("processor time of process %d: %v", one, err)
		}
		total += time.Duration(t.Nano())
	}
	return total
}

func children(b *testing.B, pid int) (pids []int) {
	b.Helper()
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, field := range strings.Fields(string(list)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		pids = append(pids, child)
	}
	return pids
}

// resident is the memory of a process, in megabytes of a million bytes: what it has now, and the most it ever had.
func resident(b *testing.B, pid int) (now, peak float64) {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kilobytes); err == nil {
			now = kilobytes * 1024 / 1e6
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
			peak = kilobytes * 1024 / 1e6
		}
	}
	if now == 0 || peak == 0 {
		b.Fatalf("no memory in the status of process %d", pid)
	}
	return now, peak
}

// processors are those that this process may run on.
func processors(b *testing.B) (all []string) {
	b.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		b.Fatal(err)
	}
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			all = append(all, strconv.Itoa(i))
		}
	}
	if len(all) < 2 {
		b.Skip("one processor: the load and what it loads would share it")
	}
	return all
}
