package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// checked is a type with rules that concern several of its fields. They look at what is written rather than at what was
// decoded, so that a field with a mistake of its own does not count as missing.
type checked interface{ check(at spot) }

// spot is where a value stands, for rules that concern several fields.
type spot struct {
	decoder *decoder
	node    *yaml.Node
}

// fail notes a mistake about a field, or about the whole value if field is "".
func (s spot) fail(field, message, hint string) {
	if field == "" {
		s.decoder.fail(s.node, message, hint)
		return
	}
	n := s.node
	if key, _ := entry(s.node, field); key != nil {
		n = key
	}
	s.decoder.push(field)
	s.decoder.fail(n, message, hint)
	s.decoder.pop()
}

// has reports whether a field is written.
func (s spot) has(field string) bool { return value(s.node, field) != nil }

// any reports whether one of the fields is written.
func (s spot) any(fields ...string) bool { return slices.ContainsFunc(fields, s.has) }

// each calls check for the items of the list in a field of a field, as far as they are text.
func (s spot) each(check func(item spot), fields ...string) {
	n := s.node
	for _, f := range fields {
		s.decoder.push(f)
		defer s.decoder.pop()
		n = value(n, f)
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		return
	}
	for i, item := range n.Content {
		if item.Kind == yaml.ScalarNode && item.Tag == "!!str" && item.Value != "" {
			s.decoder.item(i)
			check(spot{s.decoder, item})
			s.decoder.pop()
		}
	}
}

func (c *ClientSpec) check(at spot) {
	if !at.has("server") && c.Compatibility != Unchecked && c.Compatibility != "" {
		at.fail("server", "required field is missing", "name a Server manifest, or write compatibility: unchecked")
	}
}

func (*Platforms) check(at spot) {
	if !at.any("windows", "linux") {
		at.fail("", "no platform is described", "describe windows, linux or both")
	}
	at.each(func(item spot) { item.folder(drivePattern, `C:\… or %VARIABLE%\…`) }, "windows", "install")
	at.each(func(item spot) { item.folder(rootPattern, "/… or %VARIABLE%/…") }, "linux", "install")
}

var rootPattern = regexp.MustCompile(`^(/|%[A-Za-z0-9_]+%/)[^/\\]`)

// folder checks one folder of an installation, which is absolute in the way of its system.
func (s spot) folder(absolute *regexp.Regexp, form string) {
	path := s.node.Value
	if !absolute.MatchString(path) {
		s.fail("", fmt.Sprintf("%s is not absolute; want %s", quoted(path), form), "")
	} else if why := unsafePath(strings.TrimRight(path, `/\`), false); why != "" {
		s.fail("", why, "")
	}
}

func (*VersionSource) check(at spot) {
	given := 0
	for _, field := range []string{"fileVersion", "file", "command"} {
		if at.has(field) {
			given++
		}
	}
	if given != 1 {
		at.fail("", fmt.Sprintf("%d of fileVersion, file and command are given", given), "give exactly one")
	}
}

func (m *Members) check(at spot) {
	some := at.any("names", "computers", "labels", "facts")
	switch {
	case m.All && some:
		at.fail("all", "all stands alone", "remove all, or everything beside it")
	case !some && (!at.has("all") || value(at.node, "all").Value == "false"):
		at.fail("", "nobody is selected", "write names, computers, labels, facts, or all: true")
	}
}

func (p *Policy) check(at spot) {
	if !at.any("version", "suspend") {
		at.fail("", "the policy says nothing", "write version or suspend")
	}
	p.unit(at)
}

// unit checks what is taken together with the version.
func (p *Policy) unit(at spot) {
	if p.AllowDowngrade && !at.has("version") {
		at.fail("allowDowngrade", "it belongs to a version, and none is given", "write version too")
	}
}

// check is about the manifest of a workstation, which may also say nothing but labels for groups to select on.
func (s *WorkstationSpec) check(at spot) {
	if !at.any("version", "suspend", "labels") {
		at.fail("", "the manifest says nothing about the workstation", "write version, suspend or labels")
	}
	s.unit(at)
}

// check fills in the one default that another field gives.
func (w *Workstation) check(spot) {
	if w.Spec.Name == "" {
		w.Spec.Name = w.Meta.Name
	}
}

// reference is the field of spec that names another manifest.
func reference(kind Kind) string {
	switch kind {
	case KindClient:
		return "server"
	case KindRelease, KindGroup, KindWorkstation:
		return "client"
	}
	return ""
}

// subject is the field of spec that says what a manifest is about, where two about the same thing are a mistake.
func subject(kind Kind) string {
	switch kind {
	case KindRelease:
		return "version"
	case KindWorkstation:
		return "name"
	}
	return ""
}

// meta is what every manifest carries.
func meta(object any) *Meta {
	switch o := object.(type) {
	case *Server:
		return &o.Meta
	case *Client:
		return &o.Meta
	case *Release:
		return &o.Meta
	case *Group:
		return &o.Meta
	}
	return &object.(*Workstation).Meta
}
