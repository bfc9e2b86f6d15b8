package schema

import (
	"cmp"
	"slices"
	"strings"
)

// Error is one mistake in a manifest.
type Error struct {
	At      Position
	Path    string // of the field, such as spec.members.names[0]; "" where the mistake is about no field
	Message string
	Hint    string // what to do, where that is known
}

// Error is "file:line:column: path: message (hint)", the form that editors and compilers use.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.At.String())
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors is every mistake of a file or of a set, sorted by file, line and column.
type Errors []*Error

// Error is all mistakes, one a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each mistake to errors.As.
func (es Errors) Unwrap() []error {
	all := make([]error, len(es))
	for i, e := range es {
		all[i] = e
	}
	return all
}

func (es Errors) sort() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
}
