// Package words puts phases and reasons into German and English sentences.
//
// Agents send codes with named arguments and never prose, so that every reader gets his own language and programs have
// something to compare. A sentence holds its arguments in braces and may hold parts in brackets, which are left out
// unless all their arguments are there. What an agent sent beyond the sentence is appended, so that nothing is hidden.
// A code that this server does not know is shown as it is: a newer agent may know more.
package words

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"lull/reconciler"
)

// Language is one of those that the pages speak.
type Language string

// The languages.
const (
	English Language = "en"
	German  Language = "de"
)

// Choose returns the first language of an Accept-Language header that is spoken here, else English.
func Choose(header string) Language {
	for part := range strings.SplitSeq(strings.ToLower(header), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch primary, _, _ := strings.Cut(tag, "-"); Language(primary) {
		case German:
			return German
		case English:
			return English
		}
	}
	return English
}

// pair is one text in both languages.
type pair struct{ en, de string }

func (p pair) in(l Language) string {
	if l == German {
		return p.de
	}
	return p.en
}

// Phase is a phase in words.
func Phase(l Language, phase reconciler.Phase) string {
	if text, ok := phases()[phase]; ok {
		return text.in(l)
	}
	return string(phase)
}

// Reason is a reason in words, with times in a zone; empty for no reason.
func Reason(l Language, zone *time.Location, reason reconciler.Reason) string {
	if reason.Code == "" {
		return ""
	}
	sentence := string(reason.Code)
	if text, ok := reasons()[reason.Code]; ok {
		sentence = text.in(l)
	}
	args := maps.Clone(reason.Args)
	for name, value := range args {
		args[name] = readable(l, zone, name, value)
	}
	return fill(sentence, args)
}

// readable is an argument as people write it: times without seconds in their own zone, sizes in a fitting unit.
func readable(l Language, zone *time.Location, name, value string) string {
	switch name {
	case "since", "until":
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return at.In(zone).Format(pair{"2 Jan 15:04", "02.01. 15:04"}.in(l))
		}
	case "error":
		return strings.TrimSuffix(value, ".") // the sentence has one
	case "needed", "available":
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			return humanize.Bytes(n)
		}
	}
	return value
}

var (
	optional = regexp.MustCompile(`\[[^\]]*\]`)
	argument = regexp.MustCompile(`\{[A-Za-z]+\}`)
)

func fill(sentence string, args map[string]string) string {
	used := map[string]bool{}
	sentence = optional.ReplaceAllStringFunc(sentence, func(part string) string {
		for _, name := range argument.FindAllString(part, -1) {
			if args[strings.Trim(name, "{}")] == "" {
				return ""
			}
		}
		return strings.Trim(part, "[]")
	})
	sentence = argument.ReplaceAllStringFunc(sentence, func(name string) string {
		name = strings.Trim(name, "{}")
		used[name] = true
		if value := args[name]; value != "" {
			return value
		}
		return "?"
	})
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if !used[name] && args[name] != "" {
			rest = append(rest, name+": "+args[name])
		}
	}
	if len(rest) > 0 {
		sentence += " (" + strings.Join(rest, ", ") + ")"
	}
	return sentence
}
