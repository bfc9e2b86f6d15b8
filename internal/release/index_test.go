package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/schema"
)

// good is an index with one of everything.
func good() *Index {
	return &Index{
		Client: "viewer", Version: schema.MustVersion("5.8.1"), System: "linux", Method: schema.MethodTree,
		Files: []File{
			{Path: "Exe/viewer", Size: 3, SHA256: Digest([]byte("exe")), Executable: true},
			{Path: "VERSION", Size: 5, SHA256: Digest([]byte("5.8.1"))},
			{Path: "conf/app.ini", Size: 0, SHA256: Digest(nil)},
		},
		Start: []string{"Exe/viewer", "conf/own/start.sh"},
		Read:  schema.VersionSource{File: "VERSION", Parts: 3},
		Check: &schema.Check{Command: []string{"Exe/viewer", "--check"}, Timeout: schema.Duration{Duration: 30 * time.Second}},
		Keep:  []string{"conf/**", "*.log"},
		Notes: "<fixes>",
	}
}

func TestIndexSurvivesItsEncoding(t *testing.T) {
	data := good().Encode()
	got, err := ParseIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(got.Encode())); diff != "" {
		t.Errorf("the second encoding differs:\n%s", diff)
	}
	if !bytes.Contains(data, []byte(`"<fixes>"`)) {
		t.Error("the encoding escapes what needs no escape")
	}
}

func TestValidateNamesEveryError(t *testing.T) {
	hash := Digest([]byte("x"))
	tests := map[string]struct {
		change func(*Index)
		want   string
	}{
		"client":          {func(i *Index) { i.Client = "a/b" }, "client"},
		"client device":   {func(i *Index) { i.Client = "con" }, "Windows device"},
		"version":         {func(i *Index) { i.Version = schema.Version{} }, "version: is missing"},
		"system":          {func(i *Index) { i.System = "plan9" }, "want windows or linux"},
		"method":          {func(i *Index) { i.Method = schema.MethodMSI }, `method "msi"`},
		"no files":        {func(i *Index) { i.Files = nil }, "has 0 files"},
		"path":            {func(i *Index) { i.Files[1].Path = "Exe/../../x" }, ".. is not allowed"},
		"negative":        {func(i *Index) { i.Files[2].Size = -1 }, "size -1"},
		"huge":            {func(i *Index) { i.Files[2].Size = MaxFileSize + 1 }, "size"},
		"hash":            {func(i *Index) { i.Files[0].SHA256 = strings.ToUpper(i.Files[0].SHA256) }, "64 lower-case"},
		"order":           {func(i *Index) { i.Files[0], i.Files[1] = i.Files[1], i.Files[0] }, "not sorted"},
		"twice":           {func(i *Index) { i.Files[2] = i.Files[1] }, "same name as VERSION"},
		"case":            {func(i *Index) { i.Files[2].Path = "version" }, "same name as VERSION"},
		"composed":        {func(i *Index) { i.Files[1].Path, i.Files[2].Path = "ae\u0301", "a\u00e9" }, "same name"},
		"file and folder": {func(i *Index) { i.Files[2].Path = "version/x" }, "is a file, and a folder"},
		"folder case":     {func(i *Index) { i.Files[2].Path = "exe/x" }, "also spelt Exe"},
		"part":            {func(i *Index) { i.Files[2].Path = "version.PART" }, "while they download"},
		"two sizes":       {func(i *Index) { i.Files[2].SHA256 = i.Files[0].SHA256 }, "same sha256 and 3 bytes"},
		"start":           {func(i *Index) { i.Start[0] = "Exe/other" }, "start: Exe/other"},
		"start case":      {func(i *Index) { i.Start[0] = "exe/VIEWER" }, "start: exe/VIEWER"},
		"read":            {func(i *Index) { i.Read.File = "conf/version" }, "version: conf/version"},
		"read nothing":    {func(i *Index) { i.Read = schema.VersionSource{} }, "want one of"},
		"read twice":      {func(i *Index) { i.Read.FileVersion = "Exe/viewer" }, "want one of"},
		"parts":           {func(i *Index) { i.Read.Parts = 5 }, "at most 4 parts"},
		"command":         {func(i *Index) { i.Read = schema.VersionSource{Command: []string{"/bin/sh"}} }, "version: /bin/sh"},
		"check":           {func(i *Index) { i.Check.Command[0] = "conf/check" }, "check: conf/check"},
		"check empty":     {func(i *Index) { i.Check.Command = nil }, "command is empty"},
		"check data":      {func(i *Index) { i.Check.Command[0] = "VERSION" }, "is not executable"},
		"keep":            {func(i *Index) { i.Keep[0] = "../**" }, `keep "../**"`},
		"keep backslash":  {func(i *Index) { i.Keep[0] = `a\*` }, "keep"},
		"keep pattern":    {func(i *Index) { i.Keep[0] = "[a" }, "keep"},
		"keep many":       {func(i *Index) { i.Keep = make([]string, maxEntries+1) }, "limit is 1000"},
		"start many":      {func(i *Index) { i.Start = make([]string, maxEntries+1) }, "limit is 1000"},
		"total": {func(i *Index) {
			i.Files = nil
			for k := range 5 {
				i.Files = append(i.Files, File{Path: fmt.Sprint(k), Size: MaxFileSize, SHA256: hash})
			}
		}, "the limit is 68719476736"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			i := good()
			test.change(i)
			err := i.Validate()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Validate() = %v, want %q in it", err, test.want)
			}
		})
	}
	if err := good().Validate(); err != nil {
		t.Errorf("a good index: %v", err)
	}
}

func TestValidateListsABoundedNumber(t *testing.T) {
	i := good()
	for k := range 10 * maxProblems {
		i.Files = append(i.Files, File{Path: fmt.Sprintf("z%05d", k), Size: -1})
	}
	err := i.Validate()
	if n := strings.Count(err.Error(), "\n"); n != maxProblems {
		t.Errorf("%d lines, want %d", n+1, maxProblems+1)
	}
	if !strings.Contains(err.Error(), "errors more") {
		t.Error("does not say that there are more")
	}
}

func TestKeepsGoesByTheSystem(t *testing.T) {
	i := &Index{System: "windows", Keep: []string{"Logs/**", "Exe/*.INI"}}
	for name, want := range map[string]bool{"logs/a/b": true, "EXE/custocfg.ini": true, "Exe/sub/x.ini": false, "x": false} {
		if got := i.Keeps(name); got != want {
			t.Errorf("on Windows Keeps(%q) = %v", name, got)
		}
	}
	i.System = "linux"
	if i.Keeps("logs/a") || !i.Keeps("Logs/a") {
		t.Error("on Linux case counts")
	}
}

func TestParseIndexIsStrict(t *testing.T) {
	data := good().Encode()
	for name, bad := range map[string][]byte{
		"unknown field": bytes.Replace(data, []byte(`"client"`), []byte(`"klient"`), 1),
		"more behind":   append(bytes.Clone(data), "{}"...),
		"cut":           data[:len(data)/2],
		"null":          []byte("null"),
		"empty":         nil,
		"too long":      make([]byte, MaxIndexSize+1),
	} {
		if _, err := ParseIndex(bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestParseCatalogChecksNames(t *testing.T) {
	ref := Ref{Client: "viewer", Version: schema.MustVersion("5.8"), System: "linux", SHA256: Digest(nil)}
	for name, change := range map[string]func(*Ref){
		"client": func(r *Ref) { r.Client = ".." },
		"system": func(r *Ref) { r.System = "../linux" },
		"digest": func(r *Ref) { r.SHA256 = "../" + r.SHA256[3:] },
		"size":   func(r *Ref) { r.Size = -1 },
	} {
		bad := ref
		change(&bad)
		data, _ := json.Marshal(Catalog{[]Ref{ref, bad}})
		if _, err := ParseCatalog(data); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	data, _ := json.Marshal(Catalog{[]Ref{ref}})
	if c, err := ParseCatalog(data); err != nil || len(c.Releases) != 1 {
		t.Errorf("a good catalog: %v", err)
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add(good().Encode())
	f.Add([]byte(`{"client":"a","version":"1","system":"linux","method":"tree","files":[{"path":"a","size":0,"sha256":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := ParseIndex(data)
		if err != nil {
			return
		}
		again, err := ParseIndex(i.Encode())
		if err != nil {
			t.Fatalf("its own encoding is refused: %v", err)
		}
		if !bytes.Equal(again.Encode(), i.Encode()) {
			t.Fatal("the encoding is not stable")
		}
	})
}
