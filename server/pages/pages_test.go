package pages

import (
	"regexp"
	"strings"
	"testing"

	"lull/internal/words"
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
