package reconciler

import (
	"testing"
)

// Which release a rule chooses. The store has 5.8.0, 5.8.1, 5.8.2 and 5.9.0, all but 5.8.2 are approved, and the
// program's server is a 5.8.2 that bounds its clients, unless a test says otherwise.
func TestChoose(t *testing.T) {
	const unchecked = `Client viewer: {compatibility: unchecked, platforms: {linux: {install: [/opt/viewer], version: {file: VERSION}}}}`
	tests := []struct {
		name     string
		rule     string
		manifest string   // more manifests; one of the same name takes the place of that of hospitalPaper
		store    []string // nil: store
		want     string
	}{
		// Exact: naming a version is an approval in itself.
		{"approved", "5.8.1", ``, nil, "5.8.1"},
		{"never approved", "5.8.2", ``, nil, "5.8.2"},
		{"not in the store", "5.8.3-rc1", `Server main: {version: "5.9"}`, nil, "ReleaseMissing system=linux version=5.8.3-rc1"},
		{"spelt shorter than in the store", "5.8", ``, nil, "5.8.0"},
		{"spelt longer than in the store", "5.8.0.0", ``, []string{"5.8"}, "5.8"},
		{"spelt in two ways in the store", "5.8.0", ``, []string{"5.8.0", "5.8"}, "5.8"},
		{"withdrawn", "5.8.1", `Release r581: {version: "5.8.1", withdrawn: {by: B. Kaya, reason: CHG-9}}`, nil,
			"ReleaseWithdrawn by=B. Kaya reason=CHG-9 version=5.8.1"},
		{"withdrawn after it was approved, in another spelling", "5.8.0",
			`Release r580: {version: "5.8", approved: {by: A. Berger}, withdrawn: {by: B. Kaya, reason: CHG-9}}`, nil,
			"ReleaseWithdrawn by=B. Kaya reason=CHG-9 version=5.8.0"},
		{"a pre-release", "5.8.2-rc1", ``, []string{"5.8.2-rc1"}, "5.8.2-rc1"},

		// Exact, out of bounds.
		{"above the server", "5.9.0", ``, nil, "NotCompatible rule=not-above-server server=5.8.2 version=5.9.0"},
		{"above the server and not in the store", "6.0", ``, nil, "NotCompatible rule=not-above-server server=5.8.2 version=6.0"},
		{"a pre-release above the server", "5.8.3-rc1", ``, nil, "NotCompatible rule=not-above-server server=5.8.2 version=5.8.3-rc1"},
		{"the release above a server that is a pre-release", "5.9.0", `Server main: {version: "5.9.0-rc1"}`, nil,
			"NotCompatible rule=not-above-server server=5.9.0-rc1 version=5.9.0"},

		// The server's own version.
		{"as the server", "server", ``, nil, "5.8.2"},
		{"as a server that is spelt otherwise", "server", `Server main: {version: "5.9"}`, nil, "5.9.0"},
		{"as a server whose version is not in the store", "server", `Server main: {version: "5.8.3"}`, nil, "ReleaseMissing system=linux version=5.8.3"},
		{"as a server that is a pre-release", "server", `Server main: {version: "5.9-rc1"}`, []string{"5.9-rc1"}, "5.9-rc1"},
		{"as the server, withdrawn", "server", `Release r582: {version: "5.8.2", withdrawn: {by: B. Kaya}}`, nil,
			"ReleaseWithdrawn by=B. Kaya reason= version=5.8.2"},

		// Newest and ranges: approved releases only, below the server's version.
		{"newest", "newest", ``, nil, "5.8.1"},
		{"newest, where ten is above nine", "newest", `
			Server main: {version: "5.10"}
			Release r5100: {version: "5.10.0", approved: {by: A. Berger}}`, []string{"5.9.0", "5.10.0", "5.8.1"}, "5.10.0"},
		{"newest, once its release is approved", "newest", `Release r582: {version: "5.8.2.0", approved: {by: A. Berger}}`, nil, "5.8.2"},
		{"newest, where the newest is withdrawn", "newest", `Release r581: {version: "5.8.1", approved: {by: A. Berger}, withdrawn: {by: B. Kaya}}`, nil, "5.8.0"},
		{"newest, where the newest is neither approved nor withdrawn", "newest", `Release r581: {version: "5.8.1"}`, nil, "5.8.0"},
		{"newest of those in the store", "newest", ``, []string{"5.8.0"}, "5.8.0"},
		{"newest of nothing", "newest", ``, []string{}, "ReleaseMissing rule=newest server=5.8.2 system=linux"},
		{"newest is never a pre-release", "newest", `Release rc: {version: "5.8.2-rc1", approved: {by: A. Berger}}`, []string{"5.8.2-rc1", "5.8.0"}, "5.8.0"},
		{"range", "<5.8.1", ``, nil, "5.8.0"},
		{"range of two parts", "~5.8", ``, nil, "5.8.1"},
		{"range that names a pre-release", "=5.8.2-rc1", `Release rc: {version: "5.8.2-rc1", approved: {by: A. Berger}}`, []string{"5.8.2-rc1"}, "5.8.2-rc1"},
		{"range above the server", ">=5.9", ``, nil, "ReleaseMissing rule=>=5.9 server=5.8.2 system=linux"},
		{"range with nothing approved", ">5.8.1, <5.9", ``, nil, "ReleaseMissing rule=>5.8.1, <5.9 server=5.8.2 system=linux"},

		// The other compatibilities.
		{"same two parts", "newest", clientWith("same-two-parts"), nil, "5.8.1"},
		{"same two parts, none of them there", "newest", clientWith("same-two-parts"), []string{"5.7.9", "5.9.0"}, "ReleaseMissing rule=newest server=5.8.2 system=linux"},
		{"same two parts, exact and other", "5.7.9", clientWith("same-two-parts"), nil, "NotCompatible rule=same-two-parts server=5.8.2 version=5.7.9"},
		{"same two parts, exact and above", "5.8.3", clientWith("same-two-parts"), nil, "NotCompatible rule=same-two-parts server=5.8.2 version=5.8.3"},
		{"same version, exact", "5.8.2", clientWith("same-version"), nil, "5.8.2"},
		{"same version, exact and other", "5.8.1", clientWith("same-version"), nil, "NotCompatible rule=same-version server=5.8.2 version=5.8.1"},
		{"same version, newest but not approved", "newest", clientWith("same-version"), nil, "ReleaseMissing rule=newest server=5.8.2 system=linux"},
		{"same version, newest and approved", "newest", clientWith("same-version") + `
			Release r582: {version: "5.8.2", approved: {by: A. Berger}}`, nil, "5.8.2"},
		{"unchecked, exact", "5.9.0", unchecked, nil, "5.9.0"},
		{"unchecked, newest", "newest", unchecked, nil, "5.9.0"},
		{"unchecked, nothing there", ">6", unchecked, nil, "ReleaseMissing rule=>6 system=linux"},
		{"unchecked, with the server's version", "server", clientWith("unchecked"), nil, "5.8.2"},
		{"unchecked, with the version of no server", "server", unchecked, nil, "ServerVersionUnknown server="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.store == nil {
				test.store = store
			}
			set := paper(t, replacing(hospitalPaper, test.manifest), `Workstation CARD-1: {version: "`+test.rule+`"}`)
			got := NewResolver(set, stock(test.store...)).Resolve(card1())
			if want := test.want + ", by Workstation CARD-1"; inWords(got) != want {
				t.Errorf("got  %s\nwant %s", inWords(got), want)
			}
		})
	}
}

func clientWith(compatibility string) string {
	return `Client viewer: {server: main, compatibility: ` + compatibility + `, platforms: {linux: {install: [/opt/viewer], version: {file: VERSION}}}}`
}

// A bounded client is never updated while the version of its server is unknown, not even to an exact version.
func TestChooseServerUnknown(t *testing.T) {
	for _, rule := range []string{"5.8.1", "server", "newest", "~5.8"} {
		set := paper(t, hospitalPaper, `Workstation CARD-1: {version: "`+rule+`"}`)
		set.Servers["main"].Spec.Version = version("") // a server that could not be asked
		unknown := NewResolver(set, stock(store...)).Resolve(card1())
		if got, want := inWords(unknown), "ServerVersionUnknown server=main, by Workstation CARD-1"; got != want {
			t.Errorf("%s: got %s, want %s", rule, got, want)
		}
		delete(set.Servers, "main")
		missing := NewResolver(set, stock(store...)).Resolve(card1())
		if got, want := inWords(missing), "ServerVersionUnknown server=main, by Workstation CARD-1"; got != want {
			t.Errorf("%s without a Server: got %s, want %s", rule, got, want)
		}
	}
}

// Each system has its own releases, and one that the Client does not describe has none.
func TestChooseSystem(t *testing.T) {
	set := paper(t, hospitalPaper, `Workstation CARD-1: {version: "5.8.1"}`)
	available := append(stock("5.8.0"), Available{"viewer", version("5.8.1"), "windows"}, Available{"other", version("5.8.1"), "linux"})
	resolver := NewResolver(set, available)
	for system, want := range map[string]string{
		"linux":   "ReleaseMissing system=linux version=5.8.1, by Workstation CARD-1",
		"windows": "PlatformMissing system=windows, by Workstation CARD-1",
		"plan9":   "PlatformMissing system=plan9, by Workstation CARD-1",
	} {
		s := card1()
		s.System = system
		if got := inWords(resolver.Resolve(s)); got != want {
			t.Errorf("%s: got %s, want %s", system, got, want)
		}
	}
}
