// Package manifests reads where manifests live: a folder, a git repository on this disk, one behind HTTPS, or the
// server's own repository, the Store, which it also writes.
//
// Whatever the place, what comes out is a Snapshot: the last good revision, and beside it, if there is one, the newer
// revision that was refused and since when the place cannot be reached. A revision is a transaction: it is taken whole
// or, if anything in it is wrong, not at all, and then the last good one stays in force. A revision without manifests
// never replaces one that has some, because a folder that was not mounted and a branch that was emptied by mistake look
// exactly like the wish to forget everybody.
//
// A Source has one loop, Run, and publishes each Snapshot through an atomic pointer: Current never blocks, and what it
// returns is never changed. File events and webhooks are hints to look now; the timer is what is relied on. Git is read
// as objects, by go-git, with no work tree, and never by two goroutines at once. The package resolves nothing and knows
// no workstation: what the manifests mean is the matter of package reconciler.
package manifests

import (
	"iter"
	"time"

	"lull/schema"
)

// Snapshot is the state of a source at one moment. It is never changed once made, so that any number of goroutines may
// read it.
type Snapshot struct {
	// Revision that is in force: a commit, or "sha256:…" of a folder. Empty before the first good one, and for a
	// repository without commits.
	Revision string
	// Digest of all manifest files of Revision by name and content: "sha256:…". Two revisions with the same manifests
	// have the same digest, whatever else their commits say and wherever they lie.
	Digest string
	// Set is the manifests of Revision; never nil, and empty before the first good revision.
	Set *schema.Set
	// Taken is when Revision was taken; zero before the first good one.
	Taken time.Time
	// Refused is the newest revision, if it is not in force because something in it is wrong; else nil.
	Refused *Refused
	// Unreachable says that the last look at the source failed; else nil.
	Unreachable *Unreachable

	files map[string]*file
}

// Refused is a revision that did not become the current one.
type Refused struct {
	Revision string
	Errors   schema.Errors // all of them
	Since    time.Time     // when it was refused first
}

// Unreachable says that a source cannot be read. What was read last stays in force.
type Unreachable struct {
	Reason string // of the last attempt
	Since  time.Time
}

// Seen reports whether the source was read at least once, whatever came of it: manifests, none, or a refused revision.
func (s *Snapshot) Seen() bool { return !s.Taken.IsZero() || s.Refused != nil }

// Files are the manifest files of Revision by name, in no order. Nobody may change the bytes.
func (s *Snapshot) Files() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for name, f := range s.files {
			if !yield(name, f.data) {
				return
			}
		}
	}
}

// Text is the content of a manifest file, named as in the positions of Set. Nobody may change the bytes.
func (s *Snapshot) Text(name string) ([]byte, bool) {
	f, ok := s.files[name]
	if !ok {
		return nil, false
	}
	return f.data, true
}

// Find returns the name of the file in which a manifest stands.
func (s *Snapshot) Find(kind schema.Kind, name string) (path string, ok bool) {
	m := lookup(s.Set, kind, name)
	if m == nil {
		return "", false
	}
	return m.At.File, true
}

func lookup(set *schema.Set, kind schema.Kind, name string) *schema.Meta {
	switch kind {
	case schema.KindServer:
		if m, ok := set.Servers[name]; ok {
			return &m.Meta
		}
	case schema.KindClient:
		if m, ok := set.Clients[name]; ok {
			return &m.Meta
		}
	case schema.KindRelease:
		return named(set.Releases, name, func(m *schema.Release) *schema.Meta { return &m.Meta })
	case schema.KindGroup:
		return named(set.Groups, name, func(m *schema.Group) *schema.Meta { return &m.Meta })
	case schema.KindWorkstation:
		return named(set.Workstations, name, func(m *schema.Workstation) *schema.Meta { return &m.Meta })
	}
	return nil
}
