package reconciler

import (
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"CARD-1", "card-1", true},
		{"CARD-1", "card-10", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything at all", true},
		{"card-*", "CARD-", true},
		{"card-*", "card", false},
		{"card-*", "a card-1", false},
		{"?", "", false},
		{"?", "Ä", true}, // one character, two bytes
		{"card-?", "CARD-1", true},
		{"card-?", "card-10", false},
		{"*-ecg", "card-ecg-ecg", true},
		{"*-ecg", "card-ecg-1", false},
		{"c*-e*g*", "card-1-ecg", true},
		{"**", "a", true},
		{"a*b?c", "a-b-b1c", true},
		{"a*b?c", "a-b-b1", false},
		{"Ärzte-*", "ÄRZTE-3", true},
		{"[a]", "a", false}, // brackets are ordinary characters
		{`a\*`, `a\b`, true},
	}
	for _, test := range tests {
		if got := compilePattern(test.pattern).match(strings.ToLower(test.name)); got != test.want {
			t.Errorf("%q matches %q: %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

// FuzzPattern compares the matcher with one that is plainly right and takes exponential time.
func FuzzPattern(f *testing.F) {
	f.Add("card-*", "card-1")
	f.Add("a*b?c*", "aabbbcc")
	f.Add("*?*", "é")
	f.Add("**a", "ba")
	f.Fuzz(func(t *testing.T, text, name string) {
		if len(text) > 12 || len(name) > 20 {
			t.Skip("the plain matcher would take too long")
		}
		name = strings.ToLower(name)
		want := plainMatch([]rune(strings.ToLower(text)), []rune(name))
		if got := compilePattern(text).match(name); got != want {
			t.Errorf("%q matches %q: %v, want %v", text, name, got, want)
		}
	})
}

func plainMatch(pattern, name []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == '*':
		return plainMatch(pattern[1:], name) || len(name) > 0 && plainMatch(pattern, name[1:])
	}
	return len(name) > 0 && (pattern[0] == '?' || pattern[0] == name[0]) && plainMatch(pattern[1:], name[1:])
}

// A hostile pattern costs time, but never more than the product of both lengths.
func BenchmarkHostilePattern(b *testing.B) {
	pattern := compilePattern("*" + strings.Repeat("a", 31) + "b*")
	name := strings.Repeat("a", 64)
	for b.Loop() {
		pattern.match(name)
	}
}
