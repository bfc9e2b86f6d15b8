package reconciler

import (
	"fmt"
	"testing"

	"lull/schema"
)

// BenchmarkResolveAndPlan decides about a whole fleet, as the server does after each new revision: 200 groups of which
// each installation is in two or three, and a pin for every hundredth workstation. It also makes the resolver.
func BenchmarkResolveAndPlan(b *testing.B) {
	for _, workstations := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("%dx200", workstations), func(b *testing.B) {
			set, available, fleet := hospital(workstations, 200)
			b.ReportAllocs()
			for b.Loop() {
				resolver := NewResolver(set, available)
				for _, known := range fleet {
					Plan(resolver.Resolve(known.Subject), known.Observed, noon)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*workstations), "ns/workstation")
		})
	}
}

// BenchmarkPreview compares two revisions of a whole fleet, as every page and command does that shows a change first.
func BenchmarkPreview(b *testing.B) {
	set, available, fleet := hospital(10_000, 200)
	before, after := NewResolver(set, available), NewResolver(set, available[1:])
	for b.Loop() {
		Preview(before, after, fleet, noon)
	}
}

// hospital makes a fleet and its groups, which select by prefix (half of them), by wildcards, labels or host name.
func hospital(workstations, groups int) (*schema.Set, []Available, []Known) {
	set := viewerSet("5.8.2")
	set.Groups = append(set.Groups, groupOf("all", 0, schema.Members{All: true}, "newest"))
	for i := range groups - 1 {
		set.Groups = append(set.Groups, groupOf(fmt.Sprintf("group-%d", i), 1+i%4*10+i%3, wardMembers(i), "5.8.1"))
	}
	var available []Available
	for patch := range 10 {
		v := schema.MustVersion(fmt.Sprintf("5.8.%d", patch))
		set.Releases = append(set.Releases, approvedRelease(v))
		available = append(available, Available{"viewer", v, "linux"})
	}
	fleet := make([]Known, workstations)
	for i := range fleet {
		fleet[i] = Known{wardSubject(i, groups), Observed{Version: schema.MustVersion("5.8.0")}}
		if i%100 == 0 {
			set.Workstations = append(set.Workstations, pin(fleet[i].Subject.Workstation, "5.8.1"))
		}
	}
	return set, available, fleet
}

func wardMembers(i int) schema.Members {
	switch i % 6 {
	case 0:
		return schema.Members{Names: []string{fmt.Sprintf("SITE%d-*-ECG-?", i)}}
	case 1:
		return schema.Members{Labels: map[string]string{"ward": fmt.Sprintf("ward-%d", i)}}
	case 2:
		return schema.Members{Computers: []string{fmt.Sprintf("pc%d-*", i)}, Facts: map[string]string{"system": "linux"}}
	}
	return schema.Members{Names: []string{fmt.Sprintf("SITE%d-*", i), fmt.Sprintf("EXTRA%d-*", i)}}
}

func wardSubject(i, groups int) Subject {
	site := i % groups
	return Subject{
		Client:      "viewer",
		Workstation: fmt.Sprintf("Site%d-Room %d-ECG-%d", site, i, i%10),
		Computer:    fmt.Sprintf("PC%d-%d", site, i),
		System:      "linux",
		Labels:      map[string]string{"ward": fmt.Sprintf("ward-%d", site), "building": "A"},
		Facts:       map[string]string{"system": "linux", "arch": "amd64"},
	}
}
