package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
	"time"

	"lull/reconciler"
)

// codes reads the constants of a type from the source of package reconciler, so that a new one cannot be forgotten.
func codes(t *testing.T, typ string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../reconciler/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == typ {
				found = append(found, v.Names[0].Name)
			}
		}
		return true
	})
	if len(found) < 10 {
		t.Fatalf("found only %d constants of type %s: this test reads the wrong file", len(found), typ)
	}
	return found
}

func TestEveryCodeHasWords(t *testing.T) {
	for _, name := range codes(t, "Code") {
		text := reasons()[reconciler.Code(name)]
		if text.en == "" || text.de == "" || text.en == text.de {
			t.Errorf("%s has no words in one of the languages: %+v", name, text)
		}
	}
	for _, name := range codes(t, "Phase") {
		text := phases()[reconciler.Phase(name)]
		if text.en == "" || text.de == "" || text.en == text.de {
			t.Errorf("phase %s has no words in one of the languages: %+v", name, text)
		}
	}
}

func TestReason(t *testing.T) {
	tests := []struct {
		name   string
		lang   Language
		reason reconciler.Reason
		want   string
	}{
		{"all arguments", English, reconciler.Why(reconciler.InUse, "process", "viewer.exe", "session", "3"), "In use: viewer.exe in session 3."},
		{"optional ones left out", German, reconciler.Why(reconciler.InUse, "process", "viewer.exe"), "In Benutzung: viewer.exe."},
		{"more than the sentence has", English, reconciler.Why(reconciler.NoManifest, "x", "1"), "No manifest sets a version. (x: 1)"},
		{"a time in its zone", German, reconciler.Why(reconciler.InUse, "process", "viewer.exe", "session", "3", "since", "2026-11-22T07:12:30Z"), "In Benutzung: viewer.exe in Sitzung 3, seit 22.11. 07:12."},
		{"sizes in a fitting unit", English, reconciler.Why(reconciler.NoSpace, "needed", "1500000000", "available", "2000000"), "There is not enough space on the disk: 1.5 GB are needed, 2.0 MB are free."},
		{"a needed one is missing", English, reconciler.Why(reconciler.ReleaseBad), "Release ? failed its check here."},
		{"markup of an agent stays text", English, reconciler.Why(reconciler.ReleaseBad, "version", "{x}[y]"), "Release {x}[y] failed its check here."},
		{"unknown code", German, reconciler.Why("Newer", "a", "b"), "Newer (a: b)"},
		{"none", German, reconciler.Reason{}, ""},
	}
	for _, tt := range tests {
		if got := Reason(tt.lang, time.UTC, tt.reason); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestChoose(t *testing.T) {
	for header, want := range map[string]Language{
		"de-AT,de;q=0.9,en;q=0.5": German, "en-US,de": English, "": English, "fr, de;q=0.3": German, "*": English,
	} {
		if got := Choose(header); got != want {
			t.Errorf("Choose(%q) = %s, want %s", header, got, want)
		}
	}
	if strings.Contains(Phase(German, reconciler.Blocked), "Blocked") || Phase(English, "Newer") != "Newer" {
		t.Error("a phase has the wrong words")
	}
}
