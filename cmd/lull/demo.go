package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"lull/internal/voice"
	"lull/internal/wire"
	"lull/reconciler"
)

func demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole fleet on this computer, in a temporary folder",
		Long: `Run a whole fleet on this computer, in a temporary folder: a git repo with manifests, a server, five agents
and client programs that really run. A commit changes the version; the table shows how each workstation follows as soon
as its client is idle. No root, no fixed port, nothing left behind.

Exit codes with --once: 0 converged; 1 not within 40 seconds, with the reason.`,
		Example: "  lull demo\n  lull demo --once",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := newDemo(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			err = d.run(cmd.Context(), once)
			if err != nil {
				err = errors.Join(err, d.logs())
			}
			return errors.Join(err, d.close())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "exit when the fleet has converged")
	return cmd
}

// The versions of the demo's client.
const (
	demoOld = "5.8.1"
	demoNew = "5.8.2"
)

// demoLimit is how long the fleet may take.
const demoLimit = 40 * time.Second

// demo is one run: a folder in which everything lies, and the processes that work there.
type demo struct {
	out      io.Writer
	folder   string
	programs map[string]string // by name: lull, lull-agent, lull-demo-client
	c        *connection
	repo     *demoRepo
	fleet    []*demoComputer
	running  []*process // in the order in which they were started
}

func newDemo(out io.Writer) (*demo, error) {
	d := &demo{out: out, programs: make(map[string]string)}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d.programs["lull"] = self
	for _, name := range []string{"lull-agent", "lull-demo-client"} {
		path := filepath.Join(filepath.Dir(self), name+filepath.Ext(self))
		if _, err := os.Stat(path); err != nil {
			return nil, voice.Hint(fmt.Errorf("the demo needs %s beside %s", name, self), "make build")
		}
		d.programs[name] = path
	}
	if d.folder, err = os.MkdirTemp("", "lull-demo-"); err != nil {
		return nil, err
	}
	return d, nil
}

// run is the demo's table of contents.
func (d *demo) run(ctx context.Context, once bool) error {
	limited, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("the fleet did not converge within %s", demoLimit))
	defer cancel()
	for _, step := range []func(context.Context) error{
		d.commitManifests, d.startServer, d.addReleases, d.startFleet, d.awaitFleet, d.useClients, d.commitVersion, d.converge,
	} {
		if err := step(limited); err != nil {
			if limited.Err() != nil && ctx.Err() == nil {
				return context.Cause(limited)
			}
			return err
		}
	}
	d.explain()
	if once {
		return nil
	}
	return d.stay(ctx)
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) commitManifests(context.Context) (err error) {
	d.repo, err = newDemoRepo(filepath.Join(d.folder, "fleet.git"))
	if err != nil {
		return err
	}
	if err := d.repo.commit("fleet.yaml", demoManifests(demoOld), "the fleet runs "+demoOld); err != nil {
		return err
	}
	d.say("manifests   a git repo with a Client, a Server and a Group that wants %s", demoOld)
	return nil
}

func (d *demo) startServer(ctx context.Context) error {
	data := filepath.Join(d.folder, "server")
	server, err := d.start("server", nil, "lull", "server", "--data", data, "--listen", "127.0.0.1:0", "--plain-http",
		"--manifests", d.repo.folder)
	if err != nil {
		return err
	}
	address, err := server.firstLine(ctx)
	if err != nil {
		return err
	}
	d.c = &connection{Server: address}
	if err := d.c.ready(ctx); err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(data, "admin.token"))
	if err != nil {
		return err
	}
	d.c = &connection{Server: address, Token: string(trimSpace(token))}
	d.say("server      %s", address)
	return nil
}

// addReleases puts both versions into the store, by the command that an administrator types.
func (d *demo) addReleases(ctx context.Context) error {
	for _, version := range []string{demoOld, demoNew} {
		folder := filepath.Join(d.folder, "packages", version)
		if err := d.writePackage(folder, version); err != nil {
			return err
		}
		if err := d.lull(ctx, "release", "add", folder, "--client", "viewer", "--version", version, "--platform", runtime.GOOS); err != nil {
			return err
		}
	}
	d.say("releases    viewer %s and %s, stored", demoOld, demoNew)
	return nil
}

func (d *demo) startFleet(ctx context.Context) error {
	var made wire.MadeToken
	if err := d.c.do(ctx, call{method: "POST", path: "/tokens", send: wire.NewToken{Kind: "agents", Name: "demo"}}, &made); err != nil {
		return err
	}
	d.fleet = demoFleet(filepath.Join(d.folder, "computers"))
	for _, computer := range d.fleet {
		if err := d.install(computer); err != nil {
			return err
		}
		if err := d.startAgent(computer, made.Secret); err != nil {
			return err
		}
	}
	d.say("agents      %d computers, each with an agent of its own", len(d.fleet))
	return nil
}

// awaitFleet waits until every computer has said what it has.
func (d *demo) awaitFleet(ctx context.Context) error {
	return d.watch(ctx, nil, func(all []wire.Workstation) bool {
		return len(installs(all)) == len(d.fleet) && settled(all, demoOld)
	})
}

// useClients starts the client where somebody is at work.
func (d *demo) useClients(context.Context) error {
	for _, computer := range d.fleet {
		if computer.use == 0 {
			continue
		}
		if err := d.useClient(computer); err != nil {
			return err
		}
		d.say("client      somebody works on %s", computer.host)
	}
	return nil
}

func (d *demo) commitVersion(context.Context) error {
	if err := d.repo.commit("fleet.yaml", demoManifests(demoNew), "the fleet gets "+demoNew); err != nil {
		return err
	}
	d.say("commit      the Group wants %s from now on\n", demoNew)
	for _, computer := range d.fleet {
		computer.leaveIn(computer.use)
	}
	return nil
}

// converge shows the fleet until everything that can have the new version has it.
func (d *demo) converge(ctx context.Context) error {
	started, seen := time.Now(), false
	view := newFleetView(d.out)
	err := d.watch(ctx, view.show, func(all []wire.Workstation) bool {
		seen = seen || len(all) > 0 && all[0].Desired.Version.String() == demoNew
		return seen && settled(all, demoNew)
	})
	if err == nil {
		d.say("\nconverged in %.1f s", time.Since(started).Seconds())
	}
	return err
}

// settled reports whether every computer has the version or cannot get it.
func settled(all []wire.Workstation, version string) bool {
	for _, i := range installs(all) {
		s := i.Status
		if s.Observed.Version.String() != version && s.Phase != reconciler.Blocked {
			return false
		}
		if s.Phase != reconciler.UpToDate && s.Phase != reconciler.Blocked {
			return false
		}
	}
	return true
}

func installs(all []wire.Workstation) (every []wire.Installation) {
	for _, w := range all {
		every = append(every, w.Installs...)
	}
	return every
}

// watch looks at the inventory until it is as wanted.
func (d *demo) watch(ctx context.Context, show func([]wire.Workstation), done func([]wire.Workstation) bool) error {
	for {
		all, err := allWorkstations(ctx, d.c)
		if err != nil {
			return err
		}
		if show != nil {
			show(all)
		}
		if done(all) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// explain says why some are not where the manifests want them.
func (d *demo) explain() {
	all, err := allWorkstations(context.Background(), d.c)
	if err != nil {
		d.say("%v", err)
		return
	}
	for _, w := range all {
		for _, i := range w.Installs {
			if i.Status.Phase != reconciler.UpToDate {
				d.say("%s stays as it is: %s", i.Host, inWords(i.Status.Reason))
			}
		}
	}
}

func (d *demo) stay(ctx context.Context) error {
	d.say("\nThe fleet keeps running. The page is at %s", d.c.Server)
	d.say("sign in with the token   %s", d.c.Token)
	d.say("the manifests lie in     %s", d.repo.folder)
	d.say("commit there, or press Ctrl-C to end it and remove everything")
	<-ctx.Done()
	return nil
}
