package voice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// Format is how a command prints data: -o table, wide, json or yaml. Its zero value is table.
type Format struct {
	kind string
	out  io.Writer
}

// Flag puts -o on a command.
func (f *Format) Flag(flags *pflag.FlagSet) {
	flags.VarP(f, "output", "o", "table, wide, json or yaml")
}

// String, Set and Type make Format a flag.
func (f *Format) String() string {
	if f.kind == "" {
		return "table"
	}
	return f.kind
}

// Set takes the word behind -o.
func (f *Format) Set(kind string) error {
	if !slices.Contains([]string{"table", "wide", "json", "yaml"}, kind) {
		return fmt.Errorf("want table, wide, json or yaml")
	}
	f.kind = kind
	return nil
}

// Type is the word for the value in --help.
func (f *Format) Type() string { return "format" }

// To says where Print writes.
func (f *Format) To(out io.Writer) *Format {
	f.out = out
	return f
}

// Out is where Print writes.
func (f *Format) Out() io.Writer { return f.out }

// Table reports whether people read what is printed.
func (f *Format) Table() bool { return f.String() == "table" || f.kind == "wide" }

// Print prints data for programs, or t for people.
func (f *Format) Print(t *Rows, data any) error {
	switch f.String() {
	case "json":
		return printJSON(f.out, data)
	case "yaml":
		return printYAML(f.out, data)
	}
	return t.print(f.out, f.kind == "wide")
}

func printJSON(w io.Writer, data any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list(data))
}

// list makes an empty list of none: programs that read one shall not meet null.
func list(data any) any {
	if v := reflect.ValueOf(data); v.Kind() == reflect.Slice && v.IsNil() {
		return []any{}
	}
	return data
}

// printYAML goes through JSON, so that both name the fields alike.
func printYAML(w io.Writer, data any) error {
	text, err := json.Marshal(list(data))
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return err
	}
	blockStyle(&node)
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	return errors.Join(encoder.Encode(&node), encoder.Close())
}

// blockStyle drops JSON's brackets and quotes; the encoder quotes again what YAML would read as another type.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		blockStyle(child)
	}
}

// Rows are the lines of a table under their headings.
type Rows struct {
	headings []string
	narrow   int // how many columns -o table shows
	lines    [][]string
}

// NewRows makes a table with headings.
func NewRows(headings ...string) *Rows {
	return &Rows{headings: headings, narrow: len(headings)}
}

// Wide adds columns that only -o wide shows.
func (t *Rows) Wide(headings ...string) { t.headings = append(t.headings, headings...) }

// Add adds a line.
func (t *Rows) Add(cells ...string) { t.lines = append(t.lines, cells) }

func (t *Rows) print(w io.Writer, wide bool) error {
	columns := t.narrow
	if wide {
		columns = len(t.headings)
	}
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{t.headings}, t.lines...) {
		cells := make([]string, columns)
		for i := range cells {
			cells[i] = cell(line[i])
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	headings, lines, _ := strings.Cut(b.String(), "\n")
	_, err := fmt.Fprintf(w, "%s\n%s", paint(w, bold, headings), lines) // painted last: the writer counts every byte
	return err
}

// cell keeps what comes from elsewhere on its line and away from the terminal's control characters.
func cell(text string) string {
	if text == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// Bytes is a size as people read it: 12 MB.
func Bytes(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// Pairs prints a map in order: "room=12, ward=cardiology".
func Pairs(m map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, key+"="+m[key])
	}
	return strings.Join(all, ", ")
}
