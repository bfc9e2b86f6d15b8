package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The limits of one file. They are far above what people write and far below what would hurt a server.
const (
	maxFile      = 1 << 20 // bytes
	maxDocuments = 1000
	maxDepth     = 32
	maxErrors    = 1000 // that are listed
)

// File is one manifest file after it was read by itself. It is never changed, so that it can be kept as long as the
// bytes of the file stay the same, and given to any number of sets.
type File struct {
	Name   string
	Errors Errors // sorted by place

	documents []document
	cut       bool // some documents could not be told from each other or not be read at all
}

// document is one manifest, decoded. Broken ones are kept, so that nobody complains that what they declare is missing.
type document struct {
	kind    Kind
	object  any      // *Server, *Client, *Release, *Group or *Workstation
	refers  Position // of the field that names another manifest
	subject Position // of the field that says what a Release or Workstation is about
	broken  bool
}

// ParseFile reads a file of manifests, YAML or JSON. It never fails: what is wrong is in Errors, all of it. The name is
// used for positions only.
func ParseFile(name string, data []byte) *File {
	f := &File{Name: name}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if e := checkText(name, data); e != nil {
		f.cut, f.Errors = true, Errors{e}
		return f
	}
	segments := split(data)
	for _, s := range segments {
		f.parse(s, data)
		if len(f.documents) > maxDocuments || len(f.Errors) > maxErrors {
			f.cut = true
			f.Errors = append(f.Errors[:min(len(f.Errors), maxErrors)], &Error{
				At:      Position{name, s.line + 1, 1},
				Message: fmt.Sprintf("a file holds at most %d documents, and at most %d errors of a file are listed; the rest was not read", maxDocuments, maxErrors),
				Hint:    "split the file",
			})
			break
		}
	}
	f.Errors.sort()
	return f
}

// parse reads the document of one segment and keeps what it declares.
func (f *File) parse(s segment, data []byte) {
	root, err := parseYAML(data[s.start:s.end])
	if err != nil {
		f.cut = true
		f.Errors = append(f.Errors, syntaxError(Position{f.Name, s.line, 1}, data[s.start:s.end], err))
		return
	}
	if root == nil {
		return
	}
	d := decoder{file: f.Name, line: s.line}
	doc, ok := d.document(root)
	f.Errors = append(f.Errors, d.errors...)
	doc.broken = len(d.errors) > 0
	if ok {
		f.documents = append(f.documents, doc)
	} else {
		f.cut = true
	}
}

// Declared is kind and name of each manifest in the file, right or wrong, in the order of the file.
func (f *File) Declared() iter.Seq2[Kind, string] {
	return func(yield func(Kind, string) bool) {
		for _, d := range f.documents {
			if !yield(d.kind, meta(d.object).Name) {
				return
			}
		}
	}
}

// parseYAML gives the root of the one document in data, or nil if there is none. The library panics on some malformed
// input that it was never tried with; what comes from outside must not end a server.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, rest yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&rest); err == nil {
		return nil, fmt.Errorf("yaml: line %d: a second document starts without a line ---", rest.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	root = doc.Content[0]
	if empty(root) {
		return nil, nil
	}
	return root, nil
}

// empty reports whether nothing at all was written where the node stands.
func empty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

var (
	yamlLine    = regexp.MustCompile(`^line (\d+): `)
	yamlGrammar = regexp.MustCompile(`^did not find expected (<|key|node content|'-'|',')`)
	yamlUnknown = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError gives what the library says a place. It counts lines from 0 for mistakes of grammar and from 1 for those
// of spelling, and says nothing about the first line; at is the line before the segment.
func syntaxError(at Position, segment []byte, err error) *Error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
		if yamlGrammar.MatchString(message) {
			line++
		}
	}
	if m := yamlUnknown.FindStringSubmatch(message); m != nil {
		before, _, _ := bytes.Cut(segment, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
		at.Column += utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		message = "an alias is not allowed in a manifest"
	}
	at.Line += min(line, 1+bytes.Count(segment, []byte("\n")))
	return &Error{At: at, Message: "not valid YAML: " + message, Hint: syntaxHint(message)}
}

func syntaxHint(message string) string {
	switch {
	case strings.Contains(message, "cannot start any token"):
		return "indent with spaces, not with tabs; put text that starts with @, ` or % in quotes"
	case strings.Contains(message, "mapping values are not allowed"):
		return "put text that holds a colon and a space in quotes"
	case strings.Contains(message, "did not find expected key"):
		return "look at the indentation below this line"
	case strings.Contains(message, "unknown escape character"):
		return `in double quotes write \\ for a backslash, or use single quotes`
	case strings.Contains(message, "alias"):
		return "write the value out; text that starts with * needs quotes"
	case strings.Contains(message, "expected comment or line break"):
		return "put text that starts with > or | in quotes"
	case strings.Contains(message, "alphabetic or numeric"):
		return "put text that starts with * or & in quotes"
	}
	return ""
}

// checkText refuses what would make editors, this parser and others see different text: other encodings, control
// characters, unusual line breaks and YAML directives.
func checkText(name string, data []byte) *Error {
	if len(data) > maxFile {
		return &Error{At: Position{name, 1, 1}, Message: fmt.Sprintf("the file has %d bytes; at most %d are allowed", len(data), maxFile), Hint: "split the file"}
	}
	at := Position{name, 1, 1}
	for i := 0; i < len(data); {
		r, size := rune(data[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(data[i:])
		}
		if message, hint := refusedRune(r, size, at.Column, data[i+size:]); message != "" {
			return &Error{At: at, Message: message, Hint: hint}
		}
		i += size
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
	}
	return nil
}

func refusedRune(r rune, size, column int, rest []byte) (message, hint string) {
	switch {
	case r >= ' ' && r < 0x7f:
		if r == '%' && column == 1 {
			return "a YAML directive is not allowed in a manifest", "remove the line; text that starts with % needs quotes"
		}
	case r == '\n' || r == '\t' || r == '\r' && bytes.HasPrefix(rest, []byte("\n")):
	case r == utf8.RuneError && size == 1:
		return "this is not UTF-8", "save the file as UTF-8"
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff:
		return fmt.Sprintf("the character U+%04X is not allowed", r), `remove it, or write it as an escape in double quotes`
	}
	return "", ""
}
