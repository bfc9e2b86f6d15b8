package manifests

import (
	"testing"
)

// What every source promises, whatever the place: one story, told to each of them.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, open := range places() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			s := f.source
			if snap := s.Current(); snap.Seen() || snap.Set == nil || snap.Set.Len() != 0 {
				t.Fatalf("before the first look: %+v", *snap)
			}
			start(t, s)
			await(t, s, "a place without manifests", func(n *Snapshot) bool { return n.Seen() && n.Refused == nil && n.Set.Len() == 0 })

			f.put(tree{"main.yaml": server, "README.md": "no manifest"})
			first := await(t, s, "the first manifest", func(n *Snapshot) bool { return servers(n) == "main 5.8.2" })
			if path, ok := first.Find("Server", "main"); !ok || path != "main.yaml" {
				t.Errorf("Find: %q, %v", path, ok)
			}
			if text, _ := first.Text("main.yaml"); string(text) != server {
				t.Errorf("Text: %q", text)
			}

			f.put(tree{"main.yaml": server9, "sub/second.yml": second})
			changed := await(t, s, "a changed and a new one", func(n *Snapshot) bool { return servers(n) == "main 5.9.0, second 1.0" })
			if changed.Revision == first.Revision || changed.Digest == first.Digest || servers(first) != "main 5.8.2" {
				t.Errorf("first %+v, then %+v", *first, *changed)
			}

			f.put(tree{"main.yaml": broken, "sub/second.yml": second})
			refused := await(t, s, "a bad revision", func(n *Snapshot) bool { return n.Refused != nil })
			if refused.Revision != changed.Revision || refused.Set != changed.Set || refused.Refused.Revision == changed.Revision || refused.Refused.Since.IsZero() {
				t.Errorf("a bad revision: %+v", *refused)
			}
			wantText(t, refused.Refused.Errors.Error(), "main.yaml:4:")

			f.put(tree{})
			empty := await(t, s, "an empty revision", func(n *Snapshot) bool {
				return n.Refused != nil && n.Refused.Revision != refused.Refused.Revision
			})
			if servers(empty) != "main 5.9.0, second 1.0" {
				t.Errorf("an empty revision was taken: %+v", *empty)
			}
			wantText(t, empty.Refused.Errors.Error(), "the revision holds no manifest, and the one in force holds 2")

			f.put(tree{"main.yaml": server})
			repaired := await(t, s, "a repaired revision without the second manifest", func(n *Snapshot) bool { return servers(n) == "main 5.8.2" })
			if repaired.Refused != nil || repaired.Digest != first.Digest {
				t.Errorf("repaired: %+v, want the digest %s", *repaired, first.Digest)
			}

			free := f.block()
			s.Nudge()
			gone := await(t, s, "an unreachable place", func(n *Snapshot) bool { return n.Unreachable != nil })
			if servers(gone) != "main 5.8.2" || gone.Revision != repaired.Revision || gone.Unreachable.Since.IsZero() {
				t.Errorf("unreachable: %+v", *gone)
			}
			free()
			s.Nudge()
			await(t, s, "a place that is back", func(n *Snapshot) bool { return n.Unreachable == nil })
			f.put(tree{"main.yaml": server9})
			await(t, s, "a change after that", func(n *Snapshot) bool { return servers(n) == "main 5.9.0" })
		})
	}
}

// The same manifests have the same digest wherever they lie, so that moving them changes nothing.
func TestDigestIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	digests := make(map[string]bool)
	for _, open := range places() {
		f := open(t)
		f.put(tree{"main.yaml": server, "sub/second.yml": second})
		digests[look(t, f.source).Digest] = true
	}
	if len(digests) != 1 || digests[""] {
		t.Errorf("digests: %v", digests)
	}
}
