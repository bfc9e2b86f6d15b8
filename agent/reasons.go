package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lull/agent/command"
	"lull/agent/fetch"
	"lull/agent/idle"
	"lull/agent/install"
	"lull/internal/release"
	"lull/reconciler"
)

// This file puts what the engine, a download or a scan has to say into reasons.

// changeOutcome says what an error of the engine or of a download means for the installation.
func (p *pass) changeOutcome(err error) error {
	var (
		busy    *install.BusyError
		space   *install.NoSpaceError
		foreign *install.ForeignFilesError
		locked  *install.FileLockedError
		refused *install.RefusedError
		exposed *command.InsecureError
		version = p.desired.Version.String()
	)
	switch {
	case errors.As(err, &busy):
		p.observed.Busy = busyReason(busy)
		return wait(reconciler.WaitingForIdle, *p.observed.Busy)
	case errors.As(err, &space):
		return block(reconciler.Why(reconciler.NoSpace, "needed", strconv.FormatInt(space.Need, 10),
			"available", strconv.FormatInt(space.Available, 10), "folder", p.folder), err)
	case errors.As(err, &foreign):
		return block(foreignReason(foreign.Paths, foreign.Count), err)
	case errors.As(err, &locked):
		return fail(reconciler.Why(reconciler.FileLocked, "path", locked.Path), err)
	case errors.As(err, &refused), errors.Is(err, release.ErrRefused):
		return refuse(version, err)
	case errors.Is(err, install.ErrGateUnavailable):
		return block(reconciler.Why(reconciler.GateUnavailable, "error", err.Error()), err)
	case errors.As(err, &exposed):
		return block(reconciler.Why(reconciler.InsecureFolder, "folders", exposed.Path), err)
	case errors.Is(err, install.ErrInsecure):
		return block(reconciler.Why(reconciler.InsecureFolder, "folders", install.Beside(p.folder)), err)
	case errors.Is(err, install.ErrStagingChanged):
		return fail(reconciler.Why(reconciler.RemovedAfterStaging, "version", version), err)
	case errors.Is(err, install.ErrLocked):
		return fail(reconciler.Why(reconciler.FileLocked, "path", install.Beside(p.folder)), err)
	}
	return fetchOutcome(version, err)
}

// fetchOutcome says what an error of a download means.
func fetchOutcome(version string, err error) error {
	var (
		corrupt     *fetch.Corrupt
		refused     *fetch.Refused
		unavailable *fetch.Unavailable
	)
	switch {
	case errors.As(err, &corrupt):
		return refuse(version, err)
	case errors.Is(err, fetch.ErrNotFound):
		return block(reconciler.Why(reconciler.ReleaseMissing, "version", version), err)
	case errors.As(err, &refused), errors.As(err, &unavailable):
		return fail(reconciler.Why(reconciler.FetchFailed, "version", version, "error", err.Error()), err)
	}
	return err
}

func foreignReason(paths []string, count int) reconciler.Reason {
	return reconciler.Why(reconciler.ForeignFiles, "count", strconv.Itoa(count), "files", sample(paths))
}

// sampleSize is how many names of a list a reason carries.
const sampleSize = 5

func sample(names []string) string {
	if len(names) > sampleSize {
		names = append(names[:sampleSize:sampleSize], "…")
	}
	return strings.Join(names, ", ")
}

// inUseError carries what a scan under the gate found through the engine.
type inUseError struct{ reason reconciler.Reason }

func (e *inUseError) Error() string { return "in use: " + string(e.reason.Code) }

func (a *Agent) scanUnderGate(ctx context.Context, folders, names []string) error {
	result, err := a.scanner.ScanDeep(ctx, idle.Query{Folders: folders, Names: names})
	if err != nil {
		return err
	}
	if reason := inUse(result); reason != nil {
		return &inUseError{*reason}
	}
	return nil
}

// busyReason names who uses the client, as well as the gate or the scan under it could tell.
func busyReason(busy *install.BusyError) *reconciler.Reason {
	if found := (*inUseError)(nil); errors.As(busy, &found) {
		return &found.reason
	}
	reason := reconciler.Why(reconciler.InUse, "process", filepath.Base(busy.Path))
	if busy.Path == "" { // it was the scan, which could not be made
		reason = reconciler.Why(reconciler.ScanIncomplete, "error", busy.Err.Error())
	}
	return &reason
}

// inUse puts what a scan found into a reason, nil if the client is idle.
func inUse(r idle.Result) *reconciler.Reason {
	var reason reconciler.Reason
	switch {
	case len(r.Busy) > 0:
		first := r.Busy[0]
		reason = reconciler.Why(reconciler.InUse, "process", fmt.Sprintf("%s (%d)", first.Name, first.PID))
		if first.Session != 0 { // 0 is the session of services, or none
			reason.Args["session"] = strconv.Itoa(first.Session)
		}
		if others := len(r.Busy) - 1; others > 0 {
			reason.Args["others"] = strconv.Itoa(others)
		}
		if !first.Since.IsZero() {
			reason.Args["since"] = first.Since.UTC().Format(time.RFC3339)
		}
	case r.Incomplete:
		reason = reconciler.Why(reconciler.ScanIncomplete, "error", r.Problem)
	default:
		return nil
	}
	return &reason
}
