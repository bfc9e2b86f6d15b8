// Package fileversion reads the version of a program out of its files, in one way for both ends: when a release is
// stored, and where it is installed.
//
// A version stands in a text file or in what a command prints (Text), or in the version resource of a Windows program
// (Program). Both are read on every system, since the server that stores Windows releases is often none. What is read may
// be hostile: reads are bounded, and no offset in a file is believed. Decode is for the text files of Windows programs,
// whose encoding nobody states.
package fileversion

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"lull/schema"
)

// maxLine bounds the first line in bytes: a version is a dozen.
const maxLine = 4 << 10

// ErrNone means that what was read holds no version.
var ErrNone = errors.New("it holds no version")

// dotted finds numbers joined by dots, with what a version may carry behind a hyphen.
var dotted = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)+(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?`)

// Text is the first dotted number in the first line of a text; a line that is nothing but one number counts too. Leading
// zeros of its parts are dropped, because vendors write 5.08. It reads no more than 4 KiB.
func Text(r io.Reader) (schema.Version, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxLine))
	if err != nil {
		return schema.Version{}, err
	}
	line, _, _ := strings.Cut(Decode(text), "\n")
	line = strings.TrimSpace(line)
	found := dotted.FindString(line)
	if found == "" {
		if _, err := strconv.ParseUint(line, 10, 32); err != nil {
			return schema.Version{}, ErrNone
		}
		found = line
	}
	numbers, pre, hasPre := strings.Cut(found, "-")
	parts := strings.Split(numbers, ".")
	for i, part := range parts {
		if parts[i] = strings.TrimLeft(part, "0"); parts[i] == "" {
			parts[i] = "0"
		}
	}
	found = strings.Join(parts, ".")
	if hasPre {
		found += "-" + pre
	}
	return schema.ParseVersion(found)
}
