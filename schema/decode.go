package schema

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"lull/schema/internal/shape"
)

// language holds the shape of every kind. It is made once and only read.
type language map[Kind]*shape.Shape

var theLanguage = sync.OnceValue(func() language {
	return language{
		KindServer:      shape.Of(reflect.TypeFor[Server]()),
		KindClient:      shape.Of(reflect.TypeFor[Client]()),
		KindRelease:     shape.Of(reflect.TypeFor[Release]()),
		KindGroup:       shape.Of(reflect.TypeFor[Group]()),
		KindWorkstation: shape.Of(reflect.TypeFor[Workstation]()),
	}
})

// decoder reads one document. Each mistake is noted and the walk goes on, so that people see all of them at once.
type decoder struct {
	file   string
	line   int // of the file, before the document
	path   []step
	errors Errors
}

// step is one part of the path of a field: a name, or the place in a list if the name is empty.
type step struct {
	name  string
	index int
}

func (d *decoder) push(name string) { d.path = append(d.path, step{name: cmp.Or(shorten(name), `""`)}) }
func (d *decoder) item(index int)   { d.path = append(d.path, step{index: index}) }
func (d *decoder) pop()             { d.path = d.path[:len(d.path)-1] }

func (d *decoder) at(n *yaml.Node) Position {
	return Position{File: d.file, Line: d.line + n.Line, Column: n.Column}
}

func (d *decoder) fail(n *yaml.Node, message, hint string) {
	d.errors = append(d.errors, &Error{At: d.at(n), Path: pathText(d.path), Message: message, Hint: hint})
}

func pathText(path []step) string {
	var b strings.Builder
	for i, s := range path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// document reads the root of a document; false if it does not even say what it declares.
func (d *decoder) document(root *yaml.Node) (document, bool) {
	d.grammar(root, 1)
	if root.Kind != yaml.MappingNode {
		if root.Tag != "!!null" {
			d.fail(root, "a manifest has the fields apiVersion, kind, metadata and spec, and this is "+called(root), "")
		}
		return document{}, false
	}
	d.apiVersion(root)
	kind, ok := d.kind(root)
	if !ok {
		return document{}, false
	}
	object := reflect.New(theLanguage()[kind].Type)
	d.fields(theLanguage()[kind], root, object.Elem(), "apiVersion", "kind")
	name, spec := value(value(root, "metadata"), "name"), value(root, "spec")
	doc := document{
		kind:    kind,
		object:  object.Interface(),
		refers:  d.at(cmp.Or(value(spec, reference(kind)), root)),
		subject: d.at(cmp.Or(value(spec, subject(kind)), name, root)),
	}
	m := meta(doc.object)
	if m.Name == "" {
		return doc, false
	}
	m.At = d.at(cmp.Or(name, root)) // no name here: metadata is there twice
	return doc, true
}

func (d *decoder) apiVersion(root *yaml.Node) {
	switch n := value(root, "apiVersion"); {
	case n == nil:
		d.fail(root, "apiVersion is missing", "write apiVersion: "+APIVersion)
	case n.Kind != yaml.ScalarNode || n.Value != APIVersion:
		d.within("apiVersion", func() {
			d.fail(n, "this build knows "+APIVersion+" only", "write apiVersion: "+APIVersion)
		})
	}
}

func (d *decoder) kind(root *yaml.Node) (Kind, bool) {
	n := value(root, "kind")
	names := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	switch {
	case n == nil:
		d.fail(root, "kind is missing", "one of "+strings.Join(names, ", "))
		return "", false
	case n.Kind != yaml.ScalarNode || !slices.Contains(names, n.Value):
		hint := cmp.Or(didYouMean(n.Value, names), "one of "+strings.Join(names, ", "))
		d.within("kind", func() { d.fail(n, fmt.Sprintf("nothing is called %s", quoted(n.Value)), hint) })
		return "", false
	}
	return Kind(n.Value), true
}

func (d *decoder) within(name string, do func()) {
	d.push(name)
	do()
	d.pop()
}

// value decodes a node as a shape says. Nodes that the grammar refused are passed over.
func (d *decoder) value(f *shape.Field, s *shape.Shape, n *yaml.Node, into reflect.Value) {
	if n.Kind == yaml.AliasNode || n.Tag == "!!null" || n.Style&yaml.TaggedStyle != 0 {
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch s.Kind {
	case shape.Struct:
		if d.expect(n, yaml.MappingNode, "fields below it") {
			d.fields(s, n, into)
		}
	case shape.List:
		if d.expect(n, yaml.SequenceNode, "a list") {
			d.list(f, s, n, into)
		}
	case shape.Map:
		if d.expect(n, yaml.MappingNode, "names and values below it") {
			d.labels(f, n, into)
		}
	default:
		if d.expect(n, yaml.ScalarNode, "one value") {
			d.scalar(f, s, n, into)
		}
	}
}

func (d *decoder) expect(n *yaml.Node, kind yaml.Kind, want string) bool {
	if n.Kind != kind {
		d.fail(n, fmt.Sprintf("want %s, not %s", want, called(n)), "")
	}
	return n.Kind == kind
}

// fields decodes a mapping into a struct: its fields, then what is missing, then what the type itself asks for. Where a
// field has an unknown name, nobody knows what is missing: that mistake is not reported as two.
func (d *decoder) fields(s *shape.Shape, n *yaml.Node, into reflect.Value, also ...string) {
	var unknown []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if f := s.Field(key.Value); f != nil {
			d.push(key.Value)
			d.field(f, key, n.Content[i+1], into)
			d.pop()
		} else if !slices.Contains(also, key.Value) {
			unknown = append(unknown, key)
		}
	}
	if unknown != nil {
		d.unknown(append(s.Names(), also...), unknown)
		return
	}
	for _, f := range s.Fields {
		d.absent(f, n, into)
	}
	if c, ok := into.Addr().Interface().(checked); ok {
		c.check(spot{d, n})
	}
}

func (d *decoder) field(f *shape.Field, key, n *yaml.Node, into reflect.Value) {
	if f.Later != "" {
		d.fail(key, fmt.Sprintf("this build does not carry out %s yet; remove the field", f.Later), "")
		return
	}
	d.value(f, f.Shape, n, into.FieldByIndex(f.Index))
}

// unknown notes fields that nobody knows, but for those that the grammar refused.
func (d *decoder) unknown(names []string, keys []*yaml.Node) {
	for _, key := range keys {
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
			continue
		}
		hint := cmp.Or(didYouMean(key.Value, names), "known here: "+strings.Join(names, ", "))
		d.within(key.Value, func() { d.fail(key, "unknown field", hint) })
	}
}

// absent fills in the default of a field that is not there, or notes that it must be.
func (d *decoder) absent(f *shape.Field, n *yaml.Node, into reflect.Value) {
	if !f.Required && !f.Default.IsValid() || value(n, f.Name) != nil {
		return
	}
	if f.Required {
		d.within(f.Name, func() { d.fail(n, "required field is missing", "") })
		return
	}
	into.FieldByIndex(f.Index).Set(f.Default)
}

func (d *decoder) list(f *shape.Field, s *shape.Shape, n *yaml.Node, into reflect.Value) {
	if len(n.Content) == 0 {
		d.fail(n, "the list is empty", "give it an item, or leave the field out")
		return
	}
	into.Set(reflect.MakeSlice(s.Type, len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.item(i)
		d.value(f, s.Elem, item, into.Index(i))
		d.pop()
	}
	if slices.Contains(f.Rules, "command") {
		d.program(n.Content[0])
	}
}

func (d *decoder) labels(f *shape.Field, n *yaml.Node, into reflect.Value) {
	if len(n.Content) == 0 {
		d.fail(n, "nothing is named", "name something, or leave the field out")
		return
	}
	all := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			continue
		}
		d.within(key.Value, func() {
			d.key(f, key)
			var text string
			d.value(f, textShape(), value, reflect.ValueOf(&text).Elem())
			all[key.Value] = text
		})
	}
	into.Set(reflect.ValueOf(all))
}

var textShape = sync.OnceValue(func() *shape.Shape { return shape.Of(reflect.TypeFor[string]()) })

func (d *decoder) key(f *shape.Field, key *yaml.Node) {
	switch {
	case len(f.Keys) == 0:
		if message := broken("name", key.Value); message != "" {
			d.fail(key, message, "")
		}
	case !slices.Contains(f.Keys, key.Value):
		d.fail(key, fmt.Sprintf("%s is not one of %s", quoted(key.Value), strings.Join(f.Keys, ", ")), didYouMean(key.Value, f.Keys))
	}
}

func (d *decoder) scalar(f *shape.Field, s *shape.Shape, n *yaml.Node, into reflect.Value) {
	switch s.Kind {
	case shape.Bool:
		if n.Tag != "!!bool" {
			d.fail(n, "want true or false, not "+called(n), "")
			return
		}
		into.SetBool(strings.EqualFold(n.Value, "true"))
	case shape.Int:
		d.integer(f, n, into)
	case shape.Text:
		d.text(n, into.Addr().Interface().(encoding.TextUnmarshaler))
	default:
		d.str(f, n, into)
	}
}

func (d *decoder) integer(f *shape.Field, n *yaml.Node, into reflect.Value) {
	number, err := strconv.ParseInt(n.Value, 10, 32)
	if n.Tag != "!!int" || err != nil || strconv.FormatInt(number, 10) != n.Value {
		d.fail(n, fmt.Sprintf("want a whole decimal number, not %s", quoted(n.Value)), "")
		return
	}
	if f.Max != 0 && (int(number) < f.Min || int(number) > f.Max) {
		d.fail(n, fmt.Sprintf("want a number from %d to %d", f.Min, f.Max), "")
		return
	}
	into.SetInt(number)
}

// text decodes what reads itself. What YAML takes for a number or a date is refused with the fix, because other tools
// read 5.10 as 5.1; only a moment may be written without quotes.
func (d *decoder) text(n *yaml.Node, into encoding.TextUnmarshaler) {
	if n.Value == "" {
		d.fail(n, "the text is empty", "write a value, or leave the field out")
		return
	}
	if err := into.UnmarshalText([]byte(n.Value)); err != nil {
		d.fail(n, err.Error(), "")
		return
	}
	if _, moment := into.(*Time); n.Tag == "!!str" || moment && n.Tag == "!!timestamp" {
		return
	}
	d.unquoted(n)
}

func (d *decoder) unquoted(n *yaml.Node) {
	d.fail(n, fmt.Sprintf("%s is %s to YAML; write %q", shorten(n.Value), called(n), shorten(n.Value)), "")
}

func (d *decoder) str(f *shape.Field, n *yaml.Node, into reflect.Value) {
	if n.Tag != "!!str" {
		d.unquoted(n)
		return
	}
	if n.Value == "" {
		d.fail(n, "the text is empty", "write a value, or leave the field out")
		return
	}
	if len(f.Enum) > 0 && !slices.Contains(f.Enum, n.Value) {
		d.word(f, n)
		return
	}
	for _, rule := range f.Rules {
		if message := broken(rule, n.Value); message != "" {
			d.fail(n, message, "")
			return
		}
	}
	into.SetString(n.Value)
}

// word explains why a word is none of those that a field allows.
func (d *decoder) word(f *shape.Field, n *yaml.Node) {
	if slices.Contains(f.LaterEnum, n.Value) {
		d.fail(n, fmt.Sprintf("this build does not carry out %q yet; write %s", n.Value, strings.Join(f.Enum, " or ")), "")
		return
	}
	d.fail(n, fmt.Sprintf("%s is not one of %s", quoted(n.Value), strings.Join(f.Enum, ", ")), didYouMean(n.Value, f.Enum))
}

func (d *decoder) program(n *yaml.Node) {
	if message := broken("relative", n.Value); message != "" && n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value != "" {
		d.item(0)
		d.fail(n, message, "")
		d.pop()
	}
}
