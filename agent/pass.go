package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"lull/agent/idle"
	"lull/agent/install"
	"lull/agent/observe"
	"lull/internal/wire"
	"lull/reconciler"
)

// pass is one look at one client on this computer, and what may be done about it now. Its fields are filled in by the
// steps in their order; it is thrown away at its end, and the next pass finds everything out anew.
type pass struct {
	*Agent
	client wire.Client // where to look
	orders wire.Reply  // what shall be there

	folder   string // of the installation; empty if there is none
	name     string // the workstation's registered name; as it was last time until it is read anew
	observed reconciler.Observed
	desired  reconciler.Desired
	decision reconciler.Decision

	work *install.Installation // where the pass changes something
}

// step is one line of the table of contents.
type step struct {
	name string
	do   func(context.Context) error
}

func (p *pass) steps() []step {
	return []step{
		{"recover", p.recover}, // finish or undo what a killed agent left behind
		{"observe", p.observe}, // what is really there
		{"resolve", p.resolve}, // what shall be there
		{"plan", p.plan},       // the steps between them, or why there are none
		{"stage", p.stage},     // the new tree, complete and verified, beside the old one
		{"idle", p.idle},       // nobody uses the client, or the pass ends here
		{"swap", p.swap},       // the one moment in which something changes
		{"check", p.check},     // the new installation works, or the old one comes back
	}
}

func (a *Agent) newPass(client wire.Client, orders wire.Reply) *pass {
	name := cmp.Or(a.config.Name, a.board.status(client.Name).Workstation, a.config.Host)
	return &pass{Agent: a, client: client, orders: orders, name: name}
}

// run takes the steps until one ends the pass, and reports however it ends.
func (p *pass) run(ctx context.Context) {
	defer p.tidy()
	for _, step := range p.steps() {
		err := step.do(ctx)
		if ctx.Err() != nil {
			return // the agent stops; what was begun is journaled
		}
		if err != nil {
			p.end(step.name, asOutcome(step.name, err))
			return
		}
	}
	p.report(time.Time{})
}

// end reports why the pass ended before its last step.
func (p *pass) end(step string, o *outcome) {
	p.decision.Phase, p.decision.Reason = o.phase, o.reason
	level := slog.LevelDebug // what lasts is not said again in each pass
	if last := p.board.status(p.client.Name); o.retry || last.Phase != o.phase || last.Reason.Code != o.reason.Code {
		level = slog.LevelWarn
	}
	if o.retry {
		p.patienceFor().failed(p.goal(), o, p.now())
	}
	if o.cause != nil {
		p.log.Log(context.Background(), level, "pass ended", "client", p.client.Name, "step", step, "phase", o.phase,
			"reason", o.reason.Code, "error", o.cause, "retry", o.until)
	}
	p.report(o.until)
}

// report puts the result up for the authority, `lull-agent status` and the log.
func (p *pass) report(retry time.Time) {
	p.post(p.status(retry, nil))
}

func (p *pass) status(retry time.Time, progress *wire.Progress) wire.Status {
	return wire.Status{
		Client:      p.client.Name,
		Workstation: p.name,
		Installed:   p.folder != "",
		Observed:    p.observed,
		Desired:     p.desired.Version,
		Revision:    p.orders.Revision,
		Phase:       p.decision.Phase,
		Reason:      p.decision.Reason,
		Retry:       retry,
		Progress:    progress,
	}
}

func (p *pass) post(s wire.Status) {
	before := p.board.status(s.Client)
	if err := p.board.post(s, p.now()); err != nil {
		p.log.Error("keep the status", "error", err)
	}
	if before.Phase != s.Phase || before.Reason.Code != s.Reason.Code {
		p.log.Info("status", "client", s.Client, "workstation", s.Workstation, "phase", s.Phase, "reason", s.Reason.Code,
			"installed", s.Observed.Version, "desired", s.Desired)
	}
}

// rest is how long the client may be left alone at most.
func (p *pass) rest() time.Duration {
	if p.decision.Phase == reconciler.WaitingForIdle {
		return idleInterval
	}
	if again := p.patienceFor().pending(p.goal(), p.now()); again != nil {
		return max(minRest, again.until.Sub(p.now()))
	}
	return math.MaxInt64
}

func (p *pass) goal() goal { return goal{p.desired.Version.String(), p.memory.retried(p.client.Name)} }

func (p *pass) patienceFor() *patience {
	if p.Agent.patience[p.client.Name] == nil {
		p.Agent.patience[p.client.Name] = &patience{}
	}
	return p.Agent.patience[p.client.Name]
}

// recover looks beside every folder in which the client may be installed: in the middle of a swap the installation's own
// folder may be missing. It runs in mode report too, because what it finishes is the agent's own work. Where it ends the
// pass, the report tells what is there all the same.
func (p *pass) recover(ctx context.Context) error {
	err := p.recoverAll(ctx)
	if err != nil {
		_ = errors.Join(p.observe(ctx), p.resolve(ctx)) // the error that ends the pass is the one that matters
	}
	return err
}

func (p *pass) recoverAll(ctx context.Context) error {
	for _, folder := range observe.Candidates(p.client.Platform, p.config.Roots) {
		if !install.Begun(folder) {
			continue
		}
		work, err := p.workOn(folder)
		if err != nil {
			return err
		}
		outcome, err := work.Recover(ctx)
		if err != nil {
			return p.changeOutcome(err)
		}
		if err := p.goOn(ctx, work, outcome); err != nil {
			return err
		}
	}
	return nil
}

// goOn does what an earlier pass, or a killed agent, left to be done.
func (p *pass) goOn(ctx context.Context, work *install.Installation, o install.Outcome) error {
	if o.Undone || o.Replaced {
		p.log.Warn("recovered an interrupted update", "client", p.client.Name, "version", o.Version, "undone", o.Undone, "replaced", o.Replaced)
	}
	switch o.Todo {
	case install.TodoCheck:
		return p.prove(ctx, work, o.Version)
	case install.TodoDiscard:
		return p.giveUp(ctx, work, o.Version, o.Failure)
	}
	return nil
}

// observe finds the installation, its version and its name.
func (p *pass) observe(ctx context.Context) error {
	p.observed.ReportOnly = p.config.Mode == ModeReport
	p.observed.Bad = p.memory.bad(p.client.Name)
	folder, problem, err := observe.Find(p.client.Platform, p.config.Roots)
	if err != nil {
		return err
	}
	if p.observed.Problem = problem; problem != nil {
		return nil
	}
	p.folder = folder
	if err := p.observeName(); err != nil {
		return err
	}
	return p.observeVersion(ctx)
}

func (p *pass) observeName() error {
	if p.config.Name != "" {
		return nil
	}
	name, found, err := observe.Name(p.folder, p.client.Platform.Name, p.config.Roots)
	if err != nil {
		return fmt.Errorf("read the workstation's name: %w", err)
	}
	if p.name = p.config.Host; found {
		p.name = name
	}
	return nil
}

// observeVersion reads the installed version. One that cannot be read is unknown, which is a reason and no failure.
func (p *pass) observeVersion(ctx context.Context) error {
	source := p.client.Platform.Version
	if len(source.Command) > 0 {
		return p.versionByTree(ctx)
	}
	version, err := observe.Version(p.folder, source)
	if err != nil {
		unknown := reconciler.Why(reconciler.UnknownBaseline, "folder", p.folder, "error", err.Error())
		p.observed.Problem = &unknown
		return nil
	}
	p.observed.Version = version
	return nil
}

// resolve takes what the authority said for this client under this name.
func (p *pass) resolve(context.Context) error {
	for _, d := range p.orders.Desired {
		if d.Client == p.client.Name && strings.EqualFold(d.Workstation, p.name) {
			p.desired = d
			return nil
		}
	}
	return wait(reconciler.Unmanaged, reconciler.Why(reconciler.NotResolved))
}

// plan decides, and ends the pass where nothing is to be done or may be done. A tree that was staged for something else
// is given up.
func (p *pass) plan(ctx context.Context) error {
	if err := p.observeStaged(ctx); err != nil {
		return err
	}
	p.decision = reconciler.Plan(p.desired, p.observed, p.now())
	if p.decision.Reason.Code == reconciler.ReleaseBad {
		return p.whyBad()
	}
	if !p.decision.Changes() {
		return wait(p.decision.Phase, p.decision.Reason)
	}
	if pending := p.patienceFor().pending(p.goal(), p.now()); pending != nil {
		return pending
	}
	return nil
}

// whyBad goes on telling how the desired release failed here, for as long as it is the desired one.
func (p *pass) whyBad() error {
	last := p.board.status(p.client.Name)
	if last.Phase == reconciler.RolledBack && last.Reason.Args["version"] == p.desired.Version.String() {
		return wait(last.Phase, last.Reason)
	}
	return wait(p.decision.Phase, p.decision.Reason)
}

func (p *pass) observeStaged(ctx context.Context) error {
	if p.folder == "" || !install.Begun(p.folder) {
		return nil
	}
	work, err := p.workOn(p.folder)
	if err != nil {
		return err
	}
	staged, ok := work.Staged()
	switch {
	case !ok:
		return nil
	case staged.Equal(p.desired.Version) && !staged.Equal(p.observed.Version):
		p.observed.Staged = staged
		return nil
	case p.desired.Problem != nil:
		return nil // what is wanted is not known at the moment; it may well be this again
	}
	return work.Discard(ctx)
}

// idle ends the pass while the client is in use, naming who uses it.
func (p *pass) idle(ctx context.Context) error {
	result, err := p.scanner.Scan(ctx, idle.Query{
		Folders: []string{p.folder, install.Beside(p.folder)},
		Names:   p.client.Platform.Busy.Processes,
	})
	if err != nil {
		return err
	}
	if p.observed.Busy = inUse(result); p.observed.Busy == nil {
		return nil
	}
	p.decision = reconciler.Plan(p.desired, p.observed, p.now())
	return wait(p.decision.Phase, p.decision.Reason)
}
