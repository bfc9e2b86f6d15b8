package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lull/schema"
)

func seeds(f *testing.F) {
	f.Helper()
	for _, pattern := range []string{"../examples/*.yaml", "testdata/bad/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// No input ends the parser, every error has a place in the file, and what the parser accepts the JSON Schema accepts.
func FuzzParseFile(f *testing.F) {
	seeds(f)
	editor := compile(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file := schema.ParseFile("a.yaml", data)
		for _, e := range file.Errors {
			if e.At.Line < 1 || e.At.Line > bytes.Count(data, []byte("\n"))+2 || e.At.Column < 1 || e.Message == "" {
				t.Errorf("%v", e)
			}
		}
		if len(file.Errors) > 0 {
			return
		}
		if err := refusedBySchema(editor, data); err != nil {
			t.Errorf("the parser accepts what the JSON Schema refuses: %v", err)
		}
	})
}

// A version that is read is written as it was, equals itself, and fits the pattern of the JSON Schema.
func FuzzParseVersion(f *testing.F) {
	for _, text := range []string{"5", "5.10", "1.2.3.4-rc.1", "05", "5.", "5-", "4294967296", "newest", "v1"} {
		f.Add(text)
	}
	editor := compile(f)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := schema.ParseVersion(text)
		if err != nil {
			return
		}
		if v.String() != text || !v.Equal(v.Canonical()) || v.IsZero() || v.Compare(v) != 0 {
			t.Errorf("%q is read as %q", text, v)
		}
		if err := editor.Validate(document("Server", map[string]any{"version": text})); err != nil {
			t.Error(err)
		}
	})
}

// A range that is read is written as it was and fits the pattern of the JSON Schema.
func FuzzParseRange(f *testing.F) {
	for _, text := range []string{">=5.0.0, <6.0.0", "~5.8", "=5.9-rc1", "!=5,>4", "~5", ",", ">"} {
		f.Add(text, "5.8.1")
	}
	editor := compile(f)
	f.Fuzz(func(t *testing.T, text, version string) {
		r, err := schema.ParseRange(text)
		if err != nil {
			return
		}
		if r.String() != text || r.IsZero() {
			t.Errorf("%q is read as %q", text, r)
		}
		if v, err := schema.ParseVersion(version); err == nil && r.Contains(v) != r.Contains(v.Canonical()) {
			t.Errorf("%q holds one spelling of %s only", text, v)
		}
		policy := map[string]any{"client": "a", "version": text}
		if err := editor.Validate(document("Workstation", policy)); err != nil {
			t.Error(err)
		}
	})
}

func document(kind string, spec map[string]any) map[string]any {
	return map[string]any{"apiVersion": schema.APIVersion, "kind": kind, "metadata": map[string]any{"name": "a"}, "spec": spec}
}

// edited is a file with marked neighbours; the fuzzer writes what stands between them.
const (
	above = "# above\napiVersion: lull/v1\nkind: Server\nmetadata: {name: above}\nspec: {version: \"5.8\"}\n"
	below = "---\n# below\napiVersion: lull/v1\nkind: Server\nmetadata: {name: below}\nspec: {version: \"5.8\"}\n"
)

const put = "apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: x}\nspec: {client: a, version: '6'}"

// layouts are the ways in which people write the same policy, each with each.
func layouts() []string {
	all := []string{""}
	for _, part := range [][]string{
		{"", "\n# c\n\n"},
		{"apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: x}\n"},
		{"spec:\n  # c\n", "spec: # c\n     \n  labels: {a: b}\n", "spec:\n  suspend:\n    reason: |\n      # no comment\n\n"},
		{"  client: a\n", "  client: \"a\"   # c\n", "  'client':   a\n\n"},
		{"  allowDowngrade: true # c\n"},
		{"  version: newest\n", "  version:   '5.8'   # c\n", "  version:\n    5.8.1\n", "  \"version\": \"5\\x2e8\"\n", "  version: |-\n    ~5.8\n"},
		{"", "\n\n# c\n", "  # c\n...\n# c\n"},
	} {
		var longer []string
		for _, start := range all {
			for _, p := range part {
				longer = append(longer, start+p)
			}
		}
		all = longer
	}
	for i, n := 0, len(all); i < n; i += 7 {
		all = append(all, strings.ReplaceAll(all[i], "\n", "\r\n"))
	}
	return all
}

// An edit either fails or gives a file without errors in which the neighbours are byte for byte the same.
func FuzzEdits(f *testing.F) {
	for _, text := range []string{
		"apiVersion: lull/v1\nkind: Workstation\nmetadata: {name: x}\nspec:\n  client: a # c\n  version: '5.8' # d\n  labels: {a: b}\n",
		"# x\napiVersion: lull/v1\nkind: Workstation\nmetadata: {name: x}\nspec: {client: a, labels: {a: b}, version: newest}\n# y\n...\n",
		"{\"apiVersion\": \"lull/v1\", \"kind\": \"Workstation\", \"metadata\": {\"name\": \"x\"}, \"spec\": {\"client\": \"a\", \"version\": \"5\"}}\n",
		"apiVersion: lull/v1\r\nkind: Group\r\nmetadata: {name: x}\r\nspec:\r\n  client: a\r\n  members: {all: true}\r\n  suspend: {reason: \"ä, \"}\r\n",
		"apiVersion: lull/v1\nspec:\n  version: >-\n    5.8\n\n  client: 'a'\n  suspend:\n    reason: |+\n      # no comment\n\nkind: Workstation\nmetadata: {name: x}\n",
	} {
		f.Add(text, put)
	}
	for _, layout := range layouts() {
		f.Add(layout, "# new\n---\n"+put+"\n# end\n")
	}
	f.Fuzz(func(t *testing.T, text, doc string) {
		file := []byte(above + "---\n" + text + "\n" + below)
		if strings.Contains(text, "above") || strings.Contains(text, "below") || len(schema.ParseFile("a", file).Errors) > 0 {
			return
		}
		for _, kind := range []schema.Kind{schema.KindWorkstation, schema.KindGroup} {
			set, err := schema.SetPolicyVersion(file, kind, "x", "7.1")
			untouched(t, "set", set, err, file)
			if err == nil && !bytes.Contains(set, []byte(`"7.1"`)) {
				t.Errorf("set: no version in\n%s", set)
			}
			removed, err := schema.RemovePolicyVersion(file, kind, "x")
			untouched(t, "remove version", removed, err, file)
			gone, err := schema.RemoveDocument(file, kind, "x")
			untouched(t, "remove", gone, err, file)
			if _, again := schema.Document(gone, kind, "x"); err == nil && again == nil {
				t.Errorf("remove: still there in\n%s", gone)
			}
			put, err := schema.PutDocument(file, kind, "x", []byte(doc))
			untouched(t, "put", put, err, file)
		}
	})
}

func untouched(t *testing.T, edit string, got []byte, err error, before []byte) {
	t.Helper()
	if err != nil {
		return
	}
	if f := schema.ParseFile("a", got); len(f.Errors) > 0 {
		t.Errorf("%s: %v\nbefore:\n%s\nafter:\n%s", edit, f.Errors, before, got)
	}
	if !bytes.HasPrefix(got, []byte(above)) || !bytes.Contains(got, []byte(below)) {
		t.Errorf("%s changes another document\nbefore:\n%s\nafter:\n%s", edit, before, got)
	}
}
