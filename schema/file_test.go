package schema

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const viewer = `apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  compatibility: unchecked
  platforms:
    linux:
      install: [/opt/viewer]
      version: {file: VERSION}
      check: {command: [check]}
`

const station = `apiVersion: lull/v1
kind: Workstation
metadata: {name: %s}
spec:
  client: viewer
  version: "5.8"
`

func TestDefaults(t *testing.T) {
	set := mustSet(t, viewer+"---\n"+fmt.Sprintf(station, "pc-1")+`---
apiVersion: lull/v1
kind: Server
metadata: {name: main}
spec: {version: "5.8"}
---
apiVersion: lull/v1
kind: Client
metadata: {name: bound}
spec: {server: main, platforms: {linux: {install: [/opt/x], version: {file: V}}}}
`)
	p := set.Clients["viewer"].Spec.Platforms.On("linux")
	if p.Method != MethodTree || p.Foreign != ForeignBlock || p.Check.Timeout.Duration != 30*time.Second || p.Check.OnTimeout != TimeoutReport {
		t.Errorf("platform %+v, check %+v", p, p.Check)
	}
	if c := set.Clients["bound"].Spec; c.Compatibility != NotAboveServer || !c.Accepts.IsZero() {
		t.Errorf("client %+v", c)
	}
	if w := set.Workstations[0]; w.Spec.Name != "pc-1" || w.Meta.At != (Position{"a.yaml", 14, 18}) {
		t.Errorf("workstation %+v", w)
	}
	if p := set.Clients["viewer"].Spec.Platforms; p.On("windows") != nil || p.On("plan9") != nil || set.Len() != 4 {
		t.Errorf("%+v, %d manifests", p, set.Len())
	}
}

// The same manifest in every form that people and tools write it in.
func TestForms(t *testing.T) {
	want := mustSet(t, fmt.Sprintf(station, "pc-1")+"---\n"+viewer).Workstations[0].Spec
	forms := map[string]string{
		"json":        `{"apiVersion": "lull/v1", "kind": "Workstation", "metadata": {"name": "pc-1"}, "spec": {"client": "viewer", "version": "5.8"}}`,
		"json lines":  "{\n\t\"apiVersion\": \"lull/v1\",\n\t\"kind\": \"Workstation\",\n\t\"metadata\": {\"name\": \"pc-1\"},\n\t\"spec\": {\"client\": \"viewer\", \"version\": \"5.8\"}\n}\n",
		"crlf":        strings.ReplaceAll(fmt.Sprintf(station, "pc-1"), "\n", "\r\n"),
		"bom":         "\ufeff" + fmt.Sprintf(station, "pc-1"),
		"markers":     "--- # one\n" + fmt.Sprintf(station, "pc-1") + "...\n",
		"empty":       "# nothing\n---\n---\n\n" + fmt.Sprintf(station, "pc-1") + "---\n# nothing\n",
		"plain text":  strings.ReplaceAll(fmt.Sprintf(station, "pc-1"), `"5.8"`, "'5.8'"),
		"end of file": strings.TrimSuffix(fmt.Sprintf(station, "pc-1"), "\n"),
	}
	for name, text := range forms {
		got := mustSet(t, text+"\n---\n"+viewer).Workstations[0].Spec
		if got.Name != want.Name || got.Client != want.Client || got.Version.String() != "5.8" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestLimits(t *testing.T) {
	one := "---\n" + viewer
	many := strings.Repeat("---\n", maxDocuments+1) + viewer
	if f := ParseFile("a", []byte(many)); len(f.Errors) != 0 {
		t.Errorf("empty documents count: %v", f.Errors)
	}
	for name, c := range map[string]struct{ text, want string }{
		"size":      {viewer + strings.Repeat("#", maxFile), "at most 1048576 are allowed"},
		"documents": {strings.Repeat("---\n"+"{apiVersion: lull/v1, kind: Server, metadata: {name: a}, spec: {version: '1'}}\n", maxDocuments+1), "at most 1000 documents"},
		"errors":    {strings.Repeat(one, 2) + strings.Repeat("---\na: b\n", maxErrors), "at most 1000 errors"},
		"wide":      {"apiVersion: lull/v1\nkind: Server\n" + strings.Repeat("a: b\n", 2*maxErrors), "at most 1000 errors"},
	} {
		f := ParseFile("a", []byte(c.text))
		if len(f.Errors) > maxErrors+1 || !strings.Contains(f.Errors.Error(), c.want) {
			t.Errorf("%s: %d errors, none with %q", name, len(f.Errors), c.want)
		}
	}
}

// A file that could not be read whole hides nothing else, and is not taken for one that lacks what it declares.
func TestUnreadableFileIsOneMistake(t *testing.T) {
	cut := ParseFile("a.yaml", []byte(strings.Replace(viewer, "{name: viewer}", "{name: [}", 1)))
	user := ParseFile("b.yaml", fmt.Appendf(nil, station, "pc-1"))
	set, errs := NewSet([]*File{user, cut})
	if set != nil || len(errs) != 1 || errs[0].At.File != "a.yaml" {
		t.Errorf("%v\n%v", set, errs)
	}
}

func TestErrorsAreSortedAcrossFiles(t *testing.T) {
	b := ParseFile("b.yaml", []byte(strings.ReplaceAll(viewer, "spec:", "spek:")+"---\n"+fmt.Sprintf(station, "b")+"  x: 1\n  y: 2\n"))
	a := ParseFile("a.yaml", fmt.Appendf(nil, station+"  z: 1\n", "pc-1"))
	_, errs := NewSet([]*File{b, a})
	var places []string
	for _, e := range errs {
		places = append(places, e.At.String())
	}
	want := []string{"a.yaml:7:3", "b.yaml:4:1", "b.yaml:18:3", "b.yaml:19:3"}
	if d := cmp.Diff(want, places); d != "" {
		t.Errorf("%s\n%v", d, errs)
	}
}

// Files are shared between revisions: what one set finds must not be left in them.
func TestFilesAreReused(t *testing.T) {
	client, user := ParseFile("a.yaml", []byte(viewer)), ParseFile("b.yaml", fmt.Appendf(nil, station, "pc-1"))
	if _, errs := NewSet([]*File{user}); len(errs) != 1 {
		t.Errorf("without the client: %v", errs)
	}
	for range 2 {
		if set, errs := NewSet([]*File{user, client}); errs != nil || set.Len() != 2 {
			t.Errorf("%v, %v", set, errs)
		}
	}
	if set, errs := NewSet(nil); errs != nil || set.Len() != 0 {
		t.Errorf("no files: %v, %v", set, errs)
	}
}

func TestSetIsSorted(t *testing.T) {
	set := mustSet(t, viewer+"---\n"+fmt.Sprintf(station, "b")+"---\n"+fmt.Sprintf(station, "a")+
		"---\n{apiVersion: lull/v1, kind: Release, metadata: {name: z}, spec: {client: viewer, version: '5.9'}}"+
		"\n---\n{apiVersion: lull/v1, kind: Release, metadata: {name: y}, spec: {client: viewer, version: '5.8'}}"+
		"\n---\n{apiVersion: lull/v1, kind: Group, metadata: {name: h}, spec: {client: viewer, members: {all: true}, version: server}}"+
		"\n---\n{apiVersion: lull/v1, kind: Group, metadata: {name: g}, spec: {client: viewer, members: {all: true}, version: server}}\n")
	if set.Workstations[0].Meta.Name != "a" || set.Releases[0].Meta.Name != "y" || set.Groups[0].Meta.Name != "g" {
		t.Errorf("%+v", set)
	}
}

// Different computers under one registered name are different things; one computer, or all of them, are not.
func TestComputersOverlap(t *testing.T) {
	for _, c := range []struct {
		first, other string
		clash        bool
	}{
		{"", "", true},
		{"", "computers: [PC-1]", true},
		{"computers: [PC-1]", "", true},
		{"computers: [PC-1, PC-2]", "computers: [PC-3, pc-2]", true},
		{"computers: [PC-1, pc-1]", "computers: [PC-2]", false},
	} {
		text := viewer
		for i, computers := range []string{c.first, c.other} {
			text += "---\n" + fmt.Sprintf(station, fmt.Sprint("w", i)) + "  name: " + []string{"CARD", "Card"}[i] + "\n  " + computers + "\n"
		}
		if _, errs := NewSet([]*File{ParseFile("a.yaml", []byte(text))}); len(errs) > 1 || (len(errs) == 1) != c.clash {
			t.Errorf("%q and %q: %v", c.first, c.other, errs)
		}
	}
}

// A message repeats the start of a value and never the whole of a large one.
func TestMessagesAreShort(t *testing.T) {
	long := strings.Repeat("1", 10_000)
	for field, text := range map[string]string{
		"version:":    strings.ReplaceAll(station, `"5.8"`, long),
		"a zero":      strings.ReplaceAll(station, `"5.8"`, `"0`+long+`"`),
		"a part":      strings.ReplaceAll(station, `"5.8"`, `"`+strings.Repeat("0", 10_000)+`"`),
		"a marker":    strings.ReplaceAll(station, `"5.8"`, `"5-`+long+`"`),
		"a range":     strings.ReplaceAll(station, `"5.8"`, `"~5.8,`+long+`"`),
		"a moment":    station + "  suspend: {reason: a, until: " + long + "}\n",
		"a duration":  strings.ReplaceAll(viewer, "[check]", "[check], timeout: x"+long),
		"a name":      strings.ReplaceAll(viewer, "name: viewer", "name: "+long),
		"a wrong key": viewer + long + ": x\n",
	} {
		errs := ParseFile("a.yaml", []byte(strings.ReplaceAll(text, "%s", "a"))).Errors
		if len(errs) == 0 || len(errs[0].Error()) > 1000 {
			t.Errorf("%s: %d errors, %.200q", field, len(errs), errs.Error())
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{At: Position{"a.yaml", 3, 7}, Path: "spec.version", Message: "unknown", Hint: "write it"}
	if got := e.Error(); got != "a.yaml:3:7: spec.version: unknown (write it)" {
		t.Error(got)
	}
	if got := (&Error{At: Position{"a.yaml", 1, 1}, Message: "unknown"}).Error(); got != "a.yaml:1:1: unknown" {
		t.Error(got)
	}
	if all := (Errors{e, e}).Unwrap(); len(all) != 2 || all[0] != error(e) {
		t.Error(all)
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"version", "suspend", "by"}
	for word, want := range map[string]string{
		"verison": "did you mean version?", "VERSION": "did you mean version?", "bx": "did you mean by?", "colour": "", "x": "", strings.Repeat("v", 100): "",
	} {
		if got := didYouMean(word, words); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// What would end a program that only expects mistakes of the ordinary kind must end as a mistake here.
func TestHostileInput(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 20000), strings.Repeat("{a: ", 5000), "a: &a [*a, *a]", "&a [*a]", "? ? ? a", "!<", "--- |\n a\n--- >\n b",
		"a: 'x", "- - - -", "\x00", "%", "a: !!binary x", "{apiVersion: lull/v1, kind: Server, metadata: [], spec: 5}", ": :", "*a", "key: *missing",
	} {
		f := ParseFile("a", []byte(text))
		if len(f.Errors) == 0 {
			t.Errorf("%.20q is accepted", text)
		}
		for _, e := range f.Errors {
			if e.At.Line < 1 || e.At.Column < 1 || e.At.Line > 2+strings.Count(text, "\n") {
				t.Errorf("%.20q: place %s", text, e.At)
			}
		}
	}
}

func mustSet(t testing.TB, text string) *Set {
	t.Helper()
	set, errs := NewSet([]*File{ParseFile("a.yaml", []byte(text))})
	if errs != nil {
		t.Fatalf("%v\nin\n%s", errs, text)
	}
	return set
}
