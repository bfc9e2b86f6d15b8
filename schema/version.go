package schema

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Version is a dotted number of 1 to 4 parts with an optional -pre, as DESIGN's "Versions" defines it: missing parts
// are 0, parts compare as numbers (5.10 is above 5.9), and a version with -pre sorts below the one without. The zero
// Version means "unknown" and sorts below all others. Versions are comparable with ==, but 5.8 and 5.8.0 are the same
// version in two spellings: use Equal.
type Version struct {
	parts [4]uint32
	count uint8 // how many parts were written; 0 only in the zero Version
	pre   string
}

// maxPre bounds what follows the hyphen: longer than any real marker, short enough for a file name.
const maxPre = 32

var errVersion = errors.New(`want 1 to 4 numbers joined by dots, for instance "5.8.2"`)

// ParseVersion reads a version such as "5.8.2" or "5.9-rc1".
func ParseVersion(text string) (Version, error) {
	var v Version
	numbers, pre, hasPre := strings.Cut(text, "-")
	if hasPre && !validPre(pre) {
		return Version{}, fmt.Errorf("version %s: after the hyphen 1 to %d of A-Z a-z 0-9 . are allowed", quoted(text), maxPre)
	}
	v.pre = pre
	for part := range strings.SplitSeq(numbers, ".") {
		if v.count == 4 || !digits(part) {
			return Version{}, fmt.Errorf("version %s: %w", quoted(text), errVersion)
		}
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return Version{}, fmt.Errorf("version %s: %s is too large", quoted(text), shorten(part))
		}
		if len(part) > 1 && part[0] == '0' {
			return Version{}, fmt.Errorf("version %s: %s has a leading zero", quoted(text), shorten(part))
		}
		v.parts[v.count] = uint32(n)
		v.count++
	}
	return v, nil
}

// MustVersion is ParseVersion for constants; it panics on a malformed one.
func MustVersion(text string) Version {
	v, err := ParseVersion(text)
	if err != nil {
		panic(err)
	}
	return v
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func validPre(s string) bool {
	if s == "" || len(s) > maxPre || strings.Contains(s, "..") || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return false
	}
	for _, c := range s {
		if c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// IsZero reports whether v is the unknown version.
func (v Version) IsZero() bool { return v.count == 0 }

// String is the version as it was written; "" for the unknown version.
func (v Version) String() string {
	if v.IsZero() {
		return ""
	}
	var b strings.Builder
	for i := range v.count {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(v.parts[i]), 10))
	}
	if v.pre != "" {
		b.WriteString("-" + v.pre)
	}
	return b.String()
}

// Compare orders versions: negative if v is below w, 0 if they are the same version, positive if v is above w.
func (v Version) Compare(w Version) int {
	if v.IsZero() || w.IsZero() {
		return cmp.Compare(min(v.count, 1), min(w.count, 1))
	}
	for i := range v.parts {
		if c := cmp.Compare(v.parts[i], w.parts[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre == "":
		return 1
	case w.pre == "":
		return -1
	}
	return strings.Compare(v.pre, w.pre)
}

// Equal reports whether both are the same version, however it is spelt.
func (v Version) Equal(w Version) bool { return v.Compare(w) == 0 }

// Pre reports whether v is a pre-release, which only an exact rule may choose.
func (v Version) Pre() bool { return v.pre != "" }

// Cut keeps the first parts of what was written; 0 keeps all. A pre-release marker stays.
func (v Version) Cut(parts int) Version {
	if parts <= 0 || parts >= int(v.count) {
		return v
	}
	for i := parts; i < len(v.parts); i++ {
		v.parts[i] = 0
	}
	v.count = uint8(parts)
	return v
}

// SameTwoParts reports whether the first two parts of both are equal.
func (v Version) SameTwoParts(w Version) bool {
	return v.parts[0] == w.parts[0] && v.parts[1] == w.parts[1]
}

// Canonical is the one spelling of all equal versions: trailing zero parts are dropped down to one part. It is a map
// key and nothing that people read.
func (v Version) Canonical() Version {
	for v.count > 1 && v.parts[v.count-1] == 0 {
		v.count--
	}
	return v
}

// MarshalText writes the version as it was written.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a version; empty text is the unknown version.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := ParseVersion(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}
