package agent

import (
	"context"

	"lull/internal/release"
	"lull/reconciler"
)

// versionByTree is how the version is known where a manifest says that a command prints it: a manifest's command is never
// executed, but an installation that equals a release, file by file, has the version of that release.
func (p *pass) versionByTree(ctx context.Context) error {
	work, err := p.workOn(p.folder)
	if err != nil {
		return err
	}
	var unread error
	for _, ref := range p.likelyReleases() {
		index, err := p.releases.Index(ctx, ref)
		if err != nil {
			unread = fetchOutcome(ref.Version.String(), err)
			continue
		}
		difference, err := work.Adopt(ctx, index, p.client.Platform.Keep)
		if err != nil {
			return err
		}
		if difference.Same() {
			p.observed.Version = ref.Version
			return nil
		}
	}
	unknown := reconciler.Why(reconciler.UnknownBaseline, "folder", p.folder)
	p.observed.Problem = &unknown
	return unread
}

// likelyReleases are the releases of the client, the one that was installed last time first.
func (p *pass) likelyReleases() []release.Ref {
	last := p.board.status(p.client.Name).Observed.Version
	var likely, others []release.Ref
	for _, ref := range p.orders.Releases {
		switch {
		case ref.Client != p.client.Name:
		case ref.Version.Equal(last):
			likely = append(likely, ref)
		default:
			others = append(others, ref)
		}
	}
	return append(likely, others...)
}
