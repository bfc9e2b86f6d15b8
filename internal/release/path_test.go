package release

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckPathTakesWhatIsSafeEverywhere(t *testing.T) {
	for _, name := range []string{
		"viewer.exe", "Exe/custo manager.exe", "a/b/c/d", ".hidden", "PROGRA~1/x", "Übersicht/Größe.txt", "日本語.dll",
		" leading", "console", "com", "com10", "lpt", "nulled.txt", "a..b", "CONIN", strings.Repeat("a", maxName),
	} {
		if err := CheckPath(name); err != nil {
			t.Errorf("CheckPath(%q) = %v", name, err)
		}
	}
}

func TestCheckPathRefusesWhatIsUnsafeSomewhere(t *testing.T) {
	for _, name := range []string{
		"", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b",
		`..\a`, `a\b`, `\\server\share\a`, "C:", `C:\a`, "C:a", "a:b", "a::$DATA",
		"con", "CON", "Con.txt", "nul", "a/NUL.txt", "aux .c", "prn.tar.gz", "COM1", "com9.log", "COM¹", "lpt³.x", "COM0",
		"CONIN$", "conout$", "a.", "a ", "a./b", "a /b", "...", "a\x00", "a\n", "a\x7f", "a\u0085", "a\u202egnp.exe", "a\u200b",
		"<", ">", `"`, "|", "?", "*", "a\xff", "x.lull-fenced", "X.LULL-late/a", ".lull-app/a",
		strings.Repeat("a", maxName+1), strings.Repeat("a/", maxPath/2) + "aa",
	} {
		if CheckPath(name) == nil {
			t.Errorf("CheckPath(%q) = nil", name)
		}
	}
}

func TestFoldJoinsSpellings(t *testing.T) {
	for a, b := range map[string]string{
		"Exe/A.DLL": "exe/a.dll", "ÄRZTE": "ärzte", "Gro\u0308ße": "größe", "ΣΑΣ": "σας", "\u212a": "k", "ſ": "S",
	} {
		if Fold(a) != Fold(b) {
			t.Errorf("Fold(%q) = %q, Fold(%q) = %q", a, Fold(a), b, Fold(b))
		}
	}
	if Fold("a") == Fold("b") || Fold("ab") == Fold("a/b") {
		t.Error("Fold joins different names")
	}
}

// windowsDevice is the rule of Microsoft's page written down a second time.
var windowsDevice = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)`)

func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", `..\a`, "C:x", "con.txt", "a:b", "a.", "com¹", "x/NUL", "é/e\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckPath(name) != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || !utf8.ValidString(name) {
			t.Fatalf("%q is not a plain local path", name)
		}
		if strings.ContainsAny(name, "\\:*?\"<>|\x00\n") {
			t.Fatalf("%q has a character that Windows gives a meaning", name)
		}
		for part := range strings.SplitSeq(name, "/") {
			if windowsDevice.MatchString(part) || strings.TrimRight(part, ". ") != part {
				t.Fatalf("%q means something else on Windows", name)
			}
		}
		if Fold(Fold(name)) != Fold(name) {
			t.Fatalf("Fold(%q) is not stable", name)
		}
	})
}
