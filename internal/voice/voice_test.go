package voice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExitSaysTheErrorAndItsCode(t *testing.T) {
	tests := map[string]struct {
		err  error
		code int
		want string
	}{
		"done":     {nil, 0, ""},
		"error":    {errors.New("stage 5.8.1: no space."), 1, "lull: error: stage 5.8.1: no space\n"},
		"hint":     {fmt.Errorf("get: %w", Hint(errors.New("no server"), "set %s", "LULL_SERVER")), 1, "lull: error: get: no server\nlull: hint: set LULL_SERVER\n"},
		"usage":    {Usage(errors.New("unknown flag")), 1, "lull: error: unknown flag\nlull: hint: see --help\n"},
		"several":  {errors.Join(errors.New("first"), errors.New("second")), 1, "lull: error: first\nlull: error: second\n"},
		"changes":  {fmt.Errorf("plan: %w", Unsettled), 2, ""},
		"signal":   {fmt.Errorf("run: %w", context.Canceled), 130, ""},
		"deadline": {context.DeadlineExceeded, 1, "lull: error: context deadline exceeded\n"},
		"clean":    {errors.New("host \x1b[2Jevil\ttab"), 1, "lull: error: host  [2Jevil tab\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if code := Exit(&b, "lull", test.err); code != test.code {
				t.Errorf("code %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if Hint(nil, "never") != nil {
		t.Error("a hint made an error of none")
	}
}

func TestWarnDoesNotSayError(t *testing.T) {
	var b bytes.Buffer
	Warn(&b, "lull", errors.New("the version is old"))
	if b.String() != "lull: warning: the version is old\n" {
		t.Errorf("got %q", b.String())
	}
}

type computer struct {
	Host    string            `json:"host"`
	Version string            `json:"version"`
	Labels  map[string]string `json:"labels"`
}

func TestFormats(t *testing.T) {
	all := []computer{{"CARD <1>", "5.10", map[string]string{"ward": "b", "room": "12"}}, {"evil\x1b]0;x", "", nil}}
	want := map[string]string{
		"table": "HOST       VERSION\nCARD <1>   5.10\nevil ]0;x  -\n",
		"wide":  "HOST       VERSION  LABELS\nCARD <1>   5.10     room=12, ward=b\nevil ]0;x  -        -\n",
		"json": `[
  {
    "host": "CARD <1>",
    "version": "5.10",
    "labels": {
      "room": "12",
      "ward": "b"
    }
  },
  {
    "host": "evil\u001b]0;x",
    "version": "",
    "labels": null
  }
]
`,
		"yaml": `- host: CARD <1>
  version: "5.10"
  labels:
    room: "12"
    ward: b
- host: "evil\e]0;x"
  version: ""
  labels: null
`,
	}
	for kind, want := range want {
		t.Run(kind, func(t *testing.T) {
			var f Format
			if err := f.Set(kind); err != nil {
				t.Fatal(err)
			}
			rows := NewRows("HOST", "VERSION")
			rows.Wide("LABELS")
			for _, c := range all {
				rows.Add(c.Host, c.Version, Pairs(c.Labels))
			}
			var b bytes.Buffer
			if err := f.To(&b).Print(rows, all); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNothingIsAnEmptyList(t *testing.T) {
	for kind, want := range map[string]string{"json": "[]\n", "yaml": "[]\n", "table": "HOST\n"} {
		var f Format
		if err := f.Set(kind); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.To(&b).Print(NewRows("HOST"), []computer(nil)); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", kind, b.String(), err)
		}
	}
	if new(Format).Set("xml") == nil {
		t.Error("xml was accepted")
	}
}

func TestProgressIsSilentForASecondAndOffATerminal(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, "storing")
	p.begun = time.Now().Add(-time.Hour)
	p.Set(1, 2)
	p.Done()
	if b.Len() > 0 {
		t.Errorf("not on a terminal, and says %q", b.String())
	}
	now := time.Now()
	p = &Progress{w: &b, title: "storing", shown: true, now: func() time.Time { return now }, begun: now}
	p.Set(1e6, 4e6)
	if b.Len() > 0 {
		t.Errorf("says %q at once", b.String())
	}
	now = now.Add(2 * time.Second)
	p.Set(2e6, 4e6)
	p.Set(3e6, 4e6) // too soon after the last
	now = now.Add(2 * time.Second)
	p.Set(4e6, 0)
	p.Done()
	want := "|storing: 2.0 MB of 4.0 MB, 1.0 MB/s|storing: 4.0 MB, 1.0 MB/s|"
	if got := strings.ReplaceAll(b.String(), "\r\x1b[K", "|"); got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}
