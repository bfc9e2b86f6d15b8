package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"lull/agent/command"
	"lull/internal/fileversion"
	"lull/internal/release"
	"lull/schema"
)

const (
	defaultCheckTimeout = 30 * time.Second // what schema.Check promises where a manifest names none
	versionTimeout      = 30 * time.Second // of a version command, which only prints a line
)

// Checked is what a passed check has to report.
type Checked struct {
	TimedOut bool     // the check command did not end in time, and the manifest says that this alone is no failure
	Late     []string // user data that was written to the old tree after the swap, now beside the current file
}

// Check proves the installed new tree: its files equal the index, its version reads as it should, and its check command,
// if it has one, exits with 0. The client may be started meanwhile. On failure the old tree is installed again and the
// error is a *CheckFailedError; a *BusyError means that this must wait until nobody uses the client (Recover tries
// again). When Check returns nil, Commit comes next; a check that was cut off by its context says nothing, and neither
// does a *command.InsecureError, after which nothing was run and the same check comes again.
func (i *Installation) Check(ctx context.Context) (Checked, error) {
	j, err := i.require(checking)
	if err != nil {
		return Checked{}, fmt.Errorf("check: %w", err)
	}
	checked, failure := i.prove(ctx, j)
	if ctx.Err() != nil {
		return Checked{}, ctx.Err()
	}
	if failure == nil {
		if checked.Late, err = i.lateOf(ctx, j); err == nil && len(checked.Late) > 0 {
			err = i.enter(j, checking) // so that Commit does not save them once more
		}
		return checked, spaceError(i.staging, err)
	}
	if isSharing(failure) { // somebody holds a file, so that nothing is proven
		return Checked{}, &BusyError{Err: failure}
	}
	if isInsecure(failure) { // somebody has changed access rights since the swap: nothing is proven either
		return Checked{}, failure
	}
	j.Failure, j.Aside = failure.Error(), i.freeKeptName()
	if err := i.enter(j, reverting); err != nil {
		return Checked{}, spaceError(i.staging, err)
	}
	failed := &CheckFailedError{j.target.Version, j.Failure}
	if err := i.revert(ctx, j); err != nil {
		return Checked{}, fmt.Errorf("take %s back after a failed check (%s): %w", j.target.Version, j.Failure, spaceError(i.staging, err))
	}
	return Checked{}, failed
}

func (i *Installation) lateOf(ctx context.Context, j *journal) ([]string, error) {
	old, ok := i.locate(j.Old)
	if !ok {
		return nil, nil
	}
	return i.late(ctx, j, old)
}

// prove runs nothing before all files were read back from the disk, of a tree that nobody could change meanwhile.
func (i *Installation) prove(ctx context.Context, j *journal) (Checked, error) {
	if err := trusted(i.dir, j.target, j.keep); err != nil {
		return Checked{}, err
	}
	d, err := compare(ctx, i.dir, j.target, j.keep, matches)
	if err != nil {
		return Checked{}, err
	}
	if !d.Same() {
		return Checked{}, fmt.Errorf("%d files are not what the index says, such as %s",
			len(d.Changed)+len(d.Missing), append(d.Changed, d.Missing...)[0])
	}
	if err := i.readBack(ctx, i.dir, j.target, j.keep); err != nil {
		return Checked{}, err
	}
	if j.target.Check == nil || len(j.target.Check.Command) == 0 {
		return Checked{}, nil
	}
	return runCheck(ctx, runnable(i.dir, j.target, j.keep), j.target.Check)
}

// readBack reads the version of a tree whose files were just hashed.
func (i *Installation) readBack(ctx context.Context, root string, index *release.Index, k keep) error {
	got, err := i.readVersion(ctx, root, index, k)
	if err != nil {
		return fmt.Errorf("read the version back: %w", err)
	}
	if want := index.Version.Cut(index.Read.Parts); !got.Equal(want) {
		return fmt.Errorf("the version reads %q, want %s", got, want)
	}
	return nil
}

func (i *Installation) readVersion(ctx context.Context, root string, index *release.Index, k keep) (schema.Version, error) {
	if len(index.Read.Command) == 0 {
		return i.options.ReadVersion(root, index.Read)
	}
	output, err := runnable(root, index, k).Run(ctx, index.Read.Command, versionTimeout)
	if err != nil {
		return schema.Version{}, err
	}
	v, err := fileversion.Text(bytes.NewReader(output))
	if err != nil {
		return schema.Version{}, fmt.Errorf("the first line of what %s wrote: %w", index.Read.Command[0], err)
	}
	return v.Cut(index.Read.Parts), nil
}

// runCheck runs the check command of the index.
func runCheck(ctx context.Context, tree command.Tree, check *schema.Check) (Checked, error) {
	timeout := check.Timeout.Duration
	if timeout <= 0 {
		timeout = defaultCheckTimeout
	}
	_, err := tree.Run(ctx, check.Command, timeout)
	if errors.Is(err, command.ErrTimeout) && check.OnTimeout != schema.TimeoutRollback {
		return Checked{TimedOut: true}, nil
	}
	if err != nil {
		return Checked{}, fmt.Errorf("the check failed: %w", err)
	}
	return Checked{}, nil
}
