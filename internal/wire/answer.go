package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"lull/internal/release"
	"lull/reconciler"
	"lull/schema"
)

// Revision is one state of the manifests and of the release store, ready to answer check-ins. It never changes.
type Revision struct {
	Name     string // of the manifests: a git commit, or the digest of a folder
	Set      *schema.Set
	Releases []release.Ref
	Resolver *reconciler.Resolver
}

// NewRevision makes the manifests of a set and the releases of a store ready to answer check-ins.
func NewRevision(name string, set *schema.Set, releases []release.Ref) *Revision {
	available := make([]reconciler.Available, len(releases))
	for i, r := range releases {
		available[i] = reconciler.Available{Client: r.Client, Version: r.Version, System: r.System}
	}
	return &Revision{Name: name, Set: set, Releases: releases, Resolver: reconciler.NewResolver(set, available)}
}

// Subjects says for whom a check-in asks, one for each client that it names.
func (c Checkin) Subjects() []reconciler.Subject {
	subjects := make([]reconciler.Subject, len(c.Clients))
	for i, status := range c.Clients {
		subjects[i] = reconciler.Subject{
			Client: status.Client, Workstation: status.Workstation, Computer: c.Facts[FactHost],
			System: c.Facts[FactSystem], Labels: c.Labels, Facts: c.Facts,
		}
	}
	return subjects
}

// Answer is the reply to a check-in: where to look, what shall be there, and which releases that may need. It leaves out
// where a desired state comes from, which is for people, so that moving a manifest is no news to an agent. Privacy and
// actions are the caller's to add, before it calls Seal.
func (r *Revision) Answer(c Checkin) Reply {
	reply := Reply{Revision: r.Name}
	system := c.Facts[FactSystem]
	for _, name := range slices.Sorted(maps.Keys(r.Set.Clients)) {
		if platform := r.Set.Clients[name].Spec.Platforms.On(system); platform != nil {
			reply.Clients = append(reply.Clients, Client{Name: name, Platform: *platform})
		}
	}
	for i, subject := range c.Subjects() {
		desired := r.Resolver.Resolve(subject)
		desired.Origins = nil
		reply.Desired = append(reply.Desired, desired)
		reply.Releases = append(reply.Releases, r.needed(c.Clients[i], desired.Version, system)...)
	}
	return reply
}

// needed lists the releases that an agent may need for one client: the desired one, the installed one to compare with,
// and the one that waits beside it. Where the version is known only by comparing files, that is all of them.
func (r *Revision) needed(status Status, desired schema.Version, system string) (refs []release.Ref) {
	client := r.Set.Clients[status.Client]
	if client == nil {
		return nil
	}
	platform := client.Spec.Platforms.On(system)
	all := platform != nil && len(platform.Version.Command) > 0
	for _, ref := range r.Releases {
		if ref.Client != status.Client || ref.System != system {
			continue
		}
		if all || ref.Version.Equal(desired) || ref.Version.Equal(status.Observed.Version) || ref.Version.Equal(status.Observed.Staged) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Seal sets the digest by which an agent says that it has this reply.
func (r *Reply) Seal() {
	r.Digest = ""
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain values always encode
	}
	sum := sha256.Sum256(data)
	r.Digest = hex.EncodeToString(sum[:16])
}
