package schema

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// PutDocument puts one manifest into a file: in place of the one with that kind and name, or at the end if there is
// none. All other bytes stay as they are, and so do the comments above and below the old manifest unless the new one
// brings its own. The new one gets the line breaks of the file. It must be without errors; the file must be
// YAML, but may have other errors. Here
// and in all that edits, a byte order mark at the start of a file is dropped.
func PutDocument(file []byte, kind Kind, name string, doc []byte) ([]byte, error) {
	file = withoutBOM(file)
	text, err := oneDocument(doc, kind, name)
	if err != nil {
		return nil, fmt.Errorf("put %s %s: %w", kind, name, err)
	}
	old, err := find(file, kind, name)
	if err != nil {
		return nil, fmt.Errorf("put %s %s: %w", kind, name, err)
	}
	text = asFile(text, file)
	if old == nil {
		return appendDocument(file, text), nil
	}
	from, to := old.extent(file)
	if text[0] == '#' {
		from = old.body
	}
	if text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1] == '#' {
		to = old.tail(file)
	}
	if from == old.body && from > old.start {
		text = append(breakOf(file), text...)
	}
	return splice(file, from, to, text), nil
}

// RemoveDocument takes one manifest, the --- above it and the comments in between out of a file. What is left may hold
// no manifest; whether such a file stays is for the caller to say.
func RemoveDocument(file []byte, kind Kind, name string) ([]byte, error) {
	file = withoutBOM(file)
	old, err := find(file, kind, name)
	if err == nil && old == nil {
		err = errNoDocument
	}
	if err != nil {
		return nil, fmt.Errorf("remove %s %s: %w", kind, name, err)
	}
	return splice(file, old.start, old.end, nil), nil
}

// Document is the text of one manifest of a file as it is written there, with the comments above it and without ---.
func Document(file []byte, kind Kind, name string) ([]byte, error) {
	file = withoutBOM(file)
	found, err := find(file, kind, name)
	if err == nil && found == nil {
		err = errNoDocument
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, name, err)
	}
	return bytes.TrimLeft(bytes.Clone(file[found.body:found.tail(file)]), "\r\n"), nil
}

const errNoDocument = constant("the file holds no such manifest")

// constant is an error that cannot be changed.
type constant string

func (c constant) Error() string { return string(c) }

// place is one document of a file that is edited.
type place struct {
	segment
	root *yaml.Node // lines count from the start of the segment
}

// find gives the document of that kind and name, or nil if there is none.
func find(file []byte, kind Kind, name string) (*place, error) {
	if e := checkText("", file); e != nil {
		return nil, fmt.Errorf("line %d: %s: %s", e.At.Line, e.Message, e.Hint)
	}
	var found *place
	for _, likely := range []bool{true, false} { // of a thousand documents most need not be parsed
		for _, s := range split(file) {
			if mayName(file[s.start:s.end], name) != likely {
				continue
			}
			root, err := parseYAML(file[s.start:s.end])
			if err != nil {
				e := syntaxError(Position{Line: s.line}, file[s.start:s.end], err)
				return nil, fmt.Errorf("line %d: %s: correct the file first", e.At.Line, e.Message) // it might be the one
			}
			k, n := value(root, "kind"), value(value(root, "metadata"), "name")
			if k == nil || n == nil || k.Value != string(kind) || n.Value != name {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("the file holds it twice, in lines %d and %d: remove one by hand", found.line+found.root.Line, s.line+root.Line)
			}
			found = &place{s, root}
		}
		if found != nil {
			break
		}
	}
	return found, nil
}

// mayName reports whether a document may hold a name, which only an escape can hide.
func mayName(segment []byte, name string) bool {
	return bytes.Contains(segment, []byte(name)) || bytes.IndexByte(segment, '\\') >= 0
}

// extent is where the manifest itself starts and ends, without comments and blank lines around it. A comment that starts
// a line cannot be part of a manifest, which is a mapping.
func (p *place) extent(file []byte) (from, to int) {
	from = p.body
	if first := lineStart(file, p.segment, p.root.Line); first > from {
		from = first
	}
	to = from
	for at := from; at < p.end; {
		next := lineEnd(file, at)
		if line := bytes.TrimSpace(file[at:next]); len(line) > 0 && file[at] != '#' && !marker(file[at:next], "...") {
			to = min(next, p.end)
		}
		at = next
	}
	return from, to
}

// tail is where the segment ends, but for a line ... at its end.
func (p *place) tail(file []byte) int {
	last := bytes.LastIndexByte(bytes.TrimRight(file[p.body:p.end], "\r\n"), '\n') + 1 + p.body
	if marker(file[last:p.end], "...") {
		return last
	}
	return p.end
}

// lineStart is the offset of a line of a segment, counted from 1.
func lineStart(file []byte, s segment, line int) int {
	at := s.start
	for range line - 1 {
		at = lineEnd(file, at)
	}
	return at
}

// oneDocument is the text of a manifest without the markers around it, ending with a line break.
func oneDocument(doc []byte, kind Kind, name string) ([]byte, error) {
	doc = withoutBOM(doc)
	if f := ParseFile("manifest", doc); len(f.Errors) > 0 {
		return nil, f.Errors
	} else if len(f.documents) != 1 {
		return nil, fmt.Errorf("the text holds %d manifests: want one", len(f.documents))
	}
	p, err := find(doc, kind, name)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("the text is about another manifest: kind and metadata.name must be %s and %s", kind, name)
	}
	text := bytes.Trim(doc[p.body:p.tail(doc)], "\r\n")
	return append(bytes.Clone(text), '\n'), nil
}

func appendDocument(file, text []byte) []byte {
	if len(file) > 0 && file[len(file)-1] != '\n' {
		file = splice(file, len(file), len(file), breakOf(file))
	}
	for _, s := range split(file) {
		if root, err := parseYAML(file[s.start:s.end]); err == nil && root != nil {
			text = append(append([]byte("---"), breakOf(file)...), text...)
			break
		}
	}
	return splice(file, len(file), len(file), text)
}

// asFile gives text the line breaks of the file.
func asFile(text, file []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n"), breakOf(file))
}

// breakOf is the line break of a file, which its first line tells.
func breakOf(file []byte) []byte {
	if end := lineEnd(file, 0); bytes.HasSuffix(file[:end], []byte("\r\n")) {
		return []byte("\r\n")
	}
	return []byte("\n")
}

func withoutBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }

// splice is a new file in which the bytes between two offsets are replaced.
func splice(file []byte, from, to int, text []byte) []byte {
	return bytes.Join([][]byte{file[:from], text, file[to:]}, nil)
}
