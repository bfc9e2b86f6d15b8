package bench

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
)

// target is one line of the table at the end of make bench: a figure, or the ratio of two.
type target struct {
	what    string
	figure  string  // as results names it
	over    string  // by which figure is divided; none if empty
	scale   float64 // by which the figure is multiplied; 1 if zero
	unit    string
	atLeast float64 // what is promised; none if zero
	atMost  float64
}

// targets are what was promised, and some figures of which only the size is of interest.
var targets = []target{
	{what: "check-ins without news, against nginx that always says 304", figure: "Checkin ratio", unit: "of its rate", atLeast: 0.25},
	{what: "check-ins without news", figure: "Checkin checkins/cpu-s", unit: "a second of one core"},
	{what: "agent of a server at rest", figure: "Rest server-core-%", unit: "% of a core", atMost: 0.05},
	{what: "agent of a server at rest", figure: "Rest server-MB", unit: "MB resident", atMost: 16},
	{what: "agent of a git repo at rest", figure: "Rest git-core-%", unit: "% of a core", atMost: 0.05},
	{what: "agent of a git repo at rest", figure: "Rest git-MB", unit: "MB resident", atMost: 24},
	{what: "agent waiting for the end of a client", figure: "Rest waiting-core-%", unit: "% of a core", atMost: 0.2},
	{what: "agent waiting for the end of a client", figure: "Rest waiting-MB", unit: "MB resident"},
	{what: "lull-agent for Linux", figure: "Size linux-MB", unit: "MB", atMost: 16},
	{what: "lull-agent for Windows", figure: "Size windows-MB", unit: "MB", atMost: 16},
	{what: "one look at 200 processes", figure: "Scan ns/op", scale: 1e-6, unit: "ms", atMost: 10},
	{what: "parse 10,000 manifests, against the YAML library alone", figure: "Parse10000 ns/op", over: "Parse10000BareYAML ns/op", unit: "of its time"},
	{what: "a revision with one of 10,000 manifests changed", figure: "Revision/one-changed ns/op", scale: 1e-6, unit: "ms"},
	{what: "the same, against reading all of them", figure: "Revision/one-changed ns/op", over: "Revision/everything ns/op", unit: "of its time"},
	{what: "resolve and plan 10,000 workstations in 200 groups", figure: "ResolveAndPlan/10000x200 ns/op", scale: 1e-6, unit: "ms"},
	{what: "store a release of 1,000 files", figure: "Add MB/s", unit: "MB/s"},
}

// TestTargets prints what the benchmarks have measured beside the targets.
func TestTargets(t *testing.T) {
	path := os.Getenv("LULL_BENCH")
	if path == "" {
		t.Skip("LULL_BENCH is not set: make bench measures, and names there what the benchmarks printed")
	}
	printed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	figures, err := results(printed)
	if err != nil {
		t.Fatal(err)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nMETRIC\tMEASURED\t\tTARGET\t")
	for _, target := range targets {
		value, err := target.measured(figures)
		if err != nil {
			t.Errorf("%s: %v", target.what, err)
			continue
		}
		verdict := ""
		if !target.met(value) {
			verdict = "MISSED"
			t.Errorf("%s: %.4g %s, and %s is promised", target.what, value, target.unit, target.promise())
		}
		fmt.Fprintf(table, "%s\t%.4g\t%s\t%s\t%s\n", target.what, value, target.unit, target.promise(), verdict)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (t target) measured(figures map[string]float64) (float64, error) {
	value, ok := figures[t.figure]
	if !ok {
		return 0, fmt.Errorf("%s was not measured", t.figure)
	}
	if t.over != "" {
		divisor, ok := figures[t.over]
		if !ok {
			return 0, fmt.Errorf("%s was not measured", t.over)
		}
		value /= divisor
	}
	if t.scale != 0 {
		value *= t.scale
	}
	return value, nil
}

func (t target) met(value float64) bool {
	return value >= t.atLeast && (t.atMost == 0 || value <= t.atMost) && !math.IsNaN(value)
}

func (t target) promise() string {
	switch {
	case t.atLeast != 0:
		return fmt.Sprintf(">= %g", t.atLeast)
	case t.atMost != 0:
		return fmt.Sprintf("<= %g", t.atMost)
	}
	return "-"
}

// results reads what benchmarks print, "BenchmarkNAME-PROCESSORS N VALUE UNIT VALUE UNIT …", into figures by "NAME UNIT".
// The mean stands for a benchmark that ran several times.
func results(r io.Reader) (map[string]float64, error) {
	figures, counts := map[string]float64{}, map[string]float64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
			name = name[:i]
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", lines.Text(), err)
			}
			figure := name + " " + fields[i+1]
			counts[figure]++
			figures[figure] += (value - figures[figure]) / counts[figure]
		}
	}
	return figures, lines.Err()
}

func TestResults(t *testing.T) {
	figures, err := results(strings.NewReader(`goos: linux
BenchmarkRest-2   	       1	        13.37 server-MB	         0.002835 server-core-%
BenchmarkRevision/one-changed-16         	      67	  17000000 ns/op	         1.000 parsed/op
BenchmarkRevision/one-changed-16         	      67	  19000000 ns/op
BenchmarkRevision/everything         	       2	 600000000 ns/op
--- BENCH: BenchmarkRest-2
ok  	lull/manifests	9.1s
`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		target target
		value  float64
		met    bool
	}{
		{target{figure: "Rest server-MB", atMost: 13}, 13.37, false},
		{target{figure: "Rest server-MB", atMost: 14}, 13.37, true},
		{target{figure: "Rest server-core-%", atLeast: 1}, 0.002835, false},
		{target{figure: "Revision/one-changed ns/op", scale: 1e-6}, 18, true},
		{target{figure: "Revision/one-changed ns/op", over: "Revision/everything ns/op", atLeast: 0.03}, 0.03, true},
	}
	for _, test := range tests {
		value, err := test.target.measured(figures)
		if err != nil || math.Abs(value-test.value) > 1e-9 || test.target.met(value) != test.met {
			t.Errorf("%+v: %g, %v; want %g, met: %v", test.target, value, err, test.value, test.met)
		}
	}
	for _, missing := range []target{{figure: "Rest ns/op"}, {figure: "Rest server-MB", over: "Rest"}} {
		if value, err := missing.measured(figures); err == nil {
			t.Errorf("%+v: %g, although it was not measured", missing, value)
		}
	}
}
