package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	good := []string{"0", "5", "5.8", "5.8.2", "5.8.2.1", "0.0.0.0", "4294967295.0", "5.9-rc1", "5.9-RC.1", "1-" + strings.Repeat("a", maxPre)}
	for _, text := range good {
		v, err := ParseVersion(text)
		if err != nil || v.String() != text {
			t.Errorf("ParseVersion(%q) = %q, %v", text, v, err)
		}
	}
	bad := map[string]string{
		"": "joined by dots", "5.": "joined by dots", ".5": "joined by dots", "5..8": "joined by dots", "1.2.3.4.5": "joined by dots",
		"v5": "joined by dots", " 5": "joined by dots", "5_1": "joined by dots", "-5": "joined by dots", "٥": "joined by dots",
		"05": "leading zero", "5.00": "leading zero", "4294967296": "too large", "5.99999999999999999999": "too large",
		"5-": "after the hyphen", "5-a..b": "after the hyphen", "5-.a": "after the hyphen", "5-a.": "after the hyphen",
		"5-rc_1": "after the hyphen", "5-rc-1": "after the hyphen", "5-" + strings.Repeat("a", maxPre+1): "after the hyphen",
	}
	for text, want := range bad {
		if v, err := ParseVersion(text); err == nil || !strings.Contains(err.Error(), want) || !v.IsZero() {
			t.Errorf("ParseVersion(%q) = %q, %v; want an error with %q", text, v, err, want)
		}
	}
}

func TestMustVersionPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustVersion("x")
}

// The list is in order; equal neighbours stand in one row.
func TestVersionOrder(t *testing.T) {
	rows := [][]string{
		{""}, {"0-a", "0.0-a"}, {"0", "0.0.0.0"}, {"0.0.0.1"}, {"5-rc1"}, {"5", "5.0", "5.0.0"}, {"5.0.1"}, {"5.8.1"}, {"5.9-beta"}, {"5.9-rc1"},
		{"5.9", "5.9.0.0"}, {"5.10"}, {"10"},
	}
	for i, row := range rows {
		for j, other := range rows {
			for _, a := range row {
				for _, b := range other {
					checkOrder(t, version(t, a), version(t, b), i-j)
				}
			}
		}
	}
}

func checkOrder(t *testing.T, v, w Version, want int) {
	t.Helper()
	if got := v.Compare(w); min(max(got, -1), 1) != min(max(want, -1), 1) {
		t.Errorf("%q.Compare(%q) = %d, want the sign of %d", v, w, got, want)
	}
	if v.Equal(w) != (want == 0) || (v.Canonical() == w.Canonical()) != (want == 0) {
		t.Errorf("%q and %q: Equal %v, canonical %q and %q, want equal: %v", v, w, v.Equal(w), v.Canonical(), w.Canonical(), want == 0)
	}
}

func TestVersionCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		parts int
		want  string
	}{{"5.8.2.7", 0, "5.8.2.7"}, {"5.8.2.7", 3, "5.8.2"}, {"5.8.2.7", 1, "5"}, {"5.8.2.7", 4, "5.8.2.7"}, {"5.8", 3, "5.8"}, {"5.8.2-rc1", 2, "5.8-rc1"}, {"5.8", -1, "5.8"}} {
		if got := MustVersion(c.in).Cut(c.parts); got != MustVersion(c.want) {
			t.Errorf("%s cut to %d parts is %s, want %s", c.in, c.parts, got, c.want)
		}
	}
}

func TestVersionText(t *testing.T) {
	var v Version
	if err := v.UnmarshalText([]byte("5.8.1-rc1")); err != nil || !v.Pre() || !v.SameTwoParts(MustVersion("5.8")) || v.SameTwoParts(MustVersion("5.9")) {
		t.Errorf("%v, %v", v, err)
	}
	if err := v.UnmarshalText([]byte("x")); err == nil || v.IsZero() {
		t.Errorf("a bad text gives %v and leaves %q", err, v)
	}
	if err := v.UnmarshalText(nil); err != nil || !v.IsZero() {
		t.Errorf("empty text gives %q, %v", v, err)
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct{ in, holds, not string }{
		{">=5.0.0, <6.0.0", "5 5.0.0 5.99.1", "4.9 6 6.0.0 5.5-rc1"},
		{"~5.8", "5.8 5.8.0 5.8.99", "5.9 5.7.9 6.8 5.8.1-rc1"},
		{"=5.8", "5.8 5.8.0.0", "5.8.1 5.8-rc1"},
		{"!=5.8.1", "5.8 5.8.2", "5.8.1 5.8.1.0"},
		{">5.8 , <= 5.10", "5.8.1 5.9 5.10", "5.8 5.10.1"},
		{"=5.9-rc1", "5.9-rc1", "5.9 5.9-rc2"},
		{">=5, =5.9-rc1", "5.9-rc1", "5.9 5"},
	} {
		r, err := ParseRange(c.in)
		if err != nil || r.String() != c.in || r.IsZero() {
			t.Errorf("ParseRange(%q) = %q, %v", c.in, r, err)
		}
		for _, v := range strings.Fields(c.holds) {
			if !r.Contains(MustVersion(v)) {
				t.Errorf("%q does not hold %s", c.in, v)
			}
		}
		for _, v := range strings.Fields(c.not) {
			if r.Contains(MustVersion(v)) {
				t.Errorf("%q holds %s", c.in, v)
			}
		}
	}
	for text, want := range map[string]string{
		"": "does not start", "5": "does not start", ">=5,": "does not start", ">=": "joined by dots", "~5": "two parts", "~5.8.1": "two parts",
		"~5.8-rc": "two parts", "=>5": "joined by dots", "> =5": "joined by dots", "\u00a0>5": "does not start",
	} {
		if r, err := ParseRange(text); err == nil || !strings.Contains(err.Error(), want) || !r.IsZero() {
			t.Errorf("ParseRange(%q) = %q, %v; want an error with %q", text, r, err, want)
		}
	}
	if zero := (Range{}); !zero.Contains(MustVersion("5")) || !zero.Contains(MustVersion("5-rc1")) {
		t.Error("the zero range does not hold everything")
	}
}

func TestRangeText(t *testing.T) {
	var r Range
	if err := r.UnmarshalText([]byte("~5.8")); err != nil || r.String() != "~5.8" {
		t.Errorf("%q, %v", r, err)
	}
	if err := r.UnmarshalText([]byte("x")); err == nil || r.String() != "~5.8" {
		t.Errorf("a bad text gives %v and leaves %q", err, r)
	}
	if text, err := r.MarshalText(); err != nil || string(text) != "~5.8" {
		t.Errorf("%q, %v", text, err)
	}
	if err := r.UnmarshalText(nil); err != nil || !r.IsZero() {
		t.Errorf("empty text gives %q, %v", r, err)
	}
}

func TestVersionRule(t *testing.T) {
	for _, c := range []struct {
		in         string
		exact      string
		server     bool
		allows, no string
	}{
		{"5.8.1", "5.8.1", false, "", ""},
		{"5.9-rc1", "5.9-rc1", false, "", ""},
		{"server", "", true, "", ""},
		{"newest", "", false, "5.8 9", "5.9-rc1"},
		{"~5.8", "", false, "5.8.3", "5.9 5.8.3-rc1"},
		{"=5.9-rc1", "", false, "5.9-rc1", "5.9"},
	} {
		r, err := ParseVersionRule(c.in)
		exact, ok := r.Exact()
		if err != nil || r.String() != c.in || ok != (c.exact != "") || exact != version(t, c.exact) || r.Server() != c.server {
			t.Errorf("ParseVersionRule(%q) = %q, exact %q, server %v, %v", c.in, r, exact, r.Server(), err)
		}
		refused := func(v string) bool { return !r.Allows(MustVersion(v)) }
		if slices.ContainsFunc(strings.Fields(c.allows), refused) {
			t.Errorf("%q does not allow all of %s", c.in, c.allows)
		}
		if all := strings.Fields(c.no); len(all) > 0 && !slices.ContainsFunc(all, refused) {
			t.Errorf("%q allows one of %s", c.in, c.no)
		}
	}
	for _, text := range []string{"", "latest", "Newest", " server", "~5", "5,6", ">=5,"} {
		var r VersionRule
		if err := r.UnmarshalText([]byte(text)); err == nil || r.String() != "" {
			t.Errorf("rule %q is accepted as %q", text, r)
		}
	}
	var r VersionRule
	if err := r.UnmarshalText([]byte("server")); err != nil || !r.Server() {
		t.Errorf("%q, %v", r, err)
	}
}

func TestScalars(t *testing.T) {
	var d Duration
	for text, want := range map[string]string{"30s": "30s", "1h30m": "1h30m0s", "+.5s": "500ms"} {
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("duration %q = %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "0s", "-1s", "5", "1d", "1 h"} {
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("duration %q is accepted", text)
		}
	}
	var m Time
	if err := m.UnmarshalText([]byte("2026-12-01T06:00:00+01:00")); err != nil || m.UTC().Hour() != 5 {
		t.Errorf("%v, %v", m, err)
	}
	for _, text := range []string{"", "2026-12-01", "2026-12-01T6:00:00Z", "2026-12-01 06:00:00Z", "2026-12-01T06:00:00", "2026-12-01T06:00:00,5Z"} {
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("time %q is accepted", text)
		}
	}
}

func version(t *testing.T, text string) Version {
	t.Helper()
	if text == "" {
		return Version{}
	}
	return MustVersion(text)
}
