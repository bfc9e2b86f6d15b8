package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lull/schema"
)

// entry is one entry of an archive that a test builds.
type entry struct {
	name    string
	content string
	mode    fs.FileMode // 0: a plain file
	kind    byte        // tar type flag; 0: a plain file
	link    string
}

// viewerEntries is a good release of 5.8 with more entries.
func viewerEntries(more ...entry) []entry {
	return append([]entry{{name: "VERSION", content: "5.8"}, {name: "bin/viewer", content: "\x7fELF", mode: 0o755}}, more...)
}

func zipOf(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		w, err := z.CreateHeader(header)
		if err == nil && !strings.HasSuffix(e.name, "/") {
			_, err = w.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: int64(e.mode.Perm()), Size: int64(len(e.content))}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file writes a package whose name says nothing about its kind.
func file(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "package")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEveryKindOfPackageGivesTheSameIndex(t *testing.T) {
	entries := viewerEntries(entry{name: "doc/Übersicht.txt", content: "text"}, entry{name: "run.sh", content: "#!/bin/sh"})
	folder := tree(t, map[string]string{"VERSION": "5.8", "bin/viewer": "\x7fELF", "doc/Übersicht.txt": "text", "run.sh": "#!/bin/sh"})
	dotted := []entry{{name: "./", kind: tar.TypeDir}, {name: "./bin/", kind: tar.TypeDir}}
	for _, e := range entries {
		e.name = "./" + e.name
		dotted = append(dotted, e)
	}
	var want string
	for name, from := range map[string]string{
		"folder": folder,
		"zip":    file(t, zipOf(t, append([]entry{{name: "bin/", mode: fs.ModeDir | 0o755}}, entries...))),
		"tar":    file(t, tarOf(t, dotted)),
		"tar.gz": file(t, gzipOf(t, tarOf(t, entries))),
	} {
		added, err := openStore(t, t.TempDir()).Add(t.Context(), from, viewer("5.8"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want == "" {
			want = added.SHA256
		}
		if added.SHA256 != want || added.Stripped != "" {
			t.Errorf("%s: %+v", name, added)
		}
	}
}

// The corpus of evil packages: each must be refused with the reason, and leave no release.
func TestEvilPackagesAreRefused(t *testing.T) {
	plain := func(name string) []entry { return viewerEntries(entry{name: name, content: "evil"}) }
	long := strings.Repeat("a", maxName+1)
	tests := map[string]struct {
		entries []entry
		want    string
	}{
		"climbs":            {plain("../evil"), ".. is not allowed"},
		"climbs deep":       {plain("a/b/../../../evil"), ".. is not allowed"},
		"climbs by \\":      {plain(`..\evil`), "is allowed in a name on Windows"},
		"absolute":          {plain("/etc/cron.d/evil"), "begins or ends with a slash"},
		"drive":             {plain("C:/evil"), "is allowed in a name on Windows"},
		"share":             {plain(`\\host\share\evil`), "is allowed in a name on Windows"},
		"stream":            {plain("bin/viewer:evil"), "is allowed in a name on Windows"},
		"device":            {plain("bin/CON.txt"), "Windows device"},
		"superscript port":  {plain("COM¹.dll"), "Windows device"},
		"dot at the end":    {plain("bin/viewer."), "dropped by Windows"},
		"space at the end":  {plain("bin/viewer "), "dropped by Windows"},
		"control character": {plain("bin/view\x1ber"), "cannot be seen"},
		"right to left":     {plain("bin/\u202egnp.exe"), "cannot be seen"},
		"not UTF-8":         {plain("bin/\xfcber"), "is not UTF-8"},
		"long name":         {plain(long), "longer than"},
		"reserved":          {plain("bin/viewer.lull-fenced"), "reserved for Lull"},
		"twice":             {plain("VERSION"), "comes twice"},
		"case":              {plain("BIN/Viewer"), "same name as bin/viewer"},
		"folder case":       {plain("BIN/other"), "also spelt"},
		"file and folder":   {plain("version/x"), "is a file, and a folder"},
		"part":              {plain("VERSION.part"), "while they download"},
	}
	for name, test := range tests {
		for kind, data := range map[string][]byte{"zip": zipOf(t, test.entries), "tar": tarOf(t, test.entries)} {
			t.Run(kind+" "+name, func(t *testing.T) {
				s := openStore(t, t.TempDir())
				_, err := s.Add(t.Context(), file(t, data), viewer("5.8"))
				wantError(t, err, test.want)
				wantVersions(t, s)
			})
		}
	}
}

func TestSpecialFilesAreRefused(t *testing.T) {
	packages := map[string][]byte{
		"zip symlink": zipOf(t, viewerEntries(entry{name: "link", content: "/etc/passwd", mode: fs.ModeSymlink | 0o777})),
		"zip device":  zipOf(t, viewerEntries(entry{name: "dev", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666})),
		"zip pipe":    zipOf(t, viewerEntries(entry{name: "pipe", mode: fs.ModeNamedPipe | 0o666})),
	}
	for name, kind := range map[string]byte{
		"symlink": tar.TypeSymlink, "hard link": tar.TypeLink, "device": tar.TypeChar, "block": tar.TypeBlock, "pipe": tar.TypeFifo,
	} {
		packages["tar "+name] = tarOf(t, viewerEntries(entry{name: "special", kind: kind, link: "bin/viewer"}))
	}
	for name, data := range packages {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			_, err := s.Add(t.Context(), file(t, data), viewer("5.8"))
			wantError(t, err, "special file")
			wantVersions(t, s)
		})
	}
}

func TestLinksInAFolderAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links in folders need rights there that tests do not have; the code is the same")
	}
	for name, target := range map[string]string{"out": "/etc/passwd", "in": "VERSION", "folder": "bin", "dangling": "nowhere"} {
		dir := viewerTree(t, "5.8")
		if err := os.Symlink(target, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		_, err := openStore(t, t.TempDir()).Add(t.Context(), dir, viewer("5.8"))
		if err == nil || !strings.Contains(err.Error(), "link: is a link") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBombsAreRefused(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<20)
	big := viewerEntries(entry{name: "zeros", content: zeros})
	many := viewerEntries(entry{name: "a"}, entry{name: "b"}, entry{name: "c"})
	small := func(l limits) limits { // of limits that are not the one under test, none is in the way
		d := defaultLimits()
		d.free = 1 << 16
		if l.files > 0 {
			d.files = l.files
		}
		if l.file > 0 {
			d.file = l.file
		}
		if l.total > 0 {
			d.total = l.total
		}
		return d
	}
	tests := map[string]struct {
		data   []byte
		limits limits
		want   string
	}{
		"zip ratio":    {zipOf(t, big), small(limits{}), "200 times its size"},
		"tar.gz ratio": {gzipOf(t, tarOf(t, big)), small(limits{}), "200 times its size"},
		"one file":     {tarOf(t, big), small(limits{file: 1 << 19}), "is larger than 524288 bytes"},
		"all files":    {tarOf(t, big), small(limits{total: 1 << 19}), "the package holds more than 524288 bytes"},
		"many files":   {zipOf(t, many), small(limits{files: 4}), "more than 4 files"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			s.limits = test.limits
			_, err := s.Add(t.Context(), file(t, test.data), viewer("5.8"))
			wantError(t, err, test.want)
			if left, _ := os.ReadDir(s.path(incoming)); len(left) > 0 {
				t.Errorf("%d drafts are left", len(left))
			}
		})
	}
}

func TestOtherKindsOfPackagesAreNamed(t *testing.T) {
	good := zipOf(t, viewerEntries())
	encrypted := bytes.Clone(good)
	for at := 0; ; { // the flag of each entry in the central directory
		next := bytes.Index(encrypted[at:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += next + 4
		encrypted[at+4] |= 1
	}
	method := bytes.ReplaceAll(good, []byte("\x08\x00\x08\x00"), []byte("\x08\x00\x0e\x00")) // LZMA
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"msi":       {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...."), "is an MSI file: this build takes a folder, a zip, a tar or a tar.gz"},
		"exe":       {[]byte("MZ\x90\x00"), "is a Windows program"},
		"7z":        {[]byte("7z\xbc\xaf\x27\x1c"), "is a 7z archive"},
		"zstd":      {[]byte("\x28\xb5\x2f\xfd...."), "zstd"},
		"text":      {[]byte("hello"), "not a known kind"},
		"nothing":   {nil, "not a known kind"},
		"gzip":      {gzipOf(t, []byte("no tar")), "read tar"},
		"cut zip":   {good[:len(good)/2], "read zip"},
		"empty zip": {zipOf(t, nil), "has 0 files"},
		"encrypted": {encrypted, "is encrypted"},
		"method":    {method, "method 14"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openStore(t, t.TempDir()).Add(t.Context(), file(t, test.data), viewer("5.8"))
			wantError(t, err, test.want)
		})
	}
	_, err := openStore(t, t.TempDir()).Add(t.Context(), filepath.Join(t.TempDir(), "none"), viewer("5.8"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing package: %v", err)
	}
	msi := viewer("5.8")
	msi.Platform.Method = schema.MethodMSI
	_, err = openStore(t, t.TempDir()).Add(t.Context(), file(t, good), msi)
	wantError(t, err, "method msi")
}

func TestATopFolderIsTakenOffIfProgramsAreBelowIt(t *testing.T) {
	var below []entry
	for _, e := range viewerEntries() {
		e.name = "viewer-5.8/" + e.name
		below = append(below, e)
	}
	added, err := openStore(t, t.TempDir()).Add(t.Context(), file(t, tarOf(t, below)), viewer("5.8"))
	if err != nil || added.Stripped != "viewer-5.8" {
		t.Fatalf("%+v, %v", added, err)
	}
	flat, err := openStore(t, t.TempDir()).Add(t.Context(), file(t, tarOf(t, viewerEntries())), viewer("5.8"))
	if err != nil || flat.SHA256 != added.SHA256 {
		t.Errorf("stripped %s, flat %s, %v", added.SHA256, flat.SHA256, err)
	}
	meant := viewer("5.8")
	meant.Platform.Version.File, meant.Platform.Start[0] = "viewer-5.8/VERSION", "viewer-5.8/bin/viewer"
	kept, err := openStore(t, t.TempDir()).Add(t.Context(), file(t, tarOf(t, below)), meant)
	if err != nil || kept.Stripped != "" {
		t.Errorf("a folder that the manifest names was stripped: %+v, %v", kept, err)
	}
}

func TestWindowsPathsAreSpeltAsThePackageSpellsThem(t *testing.T) {
	d := Description{Client: "viewer", Version: schema.MustVersion("5.8"), System: "windows", Platform: schema.Platform{
		Version: schema.VersionSource{File: `exe\version.TXT`},
		Start:   []string{`EXE\custo manager.exe`},
		Check:   &schema.Check{Command: []string{`Exe\Check.exe`, `a\b`}},
		Keep:    []string{`Logs\**`},
	}}
	dir := tree(t, map[string]string{"Exe/Custo Manager.exe": "MZ", "Exe/check.exe": "MZ", "Exe/Version.txt": "5.8", "run.sh": "#!"})
	s := openStore(t, t.TempDir())
	if _, err := s.Add(t.Context(), dir, d); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Index("viewer", d.Version, "windows")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Exe/Custo Manager.exe", "Exe/Version.txt", "Exe/check.exe", `a\b`, "Logs/**"}
	all := []string{got.Start[0], got.Read.File, got.Check.Command[0], got.Check.Command[1], got.Keep[0]}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	for _, f := range got.Files {
		if f.Executable {
			t.Errorf("%s is executable, which means nothing on Windows", f.Path)
		}
	}
}

func TestAnotherVersionInsideIsRefused(t *testing.T) {
	s := openStore(t, t.TempDir())
	_, err := s.Add(t.Context(), viewerTree(t, "5.8.1.77"), viewer("5.8.1"))
	wantError(t, err, "VERSION says version 5.8.1.77")
	cut := viewer("5.8.1")
	cut.Platform.Version.Parts = 3
	if _, err := s.Add(t.Context(), viewerTree(t, "5.8.1.77"), cut); err != nil {
		t.Error(err)
	}
	_, err = s.Add(t.Context(), viewerTree(t, "none"), viewer("5.9"))
	wantError(t, err, "it holds no version")
}

func TestAddTellsItsProgressAndEndsWithItsContext(t *testing.T) {
	s := openStore(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	d := viewer("5.8")
	var last, total int64
	d.Progress = func(done, of int64) {
		if done < last || done > of {
			t.Errorf("progress went from %d to %d of %d", last, done, of)
		}
		last, total = done, of
	}
	if _, err := s.Add(ctx, viewerTree(t, "5.8"), d); err != nil || last != total || total == 0 {
		t.Errorf("%v, progress ends at %d of %d", err, last, total)
	}
	d.Progress = func(int64, int64) { cancel() }
	d.Version = schema.MustVersion("5.9")
	for name, from := range map[string]string{"folder": viewerTree(t, "5.9"), "tar": file(t, tarOf(t, viewerEntries()))} {
		if _, err := s.Add(ctx, from, d); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantVersions(t, s, "5.8")
}

func FuzzAdd(f *testing.F) {
	f.Add(zipOf(f, viewerEntries()))
	f.Add(tarOf(f, viewerEntries(entry{name: "../x", content: "y"})))
	f.Add(gzipOf(f, tarOf(f, viewerEntries())))
	f.Add(zipOf(f, viewerEntries(entry{name: "link", content: "/", mode: fs.ModeSymlink})))
	f.Fuzz(func(t *testing.T, data []byte) {
		outside := t.TempDir()
		s := openStore(t, filepath.Join(outside, "store"))
		s.limits.file, s.limits.total = 1<<20, 1<<21
		added, err := s.Add(t.Context(), file(t, data), viewer("5.8"))
		if entries, _ := os.ReadDir(outside); len(entries) != 1 {
			t.Fatal("something was written beside the store")
		}
		if err != nil {
			wantVersions(t, s)
			return
		}
		index, _, err := s.Index("viewer", added.Version, "linux")
		if err != nil || len(s.Missing(index)) > 0 {
			t.Fatalf("an added release is not whole: %v", err)
		}
	})
}
