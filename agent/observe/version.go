package observe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"lull/schema"
)

// maxLine bounds the first line in bytes: a version is a dozen.
const maxLine = 4 << 10

var (
	// ErrNeedsCommand means that a version is read by a command, which Version does not run: see VersionByCommand.
	ErrNeedsCommand = errors.New("the version is read by a command")

	// ErrNoVersion means that what was read holds no version.
	ErrNoVersion = errors.New("it holds no version")
)

// Version reads the installed version below dir as src says, cut to its parts. It fails with ErrNeedsCommand, with
// ErrNoVersion, or with what kept the file from being read; a file that is not there is fs.ErrNotExist.
func Version(dir string, src schema.VersionSource) (schema.Version, error) {
	name, read := src.File, textVersion
	switch {
	case src.FileVersion != "":
		name, read = src.FileVersion, programVersion
	case src.File == "":
		return schema.Version{}, ErrNeedsCommand
	}
	f, err := open(dir, name)
	if err != nil {
		return schema.Version{}, fmt.Errorf("read version of %s: %w", dir, err)
	}
	defer f.Close()
	v, err := read(f)
	if err != nil {
		return schema.Version{}, fmt.Errorf("read version of %s: %s: %w", dir, name, err)
	}
	return v.Cut(src.Parts), nil
}

func programVersion(f *os.File) (schema.Version, error) { return resourceVersion(f) }

func textVersion(f *os.File) (schema.Version, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxLine))
	if err != nil {
		return schema.Version{}, err
	}
	return firstVersion(data)
}

// dotted finds numbers joined by dots, with what a version may carry behind a hyphen.
var dotted = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)+(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?`)

// firstVersion is the first dotted number in the first line of text; a line that is nothing but one number counts too.
// Leading zeros of its parts are dropped, because vendors write 5.08.
func firstVersion(text []byte) (schema.Version, error) {
	line, _, _ := strings.Cut(decode(text), "\n")
	line = strings.TrimSpace(line)
	found := dotted.FindString(line)
	if found == "" {
		if _, err := strconv.ParseUint(line, 10, 32); err != nil {
			return schema.Version{}, ErrNoVersion
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
