package observe

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/internal/fileversion/programtest"
	"lull/reconciler"
	"lull/schema"
)

// tree writes files below a new folder and returns its final path.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := tree(t, map[string]string{"apps/client/VERSION": "1", "apps/second/VERSION": "1", "apps/file": "", "other/client/VERSION": "1"})
	if err := os.Mkdir(filepath.Join(dir, "apps", "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	at := func(names ...string) (all []string) {
		for _, name := range names {
			all = append(all, filepath.Join(dir, filepath.FromSlash(name)))
		}
		return all
	}
	tests := []struct {
		name       string
		candidates []string
		roots      []string
		found      string
		code       reconciler.Code
		arg        string
		listed     []string
	}{
		{name: "one", candidates: at("apps/client"), found: "apps/client"},
		{name: "one of several", candidates: at("apps/none", "apps/client", "apps/empty", "apps/file", "apps/file/below"), found: "apps/client"},
		{name: "the same twice", candidates: at("apps/client", "apps/./client"), found: "apps/client"},
		{name: "one below, one outside", candidates: at("other/client", "apps/client"), found: "apps/client"},
		{name: "none", candidates: at("apps/none", "apps/empty"), code: reconciler.NotInstalled, arg: ArgCandidates, listed: at("apps/none", "apps/empty")},
		{name: "two", candidates: at("apps/client", "apps/second"), code: reconciler.SeveralInstallations, arg: ArgFolders, listed: at("apps/client", "apps/second")},
		{name: "outside", candidates: at("other/client", "apps/none"), code: reconciler.OutsideRoots, arg: ArgCandidates, listed: at("other/client")},
		{name: "outside by dots", candidates: []string{filepath.Join(dir, "apps") + filepath.FromSlash("/../other/client")}, code: reconciler.OutsideRoots, arg: ArgCandidates, listed: at("other/client")},
		{name: "the root itself", candidates: at("apps"), code: reconciler.OutsideRoots, arg: ArgCandidates, listed: at("apps")},
		{name: "relative", candidates: []string{"client"}, code: reconciler.OutsideRoots, arg: ArgCandidates, listed: []string{"client"}},
		{name: "no roots", candidates: at("apps/client"), roots: []string{}, code: reconciler.OutsideRoots, arg: ArgCandidates, listed: at("apps/client")},
		{name: "a root of the system", candidates: []string{filepath.VolumeName(dir) + string(filepath.Separator)}, roots: []string{filepath.VolumeName(dir) + string(filepath.Separator)}, code: reconciler.OutsideRoots, arg: ArgCandidates, listed: []string{filepath.VolumeName(dir) + string(filepath.Separator)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.roots == nil {
				test.roots = at("apps")
			}
			got, problem, err := Find(schema.Platform{Install: test.candidates}, test.roots)
			if err != nil {
				t.Fatal(err)
			}
			if test.found != "" {
				if want := at(test.found)[0]; got != want || problem != nil {
					t.Errorf("%q, %v; want %q", got, problem, want)
				}
				return
			}
			want := reconciler.Why(test.code, test.arg, strings.Join(test.listed, "; "))
			if diff := cmp.Diff(&want, problem); diff != "" || got != "" {
				t.Errorf("%q with the problem (-want +got):\n%s", got, diff)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"ProgramFiles(x86)": `C:\Program Files (x86)`, "A": "%A%"}[name]
		return value, ok
	}
	for text, want := range map[string]string{
		`%ProgramFiles(x86)%\client`: `C:\Program Files (x86)\client`,
		`%A%\client`:                 `%A%\client`, // a value is not expanded again
		`%NotSet%\client`:            `%NotSet%\client`,
		`100%\%ProgramFiles(x86)%`:   `100%\C:\Program Files (x86)`,
		`%%`:                         `%%`,
		`C:\client`:                  `C:\client`,
	} {
		if got := expandWith(text, lookup); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestVersionFromText(t *testing.T) {
	tests := map[string]string{ // text to version; empty: none
		"5.8.2":                          "5.8.2",
		"5.8.2\n6.0.0\n":                 "5.8.2",
		"custo client 5 v5.10.1 (x64)\r": "5.10.1",
		"5.08.00":                        "5.8.0",
		"5.9-rc1":                        "5.9-rc1",
		"version=5.8.2;build=7":          "5.8.2",
		"7\r\n":                          "7",
		"build of 2024":                  "",
		"\n5.8.2":                        "",
		"":                               "",
		"1.2.3.4.5":                      "",
		"99999999999.1":                  "",
		"\xef\xbb\xbf5.8.2":              "5.8.2",
		"\xff\xfe5\x00.\x008\x00\r\x00\n\x006\x00": "5.8",
		strings.Repeat("x", 4<<10) + "5.8.2":       "",
	}
	for text, want := range tests {
		dir := tree(t, map[string]string{"Sub/VERSION": text})
		got, err := Version(dir, schema.VersionSource{File: `sub\version`})
		if got.String() != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestVersionFromResource(t *testing.T) {
	dir := tree(t, map[string]string{
		"Exe/Custo Manager.exe": string(programtest.Program(t, [4]uint16{5, 8, 2, 1234})),
		"Exe/none.exe":          string(programtest.Empty()),
		"Exe/zero.exe":          string(programtest.Program(t, [4]uint16{})),
		"Exe/text.exe":          "5.8.2",
	})
	got, err := Version(dir, schema.VersionSource{FileVersion: `exe\custo manager.EXE`, Parts: 3})
	if err != nil || got != schema.MustVersion("5.8.2") {
		t.Errorf("%s, %v; want 5.8.2", got, err)
	}
	for _, name := range []string{"none.exe", "zero.exe", "text.exe", "missing.exe"} {
		got, err := Version(dir, schema.VersionSource{FileVersion: "Exe/" + name})
		if err == nil || !got.IsZero() {
			t.Errorf("%s: %s, %v; want an error", name, got, err)
		}
		if missing := errors.Is(err, fs.ErrNotExist); missing != (name == "missing.exe") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Old compilers write the text of the resource in a code page; only the numbers beside it matter.
func TestVersionFromResourceWithACodePage(t *testing.T) {
	wide := func(text string) []byte {
		var out []byte
		for _, c := range []byte(text) {
			out = append(out, c, 0)
		}
		return out
	}
	data := programtest.Program(t, [4]uint16{5, 10, 0, 1})
	patched := bytes.Replace(data, wide("04b0"), wide("04e4"), 1)
	if bytes.Equal(data, patched) {
		t.Fatal("the code page was not found")
	}
	got, err := Version(tree(t, map[string]string{"old.exe": string(patched)}), schema.VersionSource{FileVersion: "old.exe"})
	if err != nil || got != schema.MustVersion("5.10.0.1") {
		t.Errorf("%s, %v; want 5.10.0.1", got, err)
	}
}

func TestVersionOfACommandIsNotRead(t *testing.T) {
	_, err := Version(t.TempDir(), schema.VersionSource{Command: []string{"client", "--version"}})
	if !errors.Is(err, ErrNeedsCommand) {
		t.Errorf("%v, want ErrNeedsCommand", err)
	}
}

func TestReadingStaysInTheInstallation(t *testing.T) {
	dir := tree(t, map[string]string{"client/inside": "1.0", "secret": "2.0"})
	for _, name := range []string{"../secret", `..\secret`, "inside/../../secret", dir + "/secret"} {
		if v, err := Version(filepath.Join(dir, "client"), schema.VersionSource{File: name}); err == nil {
			t.Errorf("%s was read: %s", name, v)
		}
	}
	if v, err := Version(dir, schema.VersionSource{File: "client"}); err == nil {
		t.Errorf("a folder was read: %s", v)
	}
}

func TestName(t *testing.T) {
	const text = "[Other]\r\nPath=C:\\Client\\\r\n[Workstation]\r\nwsname = CARD ECG 01; bed #2 \r\n[Late]\r\nWsName=no\r\n"
	dir := tree(t, map[string]string{
		"client/Exe/CustoCfg.INI": text,
		"shared/cfg.ini":          "WSNAME=\"Näme\"",
		"outside.ini":             "WsName=x",
		"client/latin.ini":        "[a]\nWsName=K\xe4the",
		"client/utf16.ini":        "\xff\xfe[\x00a\x00]\x00\n\x00W\x00s\x00N\x00a\x00m\x00e\x00=\x00\xe4\x00",
		"client/utf16be.ini":      "\xfe\xff\x00W\x00s\x00N\x00a\x00m\x00e\x00=\x00\xe4",
		"client/empty.ini":        "[a]\nWsName=\n[b]\nWsName=second",
		"client/other.ini":        "[a]\nOther=x",
		"client/twice.ini":        "WsName=first\nWsName=then",
		"client/literal.ini":      "WsName=%(Other)s %COMPUTERNAME%\nOther=y",
		"client/long.ini":         "WsName=" + strings.Repeat("ä", 65),
		"client/full.ini":         "WsName=" + strings.Repeat("ä", 64),
		"client/control.ini":      "WsName=a\x07b",
		"client/big.ini":          "WsName=a\n" + strings.Repeat("; x\n", maxIni/4),
	})
	shared := filepath.Join(dir, "shared")
	tests := []struct {
		ini  string
		want string // empty: not ok
		err  bool
	}{
		{ini: `exe\custocfg.ini`, want: "CARD ECG 01; bed #2"},
		{ini: "../shared/cfg.ini", want: "Näme"},
		{ini: filepath.Join(shared, "CFG.ini"), want: "Näme"},
		{ini: "latin.ini", want: "Käthe"},
		{ini: "utf16.ini", want: "ä"},
		{ini: "utf16be.ini", want: "ä"},
		{ini: "empty.ini", want: "second"},
		{ini: "twice.ini", want: "first"},
		{ini: "literal.ini", want: "%(Other)s %COMPUTERNAME%"},
		{ini: "full.ini", want: strings.Repeat("ä", 64)},
		{ini: "other.ini"},
		{ini: "missing.ini"},
		{ini: "missing/folder.ini"},
		{ini: "other.ini/below.ini"},
		{ini: "long.ini", err: true},
		{ini: "control.ini", err: true},
		{ini: "big.ini", err: true},
		{ini: "../outside.ini", err: true},
		{ini: filepath.Join(dir, "outside.ini"), err: true},
	}
	for _, test := range tests {
		got, ok, err := Name(filepath.Join(dir, "client"), &schema.NameSource{Ini: test.ini, Key: "WsName"}, []string{shared})
		if (err != nil) != test.err || !test.err && (got != test.want || ok != (test.want != "")) {
			t.Errorf("%s: %q, %v, %v; want %q", test.ini, got, ok, err, test.want)
		}
	}
	if _, ok, err := Name(dir, nil, nil); ok || err != nil {
		t.Errorf("without a source: %v, %v", ok, err)
	}
}
