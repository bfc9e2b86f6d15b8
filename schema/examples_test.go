package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"lull/schema"
)

// Every example is a set by itself, and all of them together are one.
func TestExamples(t *testing.T) {
	names, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(names) < 5 {
		t.Fatalf("examples: %v, %v", names, err)
	}
	editor := compile(t)
	var all []*schema.File
	for _, name := range names {
		data := read(t, name)
		f := schema.ParseFile(name, data)
		all = append(all, f)
		if set, errs := schema.NewSet([]*schema.File{f}); errs != nil {
			t.Errorf("parser refuses an example:\n%v", errs)
		} else if set.Len() < 2 {
			t.Errorf("%s holds %d manifests", name, set.Len())
		}
		if err := refusedBySchema(editor, data); err != nil {
			t.Errorf("JSON Schema refuses %s: %v", name, err)
		}
		if !bytes.HasPrefix(data, []byte("# yaml-language-server: $schema=../schema/schema.json\n")) {
			t.Errorf("%s does not name the schema", name)
		}
	}
	if _, errs := schema.NewSet(all); errs != nil {
		t.Errorf("the examples do not go together:\n%v", errs)
	}
}

// Every bad fixture gives exactly the errors beside it. Its first line says whether the JSON Schema refuses it too; one
// that the schema refuses and the parser does not would have no error beside it, which fails.
func TestBadFixtures(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(names) < 40 {
		t.Fatalf("only %d fixtures, %v", len(names), err)
	}
	editor := compile(t)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data := read(t, name)
			want := string(read(t, strings.TrimSuffix(name, ".yaml")+".want"))
			_, errs := schema.NewSet([]*schema.File{schema.ParseFile(filepath.Base(name), data)})
			if got := errs.Error() + "\n"; got != want || len(errs) == 0 {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
			mark := "# schema: cannot see"
			if refusedBySchema(editor, data) != nil {
				mark = "# schema: refuses"
			}
			first, _, _ := strings.Cut(string(data), "\n")
			if strings.TrimSpace(first) != mark {
				t.Errorf("the first line says %q, the JSON Schema %q", first, mark)
			}
		})
	}
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// refusedBySchema is what an editor would say. Where the YAML itself does not parse it says nothing.
func refusedBySchema(s *jsonschema.Schema, data []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := d.Decode(&doc); err != nil {
			return nil
		}
		if root := doc.Content[0]; root.Tag == "!!null" && root.Value == "" {
			continue
		}
		if err := s.Validate(plain(doc.Content[0])); err != nil {
			return err
		}
	}
}

// plain is a node as JSON has it, in the way of editors: dates are text, and the last of two equal keys counts.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = plain(item)
		}
		return list
	case yaml.MappingNode:
		all := make(map[string]any)
		for i := 0; i+1 < len(n.Content); i += 2 {
			all[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return all
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		var number float64
		if n.Decode(&number) == nil {
			return number
		}
		return strconv.Quote(n.Value)
	}
	return n.Value
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
