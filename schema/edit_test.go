package schema

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// manifests is a file with everything that an edit must leave alone.
const manifests = `# the file's own words

# about the client
` + viewer + `
# about pc-1
---
# more about pc-1
apiVersion: lull/v1
kind:   Workstation            # odd spacing
metadata: {name: pc-1}
spec:
  # who
  client: viewer   # the viewer

  version: '5.8'   # for now
  allowDowngrade: true
  labels: {ring: pilot}

# below pc-1
--- # pc-2
{"apiVersion": "lull/v1", "kind": "Workstation", "metadata": {"name": "pc-2"}, "spec": {"client": "viewer", "version": "5.8"}}
...
---
apiVersion: lull/v1
kind: Group
metadata: {name: pc-1}
spec: {client: viewer, members: {names: ["ä*"]}, version: server, suspend: {reason: "ü, version: 5"}}
`

func TestSetPolicyVersion(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		name       string
		version    string
		old, new   string
		alsoBefore string // removed from the file first
	}{
		{KindWorkstation, "pc-1", "5.9", `version: '5.8'   # for now`, `version: "5.9"   # for now`, ""},
		{KindWorkstation, "pc-1", "newest", `version: '5.8'   # for now`, `version: newest   # for now`, ""},
		{KindWorkstation, "pc-2", "~5.9", `"version": "5.8"`, `"version": "~5.9"`, ""},
		{KindWorkstation, "pc-2", "newest", `"version": "5.8"`, `"version": "newest"`, ""},
		{KindWorkstation, "pc-2", "server", `"client": "viewer"}`, `"client": "viewer", "version": "server"}`, `, "version": "5.8"`},
		{KindGroup, "pc-1", "5.9.1", `version: server`, `version: "5.9.1"`, ""},
		{KindWorkstation, "pc-1", "5.9", "# the viewer\n", "# the viewer\n  version: \"5.9\"\n", "  version: '5.8'   # for now\n  allowDowngrade: true\n"},
		{KindWorkstation, "pc-2", "5.9", `"client": "viewer"}`, `"client": "viewer", "version": "5.9"}`, `, "version": "5.8"`},
		{KindGroup, "pc-1", "server", `client: viewer, members: {names: ["ä*"]}`, `client: viewer, version: server, members: {names: ["ä*"]}`, `, version: server`},
	} {
		before := strings.Replace(manifests, c.alsoBefore, "", 1)
		got, err := SetPolicyVersion([]byte(before), c.kind, c.name, c.version)
		want := strings.Replace(before, c.old, c.new, 1)
		if err != nil || string(got) != want || want == before {
			t.Errorf("%s %s to %s: %v\n%s", c.kind, c.name, c.version, err, cmp.Diff(want, string(got)))
		}
		mustSet(t, string(got))
	}
}

func TestRemovePolicyVersion(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		name     string
		old, new string
	}{
		{KindWorkstation, "pc-1", "  version: '5.8'   # for now\n  allowDowngrade: true\n", ""},
		{KindWorkstation, "pc-2", manifests[strings.Index(manifests, "--- # pc-2"):strings.Index(manifests, "---\napiVersion: lull/v1\nkind: Group")], ""},
		{KindGroup, "pc-1", "version: server, ", ""},
	} {
		got, err := RemovePolicyVersion([]byte(manifests), c.kind, c.name)
		want := strings.Replace(manifests, c.old, c.new, 1)
		if err != nil || string(got) != want || want == manifests {
			t.Errorf("%s %s: %v\n%s", c.kind, c.name, err, cmp.Diff(want, string(got)))
		}
		mustSet(t, string(got))
	}
}

func TestRemovePolicyVersionAtTheEndOfBraces(t *testing.T) {
	const before = "apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: a}\nspec: {client: viewer, labels: {a: b},\n  version: '5.8' }\n"
	got, err := RemovePolicyVersion([]byte(before), KindWorkstation, "a")
	if want := strings.Replace(before, ",\n  version: '5.8'", "", 1); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestEditsKeepLineBreaks(t *testing.T) {
	crlf := []byte("\ufeff" + strings.ReplaceAll(manifests, "\n", "\r\n"))
	without, err := RemovePolicyVersion(crlf, KindWorkstation, "pc-1")
	if err != nil {
		t.Fatal(err)
	}
	set, err := SetPolicyVersion(without, KindWorkstation, "pc-1", "5.9")
	if err != nil {
		t.Fatal(err)
	}
	put, err := PutDocument(set, KindWorkstation, "pc-9", fmt.Appendf(nil, station, "pc-9"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(put, []byte("\n")) != bytes.Count(put, []byte("\r\n")) {
		t.Errorf("mixed line breaks:\n%q", put)
	}
	mustSet(t, string(put))
}

func TestPutDocument(t *testing.T) {
	bare := fmt.Sprintf(station, "pc-1")
	extent := manifests[strings.Index(manifests, "apiVersion: lull/v1\nkind:   Workstation"):strings.Index(manifests, "\n# below pc-1")]
	for name, c := range map[string]struct{ doc, want string }{
		"bare":             {bare, strings.Replace(manifests, extent, bare, 1)},
		"marked":           {"---\n" + bare + "...\n", strings.Replace(manifests, extent, bare, 1)},
		"no end":           {strings.TrimSuffix(bare, "\n"), strings.Replace(manifests, extent, bare, 1)},
		"comments above":   {"# new\n" + bare, strings.Replace(manifests, "# more about pc-1\n"+extent, "# new\n"+bare, 1)},
		"comments below":   {bare + "# new\n", strings.Replace(manifests, extent+"\n# below pc-1\n", bare+"# new\n", 1)},
		"comments on both": {"# new\n\n" + bare + "# new\n", strings.Replace(manifests, "# more about pc-1\n"+extent+"\n# below pc-1\n", "# new\n\n"+bare+"# new\n", 1)},
	} {
		got, err := PutDocument([]byte(manifests), KindWorkstation, "pc-1", []byte(c.doc))
		if err != nil || string(got) != c.want || c.want == manifests {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(c.want, string(got)))
		}
		mustSet(t, string(got))
	}
}

func TestPutDocumentAppends(t *testing.T) {
	doc := fmt.Sprintf(station, "new")
	for name, c := range map[string]struct{ file, want string }{
		"empty":    {"", doc},
		"comments": {"# words\n", "# words\n" + doc},
		"others":   {viewer, viewer + "---\n" + doc},
		"no end":   {strings.TrimSuffix(viewer, "\n"), viewer + "---\n" + doc},
		"broken":   {"a: b\n", "a: b\n---\n" + doc},
	} {
		got, err := PutDocument([]byte(c.file), KindWorkstation, "new", []byte(doc))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(c.want, string(got)))
		}
	}
}

func TestPutDocumentInPlaceOfOneOnTheLineOfItsMarker(t *testing.T) {
	before := strings.Replace(manifests, "--- # pc-2\n{", "--- {", 1)
	got, err := PutDocument([]byte(before), KindWorkstation, "pc-2", fmt.Appendf(nil, station, "pc-2"))
	if err != nil || !strings.Contains(string(got), "\n---\n"+fmt.Sprintf(station, "pc-2")+"...\n---\n") {
		t.Errorf("%v\n%s", err, got)
	}
	mustSet(t, string(got))
}

func TestRemoveDocument(t *testing.T) {
	got, err := RemoveDocument([]byte(manifests), KindWorkstation, "pc-1")
	from, to := strings.Index(manifests, "---\n# more about"), strings.Index(manifests, "--- # pc-2")
	if want := manifests[:from] + manifests[to:]; err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, string(got)))
	}
	rest, err := RemoveDocument([]byte("---\n"+viewer), KindClient, "viewer")
	if err != nil || len(rest) != 0 {
		t.Errorf("the last one leaves %q, %v", rest, err)
	}
}

func TestDocument(t *testing.T) {
	got, err := Document([]byte(manifests), KindWorkstation, "pc-1")
	if err != nil || !bytes.HasPrefix(got, []byte("# more about pc-1\napi")) || !bytes.HasSuffix(got, []byte("# below pc-1\n")) {
		t.Errorf("%v\n%s", err, got)
	}
	same, err := PutDocument([]byte(manifests), KindWorkstation, "pc-1", got)
	if err != nil || string(same) != manifests {
		t.Errorf("reading and putting back changes the file: %v\n%s", err, cmp.Diff(manifests, string(same)))
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	file := []byte(manifests)
	set := func(text string) func() ([]byte, error) {
		return func() ([]byte, error) { return SetPolicyVersion([]byte(text), KindWorkstation, "a", "5.9") }
	}
	remove := func(text string) func() ([]byte, error) {
		return func() ([]byte, error) { return RemovePolicyVersion([]byte(text), KindWorkstation, "a") }
	}
	const head = "apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: a}\n"
	for want, edit := range map[string]func() ([]byte, error){
		"no such manifest":                   func() ([]byte, error) { return RemoveDocument(file, KindClient, "x") },
		"read Client x":                      func() ([]byte, error) { return Document(file, KindClient, "x") },
		"set version of Workstation x":       func() ([]byte, error) { return SetPolicyVersion(file, KindWorkstation, "x", "5") },
		"remove version of Workstation x":    func() ([]byte, error) { return RemovePolicyVersion(file, KindWorkstation, "x") },
		"a Client has no policy":             func() ([]byte, error) { return SetPolicyVersion(file, KindClient, "viewer", "5") },
		`version "latest"`:                   func() ([]byte, error) { return SetPolicyVersion(file, KindWorkstation, "pc-1", "latest") },
		"another manifest":                   func() ([]byte, error) { return PutDocument(file, KindClient, "x", []byte(viewer)) },
		"holds 0 manifests":                  func() ([]byte, error) { return PutDocument(file, KindClient, "x", nil) },
		"holds 2 manifests":                  func() ([]byte, error) { return PutDocument(file, KindClient, "viewer", []byte(viewer+"---\n"+viewer)) },
		"unknown field":                      func() ([]byte, error) { return PutDocument(file, KindClient, "viewer", []byte(viewer+"x: y\n")) },
		"twice, in lines 1 and 12":           func() ([]byte, error) { return RemoveDocument([]byte(viewer+"---\n"+viewer), KindClient, "viewer") },
		"not UTF-8":                          func() ([]byte, error) { return PutDocument([]byte("# \xff\n"), KindClient, "viewer", []byte(viewer)) },
		"line 2: not valid YAML":             func() ([]byte, error) { return PutDocument([]byte("a: [\n"), KindClient, "viewer", []byte(viewer)) },
		"has no spec: correct":               set(head + "spec: 5\n"),
		"no spec.client":                     set(head + "spec: {labels: {a: b}}\n"),
		"line 6 is written":                  set(head + "spec:\n  client: viewer\n  version: '>=5,\n    <6'\n"),
		"line 5 is written":                  set(head + "spec:\n  client: |-\n    viewer\n  labels: {a: b}\n"),
		"line 7 is written":                  remove(head + "spec:\n  client: viewer\n  labels: {a: b}\n  ? version\n  : '5.8'\n"),
		"line 7 is written in a way that ca": remove(head + "spec:\n  client: viewer\n  labels: {a: b}\n  version: |-\n    5.8\n"),
	} {
		if got, err := edit(); err == nil || !strings.Contains(err.Error(), want) || got != nil {
			t.Errorf("%s: got %v and\n%s", want, err, got)
		}
	}
}

func TestMarshal(t *testing.T) {
	rule, _ := ParseVersionRule("newest")
	pin, _ := ParseVersionRule("5.10")
	accepts, _ := ParseRange(">=5, <6")
	until := Time{}
	if err := until.UnmarshalText([]byte("2030-01-02T03:04:05+01:00")); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, object := range []any{
		&Server{Meta{Name: "main"}, ServerSpec{Version: MustVersion("5.8")}},
		&Client{Meta{Name: "viewer"}, ClientSpec{Accepts: accepts, Server: "main", Compatibility: NotAboveServer, Platforms: Platforms{Windows: &Platform{
			Install: []string{`C:\Viewer`}, Version: VersionSource{FileVersion: `bin\viewer.exe`, Parts: 3},
			Check: &Check{Command: []string{"check"}, Timeout: Duration{90 * time.Second}, OnTimeout: TimeoutRollback},
		}}}},
		&Release{Meta{Name: "r"}, ReleaseSpec{Client: "viewer", Version: MustVersion("5.10"), Approved: &Decision{By: "yes", Reason: "two\nlines"}}},
		&Group{Meta{Name: "all"}, GroupSpec{Client: "viewer", Members: Members{All: true}, Priority: -3, Policy: Policy{Version: &rule}}},
		&Workstation{Meta{Name: "w"}, WorkstationSpec{Name: "5.8", Client: "viewer", Labels: map[string]string{"z": "true", "a": "- #"}, Computers: []string{"0x1"},
			Policy: Policy{Version: &pin, AllowDowngrade: true, Suspend: &Suspend{Reason: "a: b", Until: until}}}},
	} {
		doc, err := Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		text += "---\n" + string(doc)
	}
	set := mustSet(t, text)
	if w := set.Workstations[0].Spec; w.Name != "5.8" || w.Labels["z"] != "true" || w.Version.String() != "5.10" || !w.Suspend.Until.Equal(until.Time) {
		t.Errorf("%+v in\n%s", w, text)
	}
	again := ""
	for _, object := range []any{set.Servers["main"], set.Clients["viewer"], set.Releases[0], set.Groups[0], set.Workstations[0]} {
		doc, err := Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		again += "---\n" + string(doc)
	}
	if d := cmp.Diff(text, again); d != "" {
		t.Errorf("what was read is written differently:\n%s", d)
	}
	for _, want := range []string{"version: \"5.10\"\n", "version: newest\n", "timeout: \"1m30s\"\n", "accepts: \">=5, <6\"\n", "apiVersion: lull/v1\nkind: Server\nmetadata:\n  name: main\nspec:\n  version: \"5.8\"\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, unwanted := range []string{"compatibility", "method", "foreign", "reason: \"\"", "all: false", "null"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("%q in\n%s", unwanted, text)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for want, object := range map[string]any{
		"none of the kinds":   Server{},
		"nil":                 (*Server)(nil),
		"metadata":            &Server{Spec: ServerSpec{Version: MustVersion("5")}},
		"the policy says not": &Group{Meta{Name: "a"}, GroupSpec{Client: "b", Members: Members{All: true}}},
	} {
		if doc, err := Marshal(object); err == nil || want != "nil" && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n%s", want, err, doc)
		}
	}
}
