package schema

import (
	"bytes"
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"lull/schema/internal/shape"
)

// Marshal writes a *Server, *Client, *Release, *Group or *Workstation as one YAML document. Versions are quoted, and
// what is empty or a default is left out. An object that would not be a manifest without errors is refused.
func Marshal(object any) ([]byte, error) {
	kind, ok := kindOf(object)
	if !ok {
		return nil, fmt.Errorf("marshal manifest: %T is none of the kinds", object)
	}
	root := mapping()
	add(root, "apiVersion", plain(APIVersion))
	add(root, "kind", plain(string(kind)))
	fields(theLanguage()[kind], reflect.ValueOf(object).Elem(), root)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("marshal manifest: %w", err)
	}
	if f := ParseFile("manifest", b.Bytes()); len(f.Errors) > 0 {
		return nil, fmt.Errorf("marshal manifest: %w", f.Errors)
	}
	return b.Bytes(), nil
}

func kindOf(object any) (Kind, bool) {
	for kind, s := range theLanguage() {
		if v := reflect.ValueOf(object); v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Type() == s.Type {
			return kind, true
		}
	}
	return "", false
}

// fields adds what a struct says to a mapping.
func fields(s *shape.Shape, v reflect.Value, into *yaml.Node) {
	for _, f := range s.Fields {
		if f.Later != "" {
			continue
		}
		fv := v.FieldByIndex(f.Index)
		if fv.Kind() == reflect.Pointer {
			if fv.IsNil() {
				continue
			}
			fv = fv.Elem()
		} else if fv.IsZero() || f.Default.IsValid() && fv.Equal(f.Default) {
			continue
		}
		add(into, f.Name, node(f.Shape, fv))
	}
}

func node(s *shape.Shape, v reflect.Value) *yaml.Node {
	switch s.Kind {
	case shape.Struct:
		n := mapping()
		fields(s, v, n)
		return n
	case shape.List:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, node(s.Elem, v.Index(i)))
		}
		return n
	case shape.Map:
		return labels(v.Interface().(map[string]string))
	case shape.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}
	case shape.Int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}
	case shape.Text:
		return text(v.Addr().Interface().(encoding.TextMarshaler))
	}
	return plain(v.String())
}

func labels(all map[string]string) *yaml.Node {
	n := mapping()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		add(n, key, plain(all[key]))
	}
	return n
}

// text quotes what reads itself, such as versions, unless it is one of the words that a version rule may be.
func text(m encoding.TextMarshaler) *yaml.Node {
	b, _ := m.MarshalText() // no type of the language fails here
	n := plain(string(b))
	if word := string(b); word != ruleServer && word != ruleNewest {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

// plain is text, which the library quotes where it must.
func plain(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func add(to *yaml.Node, name string, value *yaml.Node) {
	to.Content = append(to.Content, plain(name), value)
}
