package manifests

import (
	"fmt"
	"testing"
)

const fleet = 10_000 // workstations, each with a file of its own, in a hundred folders

const benchClient = `apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  compatibility: unchecked
  platforms: {linux: {install: [/opt/viewer], version: {file: VERSION}}}
`

func benchWorkstation(i int, version string) (path, text string) {
	return fmt.Sprintf("ward-%02d/ws-%05d.yaml", i%100, i), fmt.Sprintf(`apiVersion: lull/v1
kind: Workstation
metadata: {name: ws-%05d}
spec:
  client: viewer
  labels: {ward: ward-%02d}
  version: %q
`, i, i%100, version)
}

// fleetStore is a store of a whole fleet, and two revisions that differ in one file.
func fleetStore(b *testing.B) (s *Store, revisions [2]string) {
	b.Helper()
	s, _ = newStore(b)
	files := tree{"viewer.yaml": benchClient}
	for i := range fleet {
		path, text := benchWorkstation(i, "5.8.0")
		files[path] = text
	}
	revisions[0] = mustWrite(b, s, put(files))
	path, text := benchWorkstation(4711, "5.8.1")
	revisions[1] = mustWrite(b, s, put(tree{path: text}))
	return s, revisions
}

// BenchmarkRevision is what one new revision of 10,000 files costs a source: read from git, parsed and judged.
func BenchmarkRevision(b *testing.B) {
	s, revisions := fleetStore(b)
	for name, remembers := range map[string]bool{"one-changed": true, "everything": false} {
		b.Run(name, func(b *testing.B) {
			var w walker
			var known map[string]*file
			next := func(i int) (parsed int) {
				if !remembers {
					w, known = walker{}, nil
				}
				storage, err := openStorage(s.repo.path)
				if err != nil {
					b.Fatal(err)
				}
				l, err := w.walk(b.Context(), storage, hash(revisions[i%2]))
				if err != nil {
					b.Fatal(err)
				}
				c, set, errs := l.judge(known, s.Current().Set)
				if len(errs) > 0 || set.Len() != fleet+1 {
					b.Fatal(errs)
				}
				for name, f := range c.files {
					if known[name] != f {
						parsed++
					}
				}
				known = c.files
				return parsed
			}
			next(1)
			total, i := 0, 0
			for b.Loop() {
				total += next(i)
				i++
			}
			b.ReportMetric(float64(total)/float64(i), "parsed/op")
		})
	}
}

// BenchmarkWrite is one change of one manifest among 10,000, from the request to the published snapshot.
func BenchmarkWrite(b *testing.B) {
	s, _ := fleetStore(b)
	i := 0
	for b.Loop() {
		path, text := benchWorkstation(i%fleet, fmt.Sprintf("5.8.%d", 2+i/fleet))
		mustWrite(b, s, put(tree{path: text}))
		i++
	}
}
