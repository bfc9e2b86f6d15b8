package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"lull/internal/voice"
	"lull/internal/wire"
)

// process is one program that the demo started and will end.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string // a file
	out  *bufio.Reader
	done chan struct{} // closed when it has ended
}

// start runs one of the demo's programs in the background, with its standard error in a file.
func (d *demo) start(name string, environment []string, programName string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(d.folder, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has a handle of its own
	path := d.programs[programName]
	if path == "" {
		path = programName
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // ended by the demo, or its log says why
		close(p.done)
	}()
	d.running = append(d.running, p)
	return p, nil
}

// firstLine is what the process prints first.
func (p *process) firstLine(ctx context.Context) (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := p.out.ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		if line == "" {
			return "", fmt.Errorf("%s ended at once", p.name)
		}
		return string(trimSpace([]byte(line))), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// end asks the process to end and, where that has no effect, ends it.
func (p *process) end() {
	if runtime.GOOS == "windows" || p.cmd.Process.Signal(os.Interrupt) != nil {
		_ = p.cmd.Process.Kill() // fails only for one that has ended
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill() // fails only for one that has ended
		<-p.done
	}
}

// lull runs one command as an administrator would type it.
func (d *demo) lull(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, d.programs["lull"], args...)
	cmd.Env = append(os.Environ(), "LULL_SERVER="+d.c.Server, "LULL_TOKEN="+d.c.Token)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("lull %s: %w: %s", args[0], err, bytes.TrimSpace(output))
	}
	return nil
}

func (d *demo) startAgent(c *demoComputer, enrolment string) error {
	config, err := yaml.Marshal(map[string]any{
		"enrol": enrolment, "data": filepath.Join(c.folder, "lull"), "roots": []string{c.folder}, "host": c.host, "interval": "1s",
	})
	if err != nil {
		return err
	}
	path := filepath.Join(c.folder, "agent.yaml")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		return err
	}
	_, err = d.start(c.host, []string{demoFolder + "=" + c.folder}, "lull-agent", "run", "--config", path)
	return err
}

// useClient starts the installed client, which runs until its desk is empty.
func (d *demo) useClient(c *demoComputer) error {
	if err := os.WriteFile(c.desk(), nil, 0o600); err != nil {
		return err
	}
	_, err := d.start(c.host+"-viewer", nil, filepath.Join(c.client(), program("viewer")), "-hold", c.desk())
	return err
}

// close ends all processes, the last one first, and removes the folder.
func (d *demo) close() error {
	for _, p := range slices.Backward(d.running) {
		p.end()
	}
	return os.RemoveAll(d.folder)
}

// logs is what the processes said last, for a demo that failed.
func (d *demo) logs() error {
	var all []error
	for _, p := range d.running {
		if tail := tailOf(p.log); tail != "" {
			all = append(all, fmt.Errorf("--- %s\n%s", p.name, tail))
		}
	}
	return errors.Join(all...)
}

func tailOf(path string) string {
	const most = 2000
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd) // from the start is as good
	}
	text, _ := io.ReadAll(f) // what could be read is shown
	return string(text)
}

func trimSpace(text []byte) []byte { return bytes.TrimSpace(text) }

// fleetView shows the fleet: on a terminal as a table that is drawn anew, elsewhere one line for each change.
type fleetView struct {
	out   io.Writer
	live  bool
	lines int
	last  map[string]string
}

func newFleetView(out io.Writer) *fleetView {
	return &fleetView{out: out, live: voice.Terminal(out), last: make(map[string]string)}
}

func (v *fleetView) show(all []wire.Workstation) {
	if v.live {
		v.draw(all)
		return
	}
	for _, w := range all {
		for _, i := range w.Installs {
			line := fmt.Sprintf("%-12s %-12s %-8s → %-8s %s", w.Name, i.Host, orDash(i.Status.Observed.Version.String()),
				orDash(i.Desired.Version.String()), state(i.Status))
			if v.last[i.Computer] != line {
				v.last[i.Computer] = line
				fmt.Fprintln(v.out, line)
			}
		}
	}
}

func (v *fleetView) draw(all []wire.Workstation) {
	var b bytes.Buffer
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.lines)
	}
	v.lines = 0
	line := func(cells ...any) {
		fmt.Fprintf(&b, "\x1b[K%s\n", v.fit(fmt.Sprintf("%-14s %-14s %-10s %-10s %s", cells...)))
		v.lines++
	}
	line("WORKSTATION", "COMPUTER", "INSTALLED", "DESIRED", "STATE")
	for _, w := range all {
		for _, i := range w.Installs {
			line(w.Name, i.Host, orDash(i.Status.Observed.Version.String()), orDash(i.Desired.Version.String()), state(i.Status))
		}
	}
	_, _ = v.out.Write(b.Bytes()) // a terminal that went away ends the command elsewhere
}

// fit cuts a line to the terminal, so that the next drawing finds every line where it was.
func (v *fleetView) fit(line string) string {
	width, text := voice.Width(v.out), []rune(line)
	if width <= 1 || len(text) < width {
		return line
	}
	return string(text[:width-2]) + "…"
}

// state is a phase and, where it is not the good end, its reason.
func state(s wire.Status) string {
	if text := inWords(s.Reason); text != "" {
		return string(s.Phase) + ": " + text
	}
	return string(s.Phase)
}
