package reconciler

import (
	"slices"
	"strings"

	"lull/schema"
)

// pattern is a name pattern with * and ?, in lower case. Most patterns of a fleet are a name or a prefix with one *
// at its end, which is why these two have a way of their own.
type pattern struct {
	text   string
	prefix bool // text is what stands before the only wildcard, a * at the end
	wild   bool // text has wildcards elsewhere
}

func compilePatterns(texts []string) []pattern {
	patterns := make([]pattern, len(texts))
	for i, text := range texts {
		patterns[i] = compilePattern(text)
	}
	return patterns
}

func compilePattern(text string) pattern {
	text = strings.ToLower(text)
	switch strings.IndexAny(text, "*?") {
	case -1:
		return pattern{text: text}
	case len(text) - 1:
		if head, ok := strings.CutSuffix(text, "*"); ok {
			return pattern{text: head, prefix: true}
		}
	}
	return pattern{text: text, wild: true}
}

// match reports whether the pattern matches a name that is in lower case.
func (p pattern) match(lower string) bool {
	switch {
	case p.prefix:
		return strings.HasPrefix(lower, p.text)
	case p.wild:
		return matchWild([]rune(p.text), []rune(lower))
	}
	return p.text == lower
}

// matchWild backtracks to the last * only, so that its time is bounded by the product of both lengths.
func matchWild(pattern, name []rune) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p, n = p+1, n+1
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func matchAny(patterns []pattern, lower string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.match(lower) })
}

// members is schema.Members made ready to match many subjects.
type members struct {
	all       bool
	names     []pattern
	computers []pattern
	labels    map[string]string
	facts     map[string]string
}

func compileMembers(m schema.Members) members {
	return members{
		all:       m.All,
		names:     compilePatterns(m.Names),
		computers: compilePatterns(m.Computers),
		labels:    m.Labels,
		facts:     m.Facts,
	}
}

// match reports whether everything that is given matches; members that give nothing match nobody.
func (m members) match(s *candidate) bool {
	if m.all {
		return true
	}
	if len(m.names) == 0 && len(m.computers) == 0 && len(m.labels) == 0 && len(m.facts) == 0 {
		return false
	}
	return (len(m.names) == 0 || matchAny(m.names, s.name)) &&
		(len(m.computers) == 0 || matchAny(m.computers, s.computer)) &&
		holdsAll(m.labels, s.label) &&
		holdsAll(m.facts, s.fact)
}

func holdsAll(want map[string]string, have func(string) string) bool {
	for key, value := range want {
		if have(key) != value {
			return false
		}
	}
	return true
}

// candidate is a subject made ready to be matched: with its place and the Workstation manifest about it, if there is one.
type candidate struct {
	Subject
	place
	manifest *workstation
}

func (c *client) candidate(s Subject) *candidate {
	at := &candidate{Subject: s, place: place{strings.ToLower(s.Workstation), strings.ToLower(s.Computer)}}
	at.manifest = c.workstations[at.place]
	if at.manifest == nil {
		at.manifest = c.workstations[place{name: at.name}]
	}
	return at
}

// label is the value of a label: a manifest's wins over the one that the computer reports.
func (c *candidate) label(key string) string {
	if c.manifest != nil {
		if value, ok := c.manifest.labels[key]; ok {
			return value
		}
	}
	return c.Labels[key]
}

// fact is the value of a fact that the computer reports.
func (c *candidate) fact(key string) string { return c.Facts[key] }
