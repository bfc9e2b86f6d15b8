package reconciler

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/schema"
)

// Which manifest decides about CARD-1, and what it says then.
func TestResolve(t *testing.T) {
	tests := []struct {
		name  string
		lines string
		want  string
	}{
		{"no manifest is about it", ``, "unmanaged"},
		{"a workstation without a version", `Workstation CARD-1: {labels: {room: a}}`, "unmanaged"},
		{"a group that everybody is in", `Group all: {members: {all: true}, version: "5.8.1"}`, "5.8.1, by Group all"},
		{"a group for another client", `
			Client other: {compatibility: unchecked, platforms: {linux: {install: [/opt/other], version: {file: VERSION}}}}
			Group all: {client: other, members: {all: true}, version: "5.8.1"}
			Workstation CARD-1: {client: other, version: "5.8.1"}`, "unmanaged"},

		// Precedence.
		{"workstation before group", `
			Group high: {members: {all: true}, priority: 99, version: "5.8.1", allowDowngrade: true}
			Workstation CARD-1: {version: "5.8.0"}`, "5.8.0, by Workstation CARD-1"},
		{"a workstation by its registered name", `
			Workstation ecg: {name: card-1, version: "5.8.0"}`, "5.8.0, by Workstation ecg"},
		{"a workstation that sets no version leaves it to the groups", `
			Group all: {members: {all: true}, version: "5.8.1"}
			Workstation CARD-1: {labels: {room: a}}`, "5.8.1, by Group all"},
		{"highest priority", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, priority: 10, version: "5.8.1", allowDowngrade: true}
			Group c: {members: {all: true}, priority: -1, version: "5.8.0"}`, "5.8.1, by Group b, downgrade allowed"},
		{"the highest priority of those that set a version", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, priority: 10, suspend: {reason: freeze}}`, "5.8.0, by Group a, suspended by b: freeze"},
		{"a workstation of which one computer is meant", `
			Workstation a: {name: CARD-1, computers: [pc-16, pc-17], version: "5.8.0"}
			Workstation b: {name: CARD-1, computers: [pc-18], version: "5.8.1"}`, "5.8.0, by Workstation a"},
		{"a workstation of which other computers are meant", `
			Group all: {members: {all: true}, version: "5.8.1"}
			Workstation b: {name: CARD-1, computers: [pc-18], version: "5.8.0"}`, "5.8.1, by Group all"},

		// Ambiguity.
		{"groups of one priority disagree", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {names: [CARD-*]}, version: "5.8.1"}`, "Ambiguous group=a other=b"},
		{"the third group disagrees", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, version: "5.8.0"}
			Group c: {members: {all: true}, version: "5.8.1"}`, "Ambiguous group=a other=c"},
		{"groups disagree about downgrades", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, version: "5.8.0", allowDowngrade: true}`, "Ambiguous group=a other=b"},
		{"groups agree", `
			Group b: {members: {all: true}, version: newest}
			Group a: {members: {all: true}, version: newest}`, "5.8.1, by Group a"},
		{"groups agree in two spellings", `
			Group a: {members: {all: true}, version: "5.8"}
			Group b: {members: {all: true}, version: "5.8.0"}`, "5.8.0, by Group a"},
		{"an exact version and a range", `
			Group a: {members: {all: true}, version: "5.8.1"}
			Group b: {members: {all: true}, version: "=5.8.1"}`, "Ambiguous group=a other=b"},
		{"the other group is for others", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {names: [LAB-*]}, version: "5.8.1"}`, "5.8.0, by Group a"},
		{"groups of a lower priority disagree", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, version: "5.8.1"}
			Group c: {members: {all: true}, priority: 1, version: "5.8.2"}`, "5.8.2, by Group c"},
		{"a workstation settles it", `
			Group a: {members: {all: true}, version: "5.8.0"}
			Group b: {members: {all: true}, version: "5.8.1"}
			Workstation CARD-1: {version: "5.8.2"}`, "5.8.2, by Workstation CARD-1"},

		// Suspension: any matching manifest.
		{"by the workstation", `
			Group all: {members: {all: true}, version: "5.8.1"}
			Workstation CARD-1: {suspend: {reason: ECG study}}`, "5.8.1, by Group all, suspended by CARD-1: ECG study"},
		{"by a group of low priority", `
			Group a: {members: {all: true}, suspend: {reason: freeze}}
			Group b: {members: {all: true}, priority: 5, version: "5.8.1"}`, "5.8.1, by Group b, suspended by a: freeze"},
		{"by a group for others", `
			Group a: {members: {names: [LAB-*]}, suspend: {reason: freeze}}`, "unmanaged"},
		{"the longest lasts", `
			Group a: {members: {all: true}, suspend: {reason: long, until: "2027-01-02T00:00:00Z"}}
			Group b: {members: {all: true}, suspend: {reason: longer, until: "2027-01-03T00:00:00+01:00"}}
			Workstation CARD-1: {suspend: {reason: short, until: "2027-01-01T00:00:00Z"}}`, "unmanaged, suspended by b: longer"},
		{"without end is longest", `
			Group a: {members: {all: true}, suspend: {reason: long, until: "2027-01-02T00:00:00Z"}}
			Group b: {members: {all: true}, suspend: {reason: for ever}}
			Group c: {members: {all: true}, suspend: {reason: longer, until: "2027-01-03T00:00:00Z"}}
			Group d: {members: {all: true}, suspend: {reason: for ever and ever}}`, "unmanaged, suspended by b: for ever"},
		{"while the groups disagree", `
			Group a: {members: {all: true}, version: "5.8.0", suspend: {reason: freeze}}
			Group b: {members: {all: true}, version: "5.8.1"}`, "Ambiguous group=a other=b, suspended by a: freeze"},

		// Membership. An empty list of members is refused by schema and would match nobody.
		{"a name with wildcards, in any case", `Group g: {members: {names: [lab-*, "c?rd-*"]}, version: "5.8.1"}`, "5.8.1, by Group g"},
		{"a computer", `Group g: {members: {computers: ["*-17"]}, version: "5.8.1"}`, "5.8.1, by Group g"},
		{"another computer", `Group g: {members: {computers: ["*-18"]}, version: "5.8.1"}`, "unmanaged"},
		{"a label", `Group g: {members: {labels: {ward: cardiology}}, version: "5.8.1"}`, "5.8.1, by Group g"},
		{"a label in another case", `Group g: {members: {labels: {ward: Cardiology}}, version: "5.8.1"}`, "unmanaged"},
		{"a label that is not there", `Group g: {members: {labels: {room: a}}, version: "5.8.1"}`, "unmanaged"},
		{"a fact", `Group g: {members: {facts: {arch: amd64}}, version: "5.8.1"}`, "5.8.1, by Group g"},
		{"all must match", `Group g: {members: {names: [CARD-*], labels: {ward: cardiology}, facts: {arch: arm64}}, version: "5.8.1"}`, "unmanaged"},
		{"all match", `Group g: {members: {names: [CARD-*], computers: [pc-17], labels: {ward: cardiology}, facts: {arch: amd64, system: linux}}, version: "5.8.1"}`, "5.8.1, by Group g"},
		{"a label of the manifest", `
			Group g: {members: {labels: {room: a}}, version: "5.8.1"}
			Workstation CARD-1: {labels: {room: a}}`, "5.8.1, by Group g"},
		{"a label of the manifest wins over the reported one", `
			Group g: {members: {labels: {ward: cardiology}}, version: "5.8.1"}
			Workstation CARD-1: {labels: {ward: laboratory}}`, "unmanaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver := NewResolver(paper(t, hospitalPaper, test.lines), stock(store...))
			if got := inWords(resolver.Resolve(card1())); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// Groups that disagree block those workstations only that are in both.
func TestResolveAmbiguousForSome(t *testing.T) {
	resolver := NewResolver(paper(t, hospitalPaper, `
		Group cards: {members: {names: [CARD-*]}, version: "5.8.0"}
		Group ones: {members: {names: ["*-1"]}, version: "5.8.1"}`), stock(store...))
	for workstation, want := range map[string]string{
		"CARD-1": "Ambiguous group=cards other=ones",
		"CARD-2": "5.8.0, by Group cards",
		"LAB-1":  "5.8.1, by Group ones",
		"LAB-2":  "unmanaged",
	} {
		if got := inWords(resolver.Resolve(Subject{Client: "viewer", Workstation: workstation, System: "linux"})); got != want {
			t.Errorf("%s: got %s, want %s", workstation, got, want)
		}
	}
}

// A client that no manifest describes is unmanaged, and so is everything before the first manifest.
func TestResolveUnknownClient(t *testing.T) {
	lone := &schema.Set{ // schema refuses manifests about a client that is not there; they must do no harm either
		Groups:       []*schema.Group{groupOf("all", 0, schema.Members{All: true}, "newest")},
		Workstations: []*schema.Workstation{pin("CARD-1", "5.8.1")},
		Releases:     []*schema.Release{approvedRelease(version("5.8.1"))},
	}
	for name, set := range map[string]*schema.Set{"no manifest": {}, "no Client": lone} {
		got := NewResolver(set, stock("5.8.1")).Resolve(card1())
		if diff := cmp.Diff(Desired{Client: "viewer", Workstation: "CARD-1"}, got, equalVersions); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// A group that selects by nothing selects nobody.
func TestResolveEmptyMembers(t *testing.T) {
	set := viewerSet("5.8.2")
	set.Groups = []*schema.Group{groupOf("nobody", 0, schema.Members{}, "5.8.1")}
	if got := inWords(NewResolver(set, stock("5.8.1")).Resolve(card1())); got != "unmanaged" {
		t.Errorf("got %s, want unmanaged", got)
	}
}

// Every field of a desired state is there, names the manifest that it comes from, and survives the wire.
func TestResolveWhole(t *testing.T) {
	set := paper(t, hospitalPaper, `
		Group all: {members: {all: true}, version: "~5.8", allowDowngrade: true}
		Workstation CARD-1: {suspend: {reason: ECG study, by: Dr. Yilmaz, until: "2027-01-01T00:00:00+01:00"}}`)
	got := NewResolver(set, stock(store...)).Resolve(card1())
	suspend := &schema.Suspend{Reason: "ECG study", By: "Dr. Yilmaz"}
	if err := suspend.Until.UnmarshalText([]byte("2027-01-01T00:00:00+01:00")); err != nil {
		t.Fatal(err)
	}
	accepts, err := schema.ParseRange(">=5.0.0, <6.0.0")
	if err != nil {
		t.Fatal(err)
	}
	want := Desired{
		Client: "viewer", Workstation: "CARD-1", Managed: true, Rule: "~5.8", Version: version("5.8.1"),
		Accepts: accepts, Ceiling: version("5.8.2"), AllowDowngrade: true, Suspend: suspend,
		Origins: map[string]Origin{
			"accepts":        {Kind: schema.KindClient, Name: "viewer", At: set.Clients["viewer"].Meta.At},
			"allowDowngrade": {Kind: schema.KindGroup, Name: "all", At: set.Groups[0].Meta.At},
			"ceiling":        {Kind: schema.KindServer, Name: "main", At: set.Servers["main"].Meta.At},
			"suspend":        {Kind: schema.KindWorkstation, Name: "CARD-1", At: set.Workstations[0].Meta.At},
			"version":        {Kind: schema.KindGroup, Name: "all", At: set.Groups[0].Meta.At},
		},
	}
	if diff := cmp.Diff(want, got, equalVersions); diff != "" {
		t.Errorf("Resolve: (-want +got)\n%s", diff)
	}
	data, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var decoded Desired
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	if diff := cmp.Diff(got, decoded, equalVersions); diff != "" {
		t.Errorf("after the wire: (-sent +received)\n%s", diff)
	}
}

// equalVersions compares versions and ranges as they are written, which is stricter than Equal.
var equalVersions = cmp.Options{
	cmp.Comparer(func(a, b schema.Version) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b schema.Range) bool { return a.String() == b.String() }),
}

// A client that is not bounded has no ceiling, also where it names a server for the rule "server".
func TestResolveUnbounded(t *testing.T) {
	set := paper(t, replacing(hospitalPaper, clientWith("unchecked")), `Workstation CARD-1: {version: server}`)
	got := NewResolver(set, stock(store...)).Resolve(card1())
	want := Origin{Kind: schema.KindWorkstation, Name: "CARD-1", At: set.Workstations[0].Meta.At}
	if diff := cmp.Diff(map[string]Origin{"version": want, "allowDowngrade": want}, got.Origins); diff != "" {
		t.Errorf("origins: (-want +got)\n%s", diff)
	}
	if !got.Ceiling.IsZero() {
		t.Errorf("the ceiling is %s, want none", got.Ceiling)
	}
}
