package pages

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/internal/words"
	"lull/server/inventory"
	"lull/server/overview"
)

// Every label that a template or a handler asks for is there, in both languages.
func TestLabels(t *testing.T) {
	label := regexp.MustCompile(`\.T "([A-Za-z]+)"`)
	keys := map[string]bool{"tokenWrong": true, "tooMany": true, "active": true, "disconnected": true, "day": true, "progress": true, "staged": true}
	for _, name := range []string{"fleet.html", "layout.html", "signin.html"} {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range label.FindAllStringSubmatch(string(text), -1) {
			keys[m[1]] = true
		}
		for _, inline := range []string{"<script", "style=", "onclick", "<style", "http://", "https://"} {
			if strings.Contains(string(text), inline) {
				t.Errorf("%s holds %q, which the content policy forbids", name, inline)
			}
		}
	}
	if len(keys) < 20 {
		t.Fatalf("only %d labels found: this test reads the wrong files", len(keys))
	}
	for key := range keys {
		if words.Text(words.English, key) == key && words.Text(words.German, key) == key {
			t.Errorf("no words for %q", key)
		}
	}
}

// Whoever turns a page, or lets it follow by itself, keeps what was looked for.
func TestAddressesKeepWhatWasChosen(t *testing.T) {
	for _, test := range []struct {
		chosen, name string
		set          bool
		value, want  string
	}{
		{"", "live", true, "", "/?live="},
		{"live=", "live", false, "", "/?"},
		{"q=card+1&after=a%2Fviewer", "live", true, "", "/?after=a%2Fviewer&live=&q=card+1"},
		{"q=a%26b&live", "after", true, "ü/viewer", "/?after=%C3%BC%2Fviewer&live=&q=a%26b"},
		{"q=x&after=old", "after", true, "new", "/?after=new&q=x"},
	} {
		chosen, err := url.ParseQuery(test.chosen)
		if err != nil {
			t.Fatal(err)
		}
		if got := address(chosen, test.name, test.set, test.value); got != test.want {
			t.Errorf("%q with %s: got %s, want %s", test.chosen, test.name, got, test.want)
		}
	}
}

// The pages of a large fleet show every workstation once, in whatever case its name is written.
func TestPagesShowEveryWorkstationOnce(t *testing.T) {
	const many = 2*rowsPerPage + 1
	all := make([]wire.Workstation, many)
	for i := range all {
		all[i] = wire.Workstation{Name: fmt.Sprintf("ẞTATION İ %05d", i), Client: "viewer"}
	}
	inventory.SortBy(all, overview.Key)
	m := maker{lang: words.English, now: time.Now()}
	shown, after := 0, ""
	for pages := 1; ; pages++ {
		var body fleetBody
		m.fill(&body, all, after)
		shown += len(body.Rows)
		if after = body.Next; after == "" {
			if shown != many || pages != 3 {
				t.Errorf("%d pages show %d workstations of %d", pages, shown, many)
			}
			return
		}
		if pages == 10 {
			t.Fatal("the pages do not end")
		}
	}
}
