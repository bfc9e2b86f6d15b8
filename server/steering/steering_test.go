package steering_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/wire"
	"lull/manifests"
	"lull/schema"
	"lull/server/steering"
)

// fleet has a pin and a range of each kind, a name that covers some computers only, and another client.
const fleet = `
{apiVersion: lull/v1, kind: Client, metadata: {name: viewer}, spec: {compatibility: unchecked, platforms: {linux: {install: [/opt/viewer], version: {file: V}}}}}
---
{apiVersion: lull/v1, kind: Client, metadata: {name: other}, spec: {compatibility: unchecked, platforms: {linux: {install: [/opt/other], version: {file: V}}}}}
---
{apiVersion: lull/v1, kind: Group, metadata: {name: vip}, spec: {client: viewer, members: {names: ['VIP *']}, priority: 5, version: "5.7"}}
---
{apiVersion: lull/v1, kind: Group, metadata: {name: beta}, spec: {client: viewer, members: {names: ['BETA *']}, priority: 6, version: newest}}
---
{apiVersion: lull/v1, kind: Group, metadata: {name: all}, spec: {client: other, members: {all: true}, version: "1.0"}}
---
{apiVersion: lull/v1, kind: Workstation, metadata: {name: a}, spec: {name: CARD A, client: viewer, version: "5.8.0"}}
---
{apiVersion: lull/v1, kind: Workstation, metadata: {name: b}, spec: {name: CARD B, client: viewer, labels: {ward: b}, version: "~5.8"}}
---
{apiVersion: lull/v1, kind: Workstation, metadata: {name: c}, spec: {name: CARD C, client: viewer, labels: {ward: c}, computers: [PC-1], version: "5.8.0"}}
---
{apiVersion: lull/v1, kind: Workstation, metadata: {name: d}, spec: {name: CARD A, client: other, version: "1.0"}}
`

const everybody = `{apiVersion: lull/v1, kind: Group, metadata: {name: hospital}, spec: {client: viewer, members: {all: true}, version: "5.6"}}`

// store is a store with these manifests in force.
func store(t testing.TB, texts ...string) *manifests.Store {
	t.Helper()
	s, err := manifests.OpenStore(t.TempDir(), manifests.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), manifests.Change{Author: "a test", Reason: "begin", Edit: func(d *manifests.Draft) error {
		e := steering.Edit{Draft: d, Set: s.Current().Set}
		return e.PutAll([]byte(strings.Join(texts, "\n---\n")))
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// steer previews a request: what it changed, and the version that each manifest of the client sets then.
func steer(t testing.TB, s *manifests.Store, in wire.SetVersion) (changed []string, versions map[string]string, err error) {
	t.Helper()
	var e steering.Edit
	set, err := s.Preview(t.Context(), manifests.Change{Author: "a test", Reason: "x", Edit: func(d *manifests.Draft) error {
		e = steering.Edit{Draft: d, Set: s.Current().Set}
		return e.SetVersion(in)
	}})
	if err != nil {
		return nil, nil, err
	}
	versions = map[string]string{}
	note := func(name, client string, rule *schema.VersionRule) {
		if client == in.Client {
			versions[name] = "-"
			if rule != nil {
				versions[name] = rule.String()
			}
		}
	}
	for _, g := range set.Groups {
		note("Group "+g.Meta.Name, g.Spec.Client, g.Spec.Version)
	}
	for _, w := range set.Workstations {
		note("Workstation "+w.Meta.Name, w.Spec.Client, w.Spec.Version)
	}
	return e.Changed, versions, nil
}

func TestSetVersion(t *testing.T) {
	before := map[string]string{"Group vip": "5.7", "Group beta": "newest", "Workstation a": "5.8.0", "Workstation b": "~5.8", "Workstation c": "5.8.0"}
	for name, test := range map[string]struct {
		more    string
		in      wire.SetVersion
		changed []string
		after   map[string]string // what differs from before; "" is gone
	}{
		"a workstation in any case": {
			in: wire.SetVersion{Workstations: []string{"card a"}}, changed: []string{"Workstation a"}, after: map[string]string{"Workstation a": "5.9"},
		},
		"one with a range": {
			in: wire.SetVersion{Workstations: []string{"CARD B"}}, changed: []string{"Workstation b"}, after: map[string]string{"Workstation b": "5.9"},
		},
		"one of which some computers have their own": {
			in: wire.SetVersion{Workstations: []string{"CARD C"}}, changed: []string{"Workstation c"}, after: map[string]string{"Workstation c": "5.9"},
		},
		"new ones, named twice": {
			in: wire.SetVersion{Workstations: []string{"Süd 1", "SÜD 1", "CARD A"}}, changed: []string{"Workstation s-d-1", "Workstation a"},
			after: map[string]string{"Workstation s-d-1": "5.9", "Workstation a": "5.9"},
		},
		"a group": {
			in: wire.SetVersion{Group: "beta"}, changed: []string{"Group beta"}, after: map[string]string{"Group beta": "5.9"},
		},
		"all, and pins go": {
			in: wire.SetVersion{All: true}, changed: []string{"Group all-viewer", "Workstation a", "Workstation c", "Group vip"},
			after: map[string]string{"Group all-viewer": "5.9", "Group vip": "", "Workstation a": "", "Workstation c": "-"},
		},
		"all, and pins stay": {
			in: wire.SetVersion{All: true, KeepPins: true}, changed: []string{"Group all-viewer"}, after: map[string]string{"Group all-viewer": "5.9"},
		},
		"all, where there is such a group": {
			more: everybody, in: wire.SetVersion{All: true, KeepPins: true}, changed: []string{"Group hospital"}, after: map[string]string{"Group hospital": "5.9"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.in.Client, test.in.Version = "viewer", "5.9"
			changed, got, err := steer(t, store(t, fleet, test.more), test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.changed, changed); diff != "" {
				t.Error(diff)
			}
			want := map[string]string{}
			for _, versions := range []map[string]string{before, test.after} {
				for manifest, version := range versions {
					want[manifest] = version
				}
			}
			for manifest, version := range want {
				if version == "" {
					delete(want, manifest)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSetVersionForNobody(t *testing.T) {
	s := store(t, fleet)
	for name, in := range map[string]wire.SetVersion{
		"a group of another client": {Client: "viewer", Version: "5.9", Group: "all"},
		"no such client":            {Client: "none", Version: "5.9", All: true},
		"for all and one":           {Client: "viewer", Version: "5.9", All: true, Workstations: []string{"CARD A"}},
		"pins of nobody":            {Client: "viewer", Version: "5.9", KeepPins: true},
	} {
		if _, _, err := steer(t, s, in); !errors.Is(err, steering.ErrAsk) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// BenchmarkSetVersion sets the version of every workstation of a large fleet by name; what the manifests then are is not
// judged.
func BenchmarkSetVersion(b *testing.B) {
	const many = 10_000
	names := make([]string, many)
	files := make([]*schema.File, many)
	texts := make(map[string][]byte, many)
	for i := range names {
		names[i] = fmt.Sprintf("WARD %d", i)
		path := fmt.Sprintf("ward-%d.yaml", i)
		texts[path] = fmt.Appendf(nil, "{apiVersion: lull/v1, kind: Workstation, metadata: {name: ward-%d}, spec: {name: WARD %d, client: viewer, version: \"5.8\"}}\n", i, i)
		files[i] = schema.ParseFile(path, texts[path])
	}
	set, errs := schema.NewSet(append(files, schema.ParseFile("fleet.yaml", []byte(fleet))))
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	s := store(b, fleet)
	_, err := s.Write(b.Context(), manifests.Change{Author: "a test", Reason: "x", Edit: func(d *manifests.Draft) error {
		for path, text := range texts {
			if err := d.Write(path, text); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	in := wire.SetVersion{Client: "viewer", Version: "5.9", Workstations: names}
	stop := errors.New("enough")
	for b.Loop() {
		_, err := s.Preview(b.Context(), manifests.Change{Author: "a test", Reason: "x", Edit: func(d *manifests.Draft) error {
			e := steering.Edit{Draft: d, Set: set}
			if err := e.SetVersion(in); err != nil {
				return err
			}
			return stop
		}})
		if !errors.Is(err, stop) {
			b.Fatal(err)
		}
	}
}
