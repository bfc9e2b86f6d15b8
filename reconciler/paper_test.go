package reconciler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"lull/schema"
)

// hospitalPaper is the revision that most tests start from: a client bound by its server, and three approved releases
// of which the last is above that server.
const hospitalPaper = `
	Server main: {version: "5.8.2"}
	Client viewer: {server: main, compatibility: not-above-server, accepts: ">=5.0.0, <6.0.0", platforms: {linux: {install: [/opt/viewer], version: {file: VERSION}}}}
	Release r580: {version: "5.8.0", approved: {by: A. Berger}}
	Release r581: {version: "5.8.1", approved: {by: A. Berger}}
	Release r590: {version: "5.9.0", approved: {by: A. Berger}}
`

// store is what the tests have in their release store: 5.8.2 is there, but nobody approved it.
var store = []string{"5.8.0", "5.8.1", "5.8.2", "5.9.0"}

// paper reads manifests written one a line, as "Kind name: {spec}". The client of a Group, Workstation or Release is
// viewer unless its spec says otherwise.
func paper(t *testing.T, lines ...string) *schema.Set {
	t.Helper()
	var text strings.Builder
	for line := range strings.Lines(strings.Join(lines, "\n")) {
		head, spec, ok := strings.Cut(strings.TrimSpace(line), ": {")
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(head, " ")
		if kind != "Server" && kind != "Client" && !strings.Contains(spec, "client:") {
			spec = "client: viewer, " + spec
		}
		fmt.Fprintf(&text, "--- {apiVersion: lull/v1, kind: %s, metadata: {name: %s}, spec: {%s}\n", kind, name, spec)
	}
	file := schema.ParseFile("test.yaml", []byte(text.String()))
	set, errs := schema.NewSet([]*schema.File{file})
	if len(errs) > 0 {
		t.Fatalf("%v\nin\n%s", errs, &text)
	}
	return set
}

// replacing is base without the manifests that lines declare too, and then lines.
func replacing(base, lines string) string {
	var kept strings.Builder
	for line := range strings.Lines(base) {
		head, _, ok := strings.Cut(line, ": {")
		if ok && !strings.Contains(lines, strings.TrimSpace(head)+": {") {
			kept.WriteString(line)
		}
	}
	return kept.String() + lines
}

// stock is a release store that has these versions for linux.
func stock(versions ...string) []Available {
	available := make([]Available, len(versions))
	for i, v := range versions {
		available[i] = Available{Client: "viewer", Version: version(v), System: "linux"}
	}
	return available
}

// card1 is the workstation that most tests ask about.
func card1() Subject {
	return Subject{
		Client: "viewer", Workstation: "CARD-1", Computer: "PC-17", System: "linux",
		Labels: map[string]string{"ward": "cardiology"},
		Facts:  map[string]string{"system": "linux", "arch": "amd64"},
	}
}

// inWords puts a desired state on one line.
func inWords(d Desired) string {
	var words []string
	switch {
	case !d.Managed:
		words = append(words, "unmanaged")
	case d.Problem != nil:
		words = append(words, reasonInWords(*d.Problem))
	default:
		words = append(words, d.Version.String())
	}
	if o, ok := d.Origins["version"]; ok {
		words = append(words, "by "+string(o.Kind)+" "+o.Name)
	}
	if d.AllowDowngrade {
		words = append(words, "downgrade allowed")
	}
	if d.Suspend != nil {
		words = append(words, "suspended by "+d.Origins["suspend"].Name+": "+d.Suspend.Reason)
	}
	return strings.Join(words, ", ")
}

// reasonInWords puts a reason on one line, its arguments sorted by name.
func reasonInWords(r Reason) string {
	words := string(r.Code)
	for _, name := range slices.Sorted(maps.Keys(r.Args)) {
		words += " " + name + "=" + r.Args[name]
	}
	return words
}
