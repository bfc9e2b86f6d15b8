package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"lull/agent/fetch"
	"lull/internal/wire"
	"lull/manifests"
)

// gitInterval is how often an agent without a server looks at a remote repo: a fleet of them must not be a burden to a
// git server, which is why this is five minutes and not the agent's own interval.
const gitInterval = 5 * time.Minute

// direct is the authority of an agent that reads the manifests itself: it answers check-ins as the server would, with the
// same code.
type direct struct {
	*manifests.Source
	releases *fetch.Source
	interval time.Duration
}

func openDirect(c Config, log *slog.Logger) (*direct, error) {
	source, err := manifests.Open(c.Source, manifests.Options{
		Cache: filepath.Join(c.Data, "manifests.git"), Interval: max(gitInterval, c.Interval.Duration), Log: log,
	})
	if err != nil {
		return nil, err
	}
	releases, err := fetch.Open(c.Releases, indexes(c.Data), fetch.Options{})
	if err != nil {
		return nil, err
	}
	return &direct{Source: source, releases: releases, interval: c.Interval.Duration}, nil
}

// errNotRead means that the first look is still under way.
var errNotRead = errors.New("the manifests were not read yet")

// firstLook is how long a check-in waits for the first look, which may have to clone a repo.
const firstLook = 10 * time.Second

// Checkin answers from the newest good revision and the catalog of releases.
func (d *direct) Checkin(ctx context.Context, c wire.Checkin) (wire.Reply, bool, error) {
	deadline := time.Now().Add(time.Duration(c.Wait) * time.Second)
	for {
		changed := d.Changed() // before the answer is made, so that no change is missed
		reply, err := d.answer(ctx, c)
		if errors.Is(err, errNotRead) {
			if err := waitFor(ctx, changed, firstLook); err != nil {
				return wire.Reply{}, false, err
			}
			reply, err = d.answer(ctx, c)
		}
		if err != nil || reply.Digest != c.Have {
			return reply, err == nil, err
		}
		rest := min(time.Until(deadline), d.interval)
		if rest <= 0 {
			return wire.Reply{}, false, nil
		}
		if err := waitFor(ctx, changed, rest); err != nil {
			return wire.Reply{}, false, err
		}
	}
}

func (d *direct) answer(ctx context.Context, c wire.Checkin) (wire.Reply, error) {
	snapshot := d.Current()
	switch {
	case !snapshot.Taken.IsZero():
	case snapshot.Refused != nil: // with nothing good before it: what the agent knew counts, not that nobody is managed
		return wire.Reply{}, fmt.Errorf("the manifests have errors: %w", snapshot.Refused.Errors[0])
	case snapshot.Unreachable != nil:
		return wire.Reply{}, fmt.Errorf("read the manifests: %s", snapshot.Unreachable.Reason)
	default:
		return wire.Reply{}, errNotRead
	}
	catalog, err := d.releases.Catalog(ctx)
	if err != nil {
		return wire.Reply{}, fmt.Errorf("read the catalog of releases: %w", err)
	}
	reply := wire.NewRevision(snapshot.Revision, snapshot.Set, catalog.Releases).Answer(c)
	reply.Seal()
	return reply, nil
}

func waitFor(ctx context.Context, changed <-chan struct{}, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}
