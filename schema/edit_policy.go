package schema

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// versionUnit is what a policy says together, and what therefore goes together.
func versionUnit() []string { return []string{"allowDowngrade", "version"} }

// SetPolicyVersion sets spec.version of a Group or Workstation and keeps every other byte of the file. The version is
// any rule that ParseVersionRule reads.
func SetPolicyVersion(file []byte, kind Kind, name, version string) ([]byte, error) {
	file = withoutBOM(file)
	edited, err := setVersion(file, kind, name, version)
	if err != nil {
		return nil, fmt.Errorf("set version of %s %s: %w", kind, name, err)
	}
	return edited, nil
}

func setVersion(file []byte, kind Kind, name, version string) ([]byte, error) {
	if _, err := ParseVersionRule(version); err != nil {
		return nil, err
	}
	p, spec, err := findPolicy(file, kind, name)
	if err != nil {
		return nil, err
	}
	if key, n := entry(spec, "version"); n != nil {
		from, to, err := p.raw(file, n)
		if err != nil {
			return nil, err
		}
		return splice(file, from, to, written(version, key)), nil
	}
	key, client := entry(spec, "client")
	if client == nil {
		return nil, errors.New("the manifest has no spec.client to write the version below: correct it first")
	}
	_, to, err := p.raw(file, client)
	if err != nil {
		return nil, err
	}
	return p.insert(file, spec, key, to, "version", written(version, key)), nil
}

// RemovePolicyVersion takes the version, and what belongs to it, out of a Group or Workstation and keeps every other
// byte of the file. A manifest that says nothing without its version is taken out whole, as RemoveDocument does it.
func RemovePolicyVersion(file []byte, kind Kind, name string) ([]byte, error) {
	edited, err := removeVersion(withoutBOM(file), kind, name)
	if err != nil {
		return nil, fmt.Errorf("remove version of %s %s: %w", kind, name, err)
	}
	return edited, nil
}

func removeVersion(file []byte, kind Kind, name string) ([]byte, error) {
	for _, field := range versionUnit() {
		p, spec, err := findPolicy(file, kind, name)
		if err != nil {
			return nil, err
		}
		if value(spec, "suspend") == nil && (kind == KindGroup || value(spec, "labels") == nil) {
			return RemoveDocument(file, kind, name)
		}
		if file, err = p.without(file, spec, field); err != nil {
			return nil, err
		}
	}
	return file, nil
}

// findPolicy gives the document of a Group or Workstation and its spec.
func findPolicy(file []byte, kind Kind, name string) (*place, *yaml.Node, error) {
	if kind != KindGroup && kind != KindWorkstation {
		return nil, nil, fmt.Errorf("a %s has no policy; only %s and %s have", kind, KindGroup, KindWorkstation)
	}
	p, err := find(file, kind, name)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, errNoDocument
	}
	spec := value(p.root, "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return nil, nil, errors.New("the manifest has no spec: correct it first")
	}
	return p, spec, nil
}

// offset is where a node starts in the file; columns count characters from 1.
func (p *place) offset(file []byte, n *yaml.Node) int {
	at := lineStart(file, p.segment, n.Line)
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(file[at:])
		at += size
	}
	return at
}

// raw is where a scalar stands in the file, quotes included. Text over several lines is not looked for.
func (p *place) raw(file []byte, n *yaml.Node) (from, to int, err error) {
	from = p.offset(file, n)
	rest := file[from:min(lineEnd(file, from), p.end)]
	length := -1
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Style == yaml.DoubleQuotedStyle:
		length = closing(rest, '"')
	case n.Style == yaml.SingleQuotedStyle:
		length = closing(rest, '\'')
	case n.Style == 0 && bytes.HasPrefix(rest, []byte(n.Value)):
		length = len(n.Value)
	}
	if length < 0 {
		return 0, 0, fmt.Errorf("line %d is written in a way that cannot be edited without a person: write the value on one line", p.line+n.Line)
	}
	return from, from + length, nil
}

// closing is the length of the quoted text at the start of a line, or -1 if it does not end there.
func closing(line []byte, quote byte) int {
	if len(line) == 0 || line[0] != quote {
		return -1
	}
	for i := 1; i < len(line); i++ {
		switch {
		case quote == '"' && line[i] == '\\':
			i++
		case quote == '\'' && line[i] == quote && i+1 < len(line) && line[i+1] == quote:
			i++
		case line[i] == quote:
			return i + 1
		}
	}
	return -1
}

// written is a version rule as a manifest holds it: in quotes, unless it is a word in YAML that is no JSON, as a key
// beside it shows.
func written(version string, key *yaml.Node) []byte {
	if key.Style != yaml.DoubleQuotedStyle && (version == ruleServer || version == ruleNewest) {
		return []byte(version)
	}
	return strconv.AppendQuote(nil, version)
}

// insert writes name and value as the entry after the one of the key whose value ends at the offset to.
func (p *place) insert(file []byte, spec, key *yaml.Node, to int, name string, value []byte) []byte {
	if key.Style == yaml.DoubleQuotedStyle {
		name = strconv.Quote(name)
	}
	entry := append([]byte(name+": "), value...)
	if spec.Style&yaml.FlowStyle != 0 {
		return splice(file, to, to, append([]byte(", "), entry...))
	}
	line := bytes.TrimRight(file[to:lineEnd(file, to)], "\r\n")
	to += len(line)
	return splice(file, to, to, bytes.Join([][]byte{breakOf(file), []byte(strings.Repeat(" ", key.Column-1)), entry}, nil))
}

// without is the file without one field of spec, which may be absent.
func (p *place) without(file []byte, spec *yaml.Node, field string) ([]byte, error) {
	key, n := entry(spec, field)
	if key == nil {
		return file, nil
	}
	_, to, err := p.raw(file, n)
	if err != nil {
		return nil, err
	}
	from := p.offset(file, key)
	if spec.Style&yaml.FlowStyle != 0 {
		from, to = withComma(file, from, to)
		return splice(file, from, to, nil), nil
	}
	start := lineStart(file, p.segment, key.Line)
	if len(bytes.TrimLeft(file[start:from], " ")) > 0 || key.Line != n.Line {
		return nil, fmt.Errorf("line %d is written in a way that cannot be edited without a person: write %s: and its value on a line of their own", p.line+key.Line, field)
	}
	return splice(file, start, lineEnd(file, to), nil), nil
}

// withComma widens the place of an entry in braces by the comma behind it or, if it is the last one, before it.
func withComma(file []byte, from, to int) (int, int) {
	rest := bytes.TrimLeft(file[to:], " ")
	if len(rest) > 0 && rest[0] == ',' {
		rest = bytes.TrimLeft(rest[1:], " ")
		return from, len(file) - len(rest)
	}
	before := bytes.TrimRight(file[:from], " \r\n")
	if len(before) > 0 && before[len(before)-1] == ',' {
		return len(before) - 1, to
	}
	return from, to
}
