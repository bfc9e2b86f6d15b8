package schema

import (
	"bytes"
	"fmt"
	"time"
)

// Duration is a length of time such as "30s" or "1h30m".
type Duration struct{ time.Duration }

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a positive duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed <= 0 {
		return fmt.Errorf(`duration %s: want a positive length of time such as "30s" or "1h30m"`, quoted(string(text)))
	}
	d.Duration = parsed
	return nil
}

// Time is a moment, written with its offset as in RFC 3339, for instance "2026-12-01T06:00:00+01:00".
type Time struct{ time.Time }

// UnmarshalText reads a moment.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := time.Parse(time.RFC3339, string(text))
	// Parse also takes hours of one digit and decimal commas, which RFC 3339 does not have.
	if err != nil || text[13] != ':' || bytes.IndexByte(text, ',') >= 0 {
		return fmt.Errorf(`time %s: want a date, a time and an offset such as "2026-12-01T06:00:00+01:00"`, quoted(string(text)))
	}
	t.Time = parsed
	return nil
}

// Position is a place in a manifest; lines and columns count from 1.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String is file:line:column, the form that editors and compilers use.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }
