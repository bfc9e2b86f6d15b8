package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"lull/agent/install"
	"lull/agent/observe"
	"lull/internal/release"
	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
)

// This file holds the steps of a pass that change something.

// workOn opens the installation in a folder. It stays open while an update is on its way, because it remembers the
// hashes of files that did not change; tidy closes it.
func (p *pass) workOn(folder string) (*install.Installation, error) {
	if work := p.works[folder]; work != nil {
		return work, nil
	}
	names := p.client.Platform.Busy.Processes
	work, err := install.Open(folder, install.Options{
		Scan:        func(ctx context.Context, folders []string) error { return p.scanUnderGate(ctx, folders, names) },
		ReadVersion: observe.Version,
		Now:         p.now,
	})
	if err != nil {
		return nil, p.changeOutcome(err)
	}
	p.works[folder] = work
	return work, nil
}

// stage compares the installation with the release of its own version, fetches what the desired one needs and puts the
// new tree, complete and verified, beside the old one. The client may run meanwhile.
func (p *pass) stage(ctx context.Context) (err error) {
	if p.work, err = p.workOn(p.folder); err != nil {
		return err
	}
	if err := p.testGate(ctx); err != nil {
		return err
	}
	if p.observed.Staged.Equal(p.desired.Version) {
		return nil
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	p.observed.Staged = p.desired.Version
	p.decision = reconciler.Plan(p.desired, p.observed, p.now())
	return nil
}

// prepare makes the staged tree what it shall be now: the desired release for this very installation, with everything in
// it that the manifest keeps. Where it is that already, this only looks.
func (p *pass) prepare(ctx context.Context) (err error) {
	update := install.Update{Keep: p.client.Platform.Keep}
	if update.Target, err = p.index(ctx, p.desired.Version, reconciler.ReleaseMissing); err != nil {
		return err
	}
	if update.Baseline, err = p.index(ctx, p.observed.Version, reconciler.UnknownBaseline); err != nil {
		return err
	}
	if err := p.adopt(ctx, update.Baseline); err != nil {
		return err
	}
	if err := p.work.Stage(ctx, update, p.releases, p.progress()); err != nil {
		return p.changeOutcome(err)
	}
	return nil
}

// testGate proves once in the life of an agent that the gate works where the installation lies.
func (p *pass) testGate(ctx context.Context) error {
	if p.gates[p.folder] {
		return nil
	}
	folder := filepath.Join(install.Beside(p.folder), "gate-test")
	if err := install.GateSelfTest(ctx, folder, GateArgument); err != nil {
		return p.changeOutcome(err)
	}
	p.gates[p.folder] = true
	return nil
}

// index fetches what a release consists of; missing is the reason why a release that is not there blocks.
func (p *pass) index(ctx context.Context, v schema.Version, missing reconciler.Code) (*release.Index, error) {
	for _, ref := range p.orders.Releases {
		if ref.Client != p.client.Name || !ref.Version.Equal(v) {
			continue
		}
		index, err := p.releases.Index(ctx, ref)
		if err != nil {
			return nil, fetchOutcome(v.String(), err)
		}
		return index, nil
	}
	return nil, block(reconciler.Why(missing, "version", v.String()), nil)
}

// adopt makes sure that the installation is a folder that no installer owns, and that Lull knows every file in it.
func (p *pass) adopt(ctx context.Context, baseline *release.Index) error {
	owner, err := observe.Owner(p.folder)
	if err != nil {
		return fmt.Errorf("look for the installer of %s: %w", p.folder, err)
	}
	if owner != "" {
		return block(reconciler.Why(reconciler.OwnedByInstaller, "owner", owner), nil)
	}
	adoption, err := p.work.Adopt(ctx, baseline, p.client.Platform.Keep)
	if err != nil {
		return fmt.Errorf("compare the installation with release %s: %w", baseline.Version, err)
	}
	if len(adoption.Changed)+len(adoption.Missing) > 0 {
		return block(reconciler.Why(reconciler.UnknownBaseline, "version", baseline.Version.String(),
			"changed", sample(adoption.Changed), "missing", sample(adoption.Missing)), nil)
	}
	if len(adoption.Foreign) > 0 {
		return block(foreignReason(adoption.Foreign, len(adoption.Foreign)), nil)
	}
	return nil
}

// progressPause is how often a download is reported, at most.
const progressPause = 2 * time.Second

func (p *pass) progress() func(done, total int64) {
	var last time.Time
	return func(done, total int64) {
		if p.observed.Staged.Equal(p.desired.Version) {
			return // it was staged before, and nobody waits for it
		}
		if now := p.now(); now.Sub(last) >= progressPause {
			last = now
			p.post(p.status(time.Time{}, &wire.Progress{Done: done, Total: total}))
		}
	}
}

// swap asks once more whether all this is still wanted and switches. Somebody who starts the client at the last moment
// wins: the pass ends and the old installation stays.
func (p *pass) swap(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.confirm(); err != nil {
		return err
	}
	if err := p.work.Swap(ctx); err != nil {
		return p.changeOutcome(err)
	}
	p.decision.Phase = reconciler.Updating // until its check is passed
	p.report(time.Time{})
	return nil
}

// confirm looks at the newest orders: the desired state, or what the manifest says about the client, may have changed
// since this pass began. Then the pass ends, and the next one, which comes at once, goes by them.
func (p *pass) confirm() error {
	orders := p.memory.orders()
	fresh := &pass{Agent: p.Agent, client: p.client, orders: orders, name: p.name}
	if err := fresh.resolve(context.Background()); err != nil {
		return err
	}
	decision := reconciler.Plan(fresh.desired, p.observed, p.now())
	same := slices.ContainsFunc(orders.Clients, func(c wire.Client) bool { return reflect.DeepEqual(c, p.client) })
	if same && fresh.desired.Version.Equal(p.desired.Version) && decision.Changes() {
		return nil
	}
	p.Look()
	return wait(decision.Phase, decision.Reason)
}

// check proves that the new installation works; if it does not, the old one comes back and the release is not tried again.
func (p *pass) check(ctx context.Context) error {
	if err := p.prove(ctx, p.work, p.desired.Version); err != nil {
		return err
	}
	p.observed.Version, p.observed.Staged, p.observed.Busy = p.desired.Version, schema.Version{}, nil
	p.decision = reconciler.Plan(p.desired, p.observed, p.now())
	return nil
}

func (p *pass) prove(ctx context.Context, work *install.Installation, version schema.Version) error {
	checked, err := work.Check(ctx)
	if failed := (*install.CheckFailedError)(nil); errors.As(err, &failed) {
		return p.giveUp(ctx, work, version, failed.Why)
	}
	if err != nil {
		return p.changeOutcome(err)
	}
	late, err := work.Commit(ctx)
	if err != nil {
		return p.changeOutcome(err) // the new installation is good; what is left is tidied by the next pass
	}
	p.patienceFor().forget()
	p.log.Info("updated", "client", p.client.Name, "workstation", p.name, "version", version,
		"checkTimedOut", checked.TimedOut, "late", append(checked.Late, late...))
	return nil
}

// giveUp notes that a release failed here; the old one is installed again.
func (p *pass) giveUp(ctx context.Context, work *install.Installation, version schema.Version, why string) error {
	if err := p.memory.markBad(p.client.Name, version); err != nil {
		return err
	}
	p.observed.Staged, p.observed.Bad = schema.Version{}, p.memory.bad(p.client.Name)
	if err := work.Discard(ctx); err != nil {
		return err
	}
	return &outcome{
		phase:  reconciler.RolledBack,
		reason: reconciler.Why(reconciler.CheckFailed, "version", version.String(), "error", why),
		cause:  fmt.Errorf("release %s failed its check: %s", version, why),
	}
}

// tidy closes the installation when nothing is on its way any more, which removes the folder beside it. It stays open
// while user data from before an update lies there, and where the version is known by hashes that it remembers.
func (p *pass) tidy() {
	work := p.works[p.folder]
	if work == nil || p.decision.Changes() || len(p.client.Platform.Version.Command) > 0 {
		return
	}
	if beside, err := os.ReadDir(install.Beside(p.folder)); err != nil || len(beside) > 1 { // more than the lock
		return
	}
	delete(p.works, p.folder)
	if err := work.Close(); err != nil {
		p.log.Warn("close the installation", "client", p.client.Name, "error", err)
	}
}
