package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Range is a set of versions: comparisons joined by commas, all of which must hold, such as ">=5.0.0, <6.0.0" or
// "~5.8", which means >=5.8 and <5.9. The zero Range holds every version. A pre-release is in a range only where a
// comparison with = names it.
type Range struct {
	text  string
	terms []term
}

type term struct {
	op      string
	version Version
}

// ParseRange reads a range.
func ParseRange(text string) (Range, error) {
	r := Range{text: text}
	for part := range strings.SplitSeq(text, ",") {
		t, err := parseTerm(strings.Trim(part, " "))
		if err != nil {
			return Range{}, fmt.Errorf("range %s: %w", quoted(text), err)
		}
		r.terms = append(r.terms, t)
	}
	return r, nil
}

func parseTerm(text string) (term, error) {
	for _, op := range []string{">=", "<=", "!=", ">", "<", "=", "~"} {
		rest, ok := strings.CutPrefix(text, op)
		if !ok {
			continue
		}
		v, err := ParseVersion(strings.Trim(rest, " "))
		if err != nil {
			return term{}, err
		}
		if op == "~" && (v.count != 2 || v.Pre()) {
			return term{}, fmt.Errorf(`~ takes two parts, for instance "~5.8"`)
		}
		return term{op, v}, nil
	}
	return term{}, fmt.Errorf("%s does not start with one of = != > >= < <= ~", quoted(text))
}

// String is the range as it was written.
func (r Range) String() string { return r.text }

// IsZero reports whether the range holds every version.
func (r Range) IsZero() bool { return len(r.terms) == 0 }

// Contains reports whether v is in the range.
func (r Range) Contains(v Version) bool {
	names := func(t term) bool { return t.op == "=" }
	return r.Spans(v) && (!v.Pre() || r.IsZero() || slices.ContainsFunc(r.terms, names))
}

// Spans reports whether v lies within the bounds of the range by order alone: unlike Contains it makes no difference
// between a pre-release and other versions. It is for versions that are there already and not for choosing one.
func (r Range) Spans(v Version) bool {
	return !slices.ContainsFunc(r.terms, func(t term) bool { return !t.holds(v) })
}

func (t term) holds(v Version) bool {
	c := v.Compare(t.version)
	switch t.op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	}
	return c >= 0 && v.SameTwoParts(t.version) // ~
}

// MarshalText writes the range as it was written.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// UnmarshalText reads a range; empty text holds every version.
func (r *Range) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Range{}
		return nil
	}
	parsed, err := ParseRange(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}

// VersionRule is what a policy says about the version: an exact one, a range, the server's, or the newest.
type VersionRule struct {
	text   string
	exact  Version // set if the rule names one version
	within Range   // set if the rule is a range
}

// The rules that are words.
const (
	ruleServer = "server"
	ruleNewest = "newest"
)

// ParseVersionRule reads "5.8.1", a range such as "~5.8", "server" or "newest".
func ParseVersionRule(text string) (VersionRule, error) {
	rule := VersionRule{text: text}
	if text == ruleServer || text == ruleNewest {
		return rule, nil
	}
	var err error
	if strings.ContainsAny(text, "<>=!~,") {
		rule.within, err = ParseRange(text)
	} else if rule.exact, err = ParseVersion(text); err != nil {
		err = fmt.Errorf(`%w; or write a range such as "~5.8", server or newest`, err)
	}
	if err != nil {
		return VersionRule{}, err
	}
	return rule, nil
}

// String is the rule as it was written.
func (r VersionRule) String() string { return r.text }

// Exact returns the one version that the rule names, if it names one.
func (r VersionRule) Exact() (Version, bool) { return r.exact, !r.exact.IsZero() }

// Server reports whether the rule is "server": exactly the version of the program's server.
func (r VersionRule) Server() bool { return r.text == ruleServer }

// Allows reports whether a release that was found by search (newest or a range) satisfies the rule; the
// pre-releases among them never do, unless a range names them with =.
func (r VersionRule) Allows(v Version) bool {
	if r.within.IsZero() {
		return !v.Pre()
	}
	return r.within.Contains(v)
}

// MarshalText writes the rule as it was written.
func (r VersionRule) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// UnmarshalText reads a rule.
func (r *VersionRule) UnmarshalText(text []byte) error {
	parsed, err := ParseVersionRule(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}
