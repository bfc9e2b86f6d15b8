package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lull/schema"
	"lull/schema/internal/shape"
)

const folder = "../.."

// What is committed is what the types say.
func TestUpToDate(t *testing.T) {
	files, err := derived(folder)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is out of date (%v): run go generate ./schema", name, err)
		}
	}
}

// Every field that people can write is explained.
func TestEveryFieldHasAMeaning(t *testing.T) {
	docs, err := readComments(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range schema.Kinds() {
		s := shapes()[kind]
		if docs.ofType(s.Type) == "" {
			t.Errorf("%s has no doc comment", kind)
		}
		for _, f := range s.Fields {
			explained(t, docs, f.Shape, string(kind)+"."+f.Name)
		}
	}
}

func explained(t *testing.T, docs comments, s *shape.Shape, path string) {
	for _, f := range s.Fields {
		name := path + "." + f.Name
		if !strings.HasSuffix(docs.of(f), ".") && f.Name != "name" {
			t.Errorf("%s: %q is no sentence", name, docs.of(f))
		}
		if f.Shape != nil {
			explained(t, docs, f.Shape, name)
		}
	}
}

func TestRunWritesIntoTheFolder(t *testing.T) {
	if err := run(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("a folder that does not exist is written to")
	}
}
