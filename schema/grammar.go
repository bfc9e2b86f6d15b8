package schema

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// grammar refuses the parts of YAML that the language leaves out, wherever they stand: what one line says must not
// depend on another line (anchors, aliases, merge keys), be guessed (tags, null) or be said twice (duplicate keys).
func (d *decoder) grammar(n *yaml.Node, depth int) {
	if n.Anchor != "" {
		d.fail(n, "an anchor is not allowed in a manifest", "write the value out where it is used")
	}
	switch {
	case n.Kind == yaml.AliasNode:
		d.fail(n, "an alias is not allowed in a manifest", "write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, fmt.Sprintf("the tag %s is not allowed in a manifest", shorten(n.Tag)), "remove it; quotes make anything text")
	case n.Tag == "!!null":
		d.fail(n, "the field has no value", "write a value, or leave the field out")
	case depth > maxDepth:
		d.fail(n, fmt.Sprintf("more than %d levels", maxDepth), "")
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			d.item(i)
			d.grammar(item, depth+1)
			d.pop()
		}
	case n.Kind == yaml.MappingNode:
		d.keys(n, depth)
	}
}

// few is the number of keys up to which looking at each of them beats a map.
const few = 16

func (d *decoder) keys(n *yaml.Node, depth int) {
	var seen map[string]*yaml.Node
	if len(n.Content) > 2*few {
		seen = make(map[string]*yaml.Node, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		d.push(key.Value)
		d.keyForm(key)
		if first := earlier(n.Content[:i], key, seen); first != nil {
			d.fail(key, fmt.Sprintf("the field is there twice, first in line %d", d.line+first.Line), "remove one of them")
		}
		d.grammar(n.Content[i+1], depth+1)
		d.pop()
	}
}

func (d *decoder) keyForm(key *yaml.Node) {
	switch {
	case key.Kind == yaml.AliasNode:
		d.fail(key, "an alias is not allowed in a manifest", "write the name out")
	case key.Tag == "!!merge":
		d.fail(key, "a merge key is not allowed in a manifest", "write the fields out")
	case key.Anchor != "":
		d.fail(key, "an anchor is not allowed in a manifest", "write the value out where it is used")
	case key.Style&yaml.TaggedStyle != 0:
		d.fail(key, fmt.Sprintf("the tag %s is not allowed in a manifest", shorten(key.Tag)), "remove it; quotes make anything text")
	case key.Kind != yaml.ScalarNode:
		d.fail(key, "the name of a field must be text, not "+called(key), "")
	case key.Tag == "!!null":
		d.fail(key, "a field has no name", "")
	case key.Tag != "!!str":
		d.unquoted(key)
	}
}

// earlier is the key among those before that has the same text. A map, if there is one, remembers them.
func earlier(before []*yaml.Node, key *yaml.Node, seen map[string]*yaml.Node) *yaml.Node {
	if key.Kind != yaml.ScalarNode {
		return nil
	}
	if seen != nil {
		first := seen[key.Value]
		if first == nil {
			seen[key.Value] = key
		}
		return first
	}
	for i := 0; i < len(before); i += 2 {
		if before[i].Kind == yaml.ScalarNode && before[i].Value == key.Value {
			return before[i]
		}
	}
	return nil
}

// value is the value of a field in a mapping, or nil.
func value(n *yaml.Node, name string) *yaml.Node {
	_, v := entry(n, name)
	return v
}

// entry is the key and the value of a field in a mapping, or nil and nil.
func entry(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name && n.Content[i].Kind == yaml.ScalarNode {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// called is what people call a node.
func called(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "fields"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	case "!!timestamp":
		return "a date"
	case "!!null":
		return "nothing"
	}
	return "text"
}

// longest bounds what a message repeats of a file.
const longest = 80

func shorten(text string) string {
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

func quoted(text string) string { return fmt.Sprintf("%q", shorten(text)) }
