package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lull/agent/command"
	"lull/agent/fetch"
	"lull/agent/idle"
	"lull/agent/install"
	"lull/internal/release"
	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
)

// The whole story with nothing replaced: the gate is proved, the client runs and is waited for, and then it is updated.
func TestBusyClientIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := func(version string) files {
		c := content(version)
		c[program("viewer")] = self(t)
		return c
	}
	w.release("5.8.1", with("5.8.1"))
	w.release("5.8.2", with("5.8.2"))
	w.installed(with("5.8.1"))
	w.want(`version: "5.8.2"`)
	stop := start(t, filepath.Join(w.dir, program("viewer")))
	a := w.agent()
	clear(a.gates)

	got := settled(t, a)
	if got.Phase != reconciler.WaitingForIdle || got.Reason.Code != reconciler.InUse {
		t.Fatalf("got %s %+v", got.Phase, got.Reason)
	}
	if who := got.Reason.Args["process"]; !strings.Contains(who, "viewer") {
		t.Errorf("in use by %q", who)
	}
	if !got.Observed.Staged.Equal(schema.MustVersion("5.8.2")) || got.Since.IsZero() {
		t.Errorf("waits without a staged release, or since never: %+v", got)
	}
	w.whole(with("5.8.1"))
	if rest := a.passAll(t.Context()); rest > idleInterval {
		t.Errorf("looks again after %s only", rest)
	}
	if again := settled(t, a); !again.Since.Equal(got.Since) {
		t.Errorf("waits since %s, then since %s", got.Since, again.Since)
	}

	stop()
	if got := settled(t, a); got.Phase != reconciler.UpToDate || got.Observed.Busy != nil || !got.Observed.Staged.IsZero() {
		t.Fatalf("got %+v", got)
	}
	w.whole(with("5.8.2"))
	if !a.gates[w.dir] {
		t.Error("the gate was not proved before the change")
	}
}

// checked is a release whose check ends with an exit code, which its own program gives.
func checked(t *testing.T, w *world, version, code string) files {
	t.Helper()
	c := content(version)
	c[program("tool")] = self(t)
	w.manifests(clientSpec+"\n      check: {command: ['"+program("tool")+"', "+exitArgument+", '"+code+"']}", `version: "5.8.2"`)
	w.release(version, c)
	return c
}

func TestFailedCheckRollsBackAndIsNotTriedAgainUntilSomebodyAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := checked(t, w, "5.8.1", "0")
	checked(t, w, "5.8.2", "1")
	w.installed(old)
	a := w.agent()
	rolledBack := func(a *Agent, when string) {
		t.Helper()
		got := settled(t, a)
		if got.Phase != reconciler.RolledBack || got.Reason.Code != reconciler.CheckFailed || got.Reason.Args["error"] == "" {
			t.Errorf("%s: got %s %+v", when, got.Phase, got.Reason)
		}
		if len(got.Observed.Bad) != 1 || !got.Observed.Bad[0].Equal(schema.MustVersion("5.8.2")) {
			t.Errorf("%s: bad releases %v", when, got.Observed.Bad)
		}
		w.whole(old)
	}
	rolledBack(a, "at first")
	tries := count(t, a, "5.8.2")
	rolledBack(a, "later")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = w.agent()
	rolledBack(a, "after a restart")
	if again := count(t, a, "5.8.2"); again != tries {
		t.Errorf("%d bad releases, then %d", tries, again)
	}

	// A person asks for another try; the release is as bad as before, and the action is done once.
	w.authority.ask(wire.Action{ID: "7", Verb: wire.Retry, Client: "viewer", By: "ada"})
	if _, err := a.checkin(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, "5.8.2"); n != 0 {
		t.Errorf("%d bad releases after a retry was asked for", n)
	}
	p := until(t, a, "swap")
	if !p.decision.Changes() {
		t.Errorf("nothing is tried after a retry was asked for: %+v", p.decision)
	}
	rolledBack(a, "after the retry")
	if got := w.authority.asked(); !contains(got, "7") {
		t.Error("the action was not reported as done")
	}
	if len(a.memory.done()) != 0 {
		t.Errorf("still reports %v, which nobody asks for any more", a.memory.done())
	}
}

func count(t *testing.T, a *Agent, version string) (n int) {
	t.Helper()
	for _, v := range a.memory.bad("viewer") {
		if v.Equal(schema.MustVersion(version)) {
			n++
		}
	}
	return n
}

func contains(calls []wire.Checkin, id string) bool {
	for _, c := range calls {
		for _, done := range c.Done {
			if done == id {
				return true
			}
		}
	}
	return false
}

func TestOfflineAgentGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle") // it has staged and waits; then the power goes
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, w.path("releases")) // and the releases are out of reach with the server
	w.authority.unreachable(errAway)

	a = w.agent()
	statuses, err := a.Once(t.Context())
	if !errors.Is(err, errAway) {
		t.Errorf("got error %v, want that nobody answered", err)
	}
	if len(statuses) != 1 || statuses[0].Phase != reconciler.UpToDate {
		t.Errorf("got %+v", statuses)
	}
	w.whole(content("5.8.2"))
}

func TestRestartedAgentKnowsWhatItSaw(t *testing.T) {
	t.Parallel()
	w := standard(t)
	before := w.once()
	seen := len(w.authority.asked())
	after := w.once()
	first := w.authority.asked()[seen]
	if len(first.Clients) != 1 || first.Clients[0].Workstation != before.Workstation || first.Have == "" {
		t.Errorf("the first check-in after a restart says %+v", first)
	}
	if !after.Since.Equal(before.Since) {
		t.Errorf("up to date since %s, after a restart since %s", before.Since, after.Since)
	}
}

func TestDesiredChangesWhileStaged(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.release("5.8.3", content("5.8.3"))
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle")
	w.want(`version: "5.8.1"`)
	if got := settled(t, a); got.Phase != reconciler.UpToDate || !got.Observed.Staged.IsZero() {
		t.Errorf("got %+v", got)
	}
	if left := w.beside(); left != "" {
		t.Errorf("left beside: %s", left)
	}
	w.want(`version: "5.8.3"`)
	if got := settled(t, a); got.Phase != reconciler.UpToDate {
		t.Errorf("got %+v", got)
	}
	w.whole(content("5.8.3"))
}

// Whatever becomes known while a pass is under way counts before the swap.
func TestSwapGoesByTheNewestOrders(t *testing.T) {
	withdrawn := `version: "5.8.2"
---
apiVersion: lull/v1
kind: Release
metadata: {name: viewer-5.8.2}
spec: {client: viewer, version: "5.8.2", withdrawn: {by: ada, reason: it crashes}}`
	for _, tt := range []struct{ name, client, policy string }{
		{"withdrawn", clientSpec, withdrawn},
		{"suspended", clientSpec, "version: \"5.8.2\"\n  suspend: {reason: a congress}"},
		{"another version", clientSpec, `version: "5.8.3"`},
		{"not managed any more", clientSpec, "suspend: {reason: over, until: 2020-01-01T00:00:00Z}"},
		{"more to keep", strings.Replace(clientSpec, "[cfg.ini,", "[cfg.ini, 'bin/app.dat',", 1), `version: "5.8.2"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := standard(t)
			w.release("5.8.3", content("5.8.3"))
			w.want(`version: "5.8.2"`)
			a := ordered(t, w)
			p := until(t, a, "swap")
			w.manifests(tt.client, tt.policy)
			if _, err := a.checkin(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			<-a.wake
			var ended *outcome
			if err := p.swap(t.Context()); !errors.As(err, &ended) {
				t.Fatalf("got %v, want the end of the pass", err)
			}
			w.whole(content("5.8.1"))
			select {
			case <-a.wake:
			default:
				t.Error("does not look again at once")
			}
		})
	}
}

// What a person starts to keep after the release was staged is kept.
func TestKeepThatChangedAfterStaging(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle")
	w.manifests(strings.Replace(clientSpec, "[cfg.ini,", "[cfg.ini, notes.txt,", 1), `version: "5.8.2"`)
	put(t, w.dir, files{"notes.txt": "by a person"})
	if got := settled(t, a); got.Phase != reconciler.UpToDate {
		t.Fatalf("got %+v", got)
	}
	want := content("5.8.2")
	want["notes.txt"] = "by a person"
	w.whole(want)
}

// An installation that somebody changed after the release was staged is not replaced.
func TestFileThatChangedAfterStaging(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle")
	put(t, w.dir, files{"bin/app.dat": "patched in place"})
	if got := settled(t, a); got.Phase != reconciler.Blocked || got.Reason.Code != reconciler.UnknownBaseline {
		t.Errorf("got %s %+v", got.Phase, got.Reason)
	}
	if got := read(t, w.dir)["bin/app.dat"]; got != "patched in place" {
		t.Errorf("the patch is gone: %q", got)
	}
}

func TestUserDataThatChangesWhileStaged(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle")
	put(t, w.dir, files{"Logs/b.log": "written meanwhile"})
	settled(t, a)
	want := content("5.8.2")
	want["Logs/b.log"] = "written meanwhile"
	w.whole(want)
}

// An agent that is killed behind the swap is followed by one that proves the new installation and goes on.
func TestKilledBetweenSwapAndCheck(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "check")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.once(); got.Phase != reconciler.UpToDate || !got.Observed.Version.Equal(schema.MustVersion("5.8.2")) {
		t.Errorf("got %+v", got)
	}
	w.whole(content("5.8.2"))
}

// A bad release is taken back by the next agent too, and reported under the workstation's name.
func TestKilledBeforeABadReleaseWasTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := checked(t, w, "5.8.1", "0")
	checked(t, w, "5.8.2", "1")
	w.installed(old)
	a := ordered(t, w)
	until(t, a, "check")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(w.config.Data, statusFile))
	a = w.agent()
	a.passAll(t.Context())
	got := a.board.status("viewer")
	if got.Phase != reconciler.RolledBack || got.Workstation != "CARD ECG 01" || !got.Installed {
		t.Errorf("got %+v", got)
	}
	if !got.Observed.Version.Equal(schema.MustVersion("5.8.1")) || !got.Desired.Equal(schema.MustVersion("5.8.2")) {
		t.Errorf("installed %s, desired %s", got.Observed.Version, got.Desired)
	}
	w.whole(old)
}

// A recovery that cannot go on is reported with everything that is known.
func TestRecoveryThatFailsIsReported(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	until(t, a, "idle")
	put(t, install.Beside(w.dir), files{"journal.json": "{"})
	got := settled(t, a)
	if got.Phase != reconciler.Failed || got.Reason.Args["step"] != "recover" || got.Retry.IsZero() {
		t.Errorf("got %s %+v, retry %s", got.Phase, got.Reason, got.Retry)
	}
	if got.Workstation != "CARD ECG 01" || !got.Installed {
		t.Errorf("registered as %q, installed %t", got.Workstation, got.Installed)
	}
	w.whole(content("5.8.1"))
}

func TestFailuresAreRetriedLaterAndLater(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	bad := w.blob("5.8.2", "bin/app.dat")
	damage(t, bad)
	a := w.agent()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a.now = func() time.Time { return now }
	a.config.Interval.Duration = time.Minute
	got := settled(t, a)
	if got.Reason.Code != reconciler.ReleaseRefused || !got.Retry.After(now) {
		t.Fatalf("got %s %+v, retry %s", got.Phase, got.Reason, got.Retry)
	}
	if rest := a.passAll(t.Context()); rest < minRest || rest > max(minRest, got.Retry.Sub(now)) {
		t.Errorf("rests %s, the next try is due in %s", rest, got.Retry.Sub(now))
	}
	if err := os.WriteFile(bad, []byte(content("5.8.2")["bin/app.dat"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if early := settled(t, a); early.Phase != got.Phase || !early.Retry.Equal(got.Retry) {
		t.Errorf("tried again before it was due: %s %+v", early.Phase, early.Reason)
	}
	now = got.Retry
	if late := settled(t, a); late.Phase != reconciler.UpToDate || !late.Retry.IsZero() {
		t.Errorf("got %s %+v when it was due", late.Phase, late.Reason)
	}
}

func TestPatience(t *testing.T) {
	var p patience
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	first := goal{version: "5.8.2"}
	longest := time.Duration(0)
	for try := range 200 {
		o := &outcome{phase: reconciler.Failed, reason: reconciler.Why(reconciler.FetchFailed)}
		p.failed(first, o, now)
		if wait := o.until.Sub(now); wait < 0 || wait > 2*lastRetry || try == 0 && wait > 2*firstRetry {
			t.Fatalf("try %d waits %s", try, wait)
		} else {
			longest = max(longest, wait)
		}
		if again := p.pending(first, o.until.Add(-1)); again != nil && again.reason.Code != reconciler.FetchFailed {
			t.Fatalf("waits because of %+v", again.reason)
		}
		if p.pending(first, o.until) != nil {
			t.Fatal("is not due when it is due")
		}
		now = o.until
	}
	if longest < lastRetry/2 {
		t.Errorf("never waits longer than %s", longest)
	}
	o := &outcome{}
	for o.until.Sub(now) <= 0 { // full jitter may be no time at all
		p.failed(first, o, now)
	}
	for name, g := range map[string]goal{"another version": {version: "5.8.3"}, "somebody asked": {version: "5.8.2", asked: 1}} {
		if p.pending(g, now) != nil {
			t.Errorf("%s: is waited for as the old goal was", name)
		}
	}
	if p.pending(first, now) == nil {
		t.Error("is not waited for")
	}
	p.forget()
	if p.pending(first, now) != nil {
		t.Error("success was not forgotten")
	}
}

// What the engine and downloads say becomes a phase and a reason, and only failures back off.
func TestChangeOutcome(t *testing.T) {
	t.Parallel()
	p := &pass{Agent: &Agent{}, folder: "/opt/viewer", desired: reconciler.Desired{Version: schema.MustVersion("5.8.2")}}
	for _, tt := range []struct {
		err   error
		phase reconciler.Phase
		code  reconciler.Code
		retry bool
	}{
		{&install.BusyError{Path: "bin/viewer", Err: errAway}, reconciler.WaitingForIdle, reconciler.InUse, false},
		{&install.BusyError{Err: errAway}, reconciler.WaitingForIdle, reconciler.ScanIncomplete, false},
		{&install.BusyError{Err: &inUseError{reconciler.Why(reconciler.InUse, "process", "x")}}, reconciler.WaitingForIdle, reconciler.InUse, false},
		{&install.NoSpaceError{Need: 2, Available: 1}, reconciler.Blocked, reconciler.NoSpace, false},
		{&install.ForeignFilesError{Paths: []string{"a"}, Count: 1}, reconciler.Blocked, reconciler.ForeignFiles, false},
		{&install.FileLockedError{Path: "a", Err: errAway}, reconciler.Failed, reconciler.FileLocked, true},
		{&install.RefusedError{Why: "odd"}, reconciler.Blocked, reconciler.ReleaseRefused, true},
		{release.ErrRefused, reconciler.Blocked, reconciler.ReleaseRefused, true},
		{install.ErrGateUnavailable, reconciler.Blocked, reconciler.GateUnavailable, false},
		{install.ErrInsecure, reconciler.Blocked, reconciler.InsecureFolder, false},
		{&command.InsecureError{Path: "/opt"}, reconciler.Blocked, reconciler.InsecureFolder, false},
		{install.ErrStagingChanged, reconciler.Failed, reconciler.RemovedAfterStaging, true},
		{install.ErrLocked, reconciler.Failed, reconciler.FileLocked, true},
		{install.ErrSettle, reconciler.Failed, reconciler.StepFailed, true},
		{&fetch.Corrupt{}, reconciler.Blocked, reconciler.ReleaseRefused, true},
		{fetch.ErrNotFound, reconciler.Blocked, reconciler.ReleaseMissing, false},
		{&fetch.Refused{Status: "403"}, reconciler.Failed, reconciler.FetchFailed, true},
		{&fetch.Unavailable{Err: errAway}, reconciler.Failed, reconciler.FetchFailed, true},
		{errAway, reconciler.Failed, reconciler.StepFailed, true},
	} {
		got := asOutcome("stage", p.changeOutcome(errors.Join(tt.err)))
		if got.phase != tt.phase || got.reason.Code != tt.code || got.retry != tt.retry {
			t.Errorf("%T %v: got %s %+v, retry %t", tt.err, tt.err, got.phase, got.reason, got.retry)
		}
	}
}

func TestInUse(t *testing.T) {
	since := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	if got := inUse(idle.Result{Unreadable: 3}); got != nil {
		t.Errorf("idle is %+v", got)
	}
	if got := inUse(idle.Result{Incomplete: true, Problem: "x"}); got == nil || got.Code != reconciler.ScanIncomplete {
		t.Errorf("incomplete is %+v", got)
	}
	got := inUse(idle.Result{Busy: []idle.Process{{PID: 7, Name: "viewer", Session: 3, Since: since}, {PID: 8}}})
	for name, want := range map[string]string{"session": "3", "others": "1", "since": "2026-01-01T12:00:00Z"} {
		if got == nil || got.Args[name] != want {
			t.Errorf("%s: got %+v, want %s", name, got, want)
		}
	}
}

// Where the version is known by a command, the command runs in no tree but one that equals a release.
func TestVersionByCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	marker := w.path("marker")
	with := func(version string) files {
		spec := "version: {command: ['" + program("tool") + "', " + touchArgument + ", '" + marker + "', '" + version + "']}\n      keep: [cfg.ini, 'Logs/**']"
		w.manifests(spec, `version: "`+version+`"`)
		c := content(version)
		c[program("tool")] = self(t)
		w.release(version, c)
		return c
	}
	old := with("5.8.1")
	w.installed(old)
	if got := w.once(); got.Phase != reconciler.UpToDate || !got.Observed.Version.Equal(schema.MustVersion("5.8.1")) {
		t.Fatalf("got %+v", got)
	}
	fresh := with("5.8.2")
	put(t, w.dir, files{"bin/app.dat": "patched"})
	if got := w.once(); got.Reason.Code != reconciler.UnknownBaseline {
		t.Errorf("got %s %+v", got.Phase, got.Reason)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command ran although nothing was staged")
	}
	put(t, w.dir, content("5.8.1"))
	if got := w.once(); got.Phase != reconciler.UpToDate || !got.Observed.Version.Equal(schema.MustVersion("5.8.2")) {
		t.Errorf("got %+v", got)
	}
	w.whole(fresh)
	if _, err := os.Stat(marker); err != nil {
		t.Errorf("the version of the staged release was not read: %v", err)
	}
}

func TestTwoAgents(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	if _, err := New(w.config, a.log); !errors.Is(err, ErrRunning) {
		t.Errorf("a second agent with the same data folder: %v", err)
	}
	until(t, a, "idle")

	// Two data folders, one installation: the other agent may not touch it.
	other := *w
	other.config.Data = w.path("data2")
	if got := other.once(); got.Phase != reconciler.Failed || got.Reason.Code != reconciler.FileLocked {
		t.Errorf("a second agent with another data folder: %s %+v", got.Phase, got.Reason)
	}
	if got := settled(t, a); got.Phase != reconciler.UpToDate {
		t.Errorf("got %s %+v", got.Phase, got.Reason)
	}
	w.whole(content("5.8.2"))
}

// An agent that is told to stop leaves what it has begun to the next one, and reports nothing that is not so.
func TestStopDuringAPass(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	before := a.board.version()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.passAll(ctx)
	if a.board.version() != before {
		t.Errorf("reported %+v", a.board.statuses())
	}
	w.whole(content("5.8.1"))
}

func TestProgressIsReported(t *testing.T) {
	t.Parallel()
	w := standard(t)
	w.want(`version: "5.8.2"`)
	a := ordered(t, w)
	p := until(t, a, "stage")
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	a.now = func() time.Time { return now }
	tell := p.progress()
	tell(1, 10)
	tell(2, 10)
	if got := a.board.status("viewer").Progress; got == nil || *got != (wire.Progress{Done: 1, Total: 10}) {
		t.Errorf("got %+v, want the first, since no time has passed", got)
	}
	now = now.Add(progressPause)
	tell(3, 10)
	if got := a.board.status("viewer").Progress; got == nil || got.Done != 3 {
		t.Errorf("got %+v", got)
	}
	if got := settled(t, a); got.Progress != nil {
		t.Errorf("progress of what is done: %+v", got.Progress)
	}
}
