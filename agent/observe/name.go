package observe

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/ini.v1"

	"lull/internal/fileversion"
	"lull/schema"
)

// The limits of what is read to learn a name.
const (
	maxIni  = 1 << 20 // bytes of the ini file: hundreds of times a real one
	maxName = 64      // characters of a registered name, as in the manifests
)

// ErrName means that the registered name is none: too long, or with characters that cannot be printed.
var ErrName = fmt.Errorf("want 1 to %d printable characters", maxName)

// ErrOutsideRoots means that the ini file lies neither in the installation nor below a root.
var ErrOutsideRoots = errors.New("it lies outside the roots of the agent's configuration")

// Name reads the name under which the workstation is administered from the ini file that src names, relative to dir or
// absolute. It is not ok if src is nil, the file is not there, or the key is missing or empty: the caller then uses the
// host name. A file that is there and cannot be read is an error, because the host name would be the wrong one.
func Name(dir string, src *schema.NameSource, roots []string) (name string, ok bool, err error) {
	if src == nil {
		return "", false, nil
	}
	data, err := readIni(dir, src.Ini, roots)
	if absent(err) {
		return "", false, nil
	}
	if err == nil {
		name, err = parseName(data, src.Key)
	}
	if err != nil {
		return "", false, fmt.Errorf("read %s from %s: %w", src.Key, src.Ini, err)
	}
	return name, name != "", nil
}

// readIni reads the file through the installation or, if it lies elsewhere, through the root that it lies below.
func readIni(dir, ini string, roots []string) ([]byte, error) {
	file := filepath.FromSlash(expand(ini))
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, filepath.FromSlash(slashed(ini)))
	}
	file = filepath.Clean(file)
	bases := append([]string{dir}, roots...)
	at := slices.IndexFunc(bases, func(base string) bool { return below(file, base) })
	if at < 0 {
		return nil, ErrOutsideRoots
	}
	name, err := filepath.Rel(bases[at], file)
	if err != nil {
		return nil, err
	}
	f, err := open(bases[at], name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxIni+1))
	if err == nil && len(data) > maxIni {
		err = fmt.Errorf("it has more than %d bytes", maxIni)
	}
	return data, err
}

// parseName is the value of the first key of that name in any section that has a value.
func parseName(data []byte, key string) (string, error) {
	file, err := ini.LoadSources(ini.LoadOptions{
		Insensitive:             true,
		AllowBooleanKeys:        true,
		SkipUnrecognizableLines: true,
		IgnoreInlineComment:     true, // Windows knows none: a name may hold # and ;
		IgnoreContinuation:      true, // a folder may end in a backslash
		KeyValueDelimiters:      "=",
		AllowShadows:            true, // so that the first of two equal keys counts, as in Windows
	}, []byte(fileversion.Decode(data)))
	if err != nil {
		return "", fmt.Errorf("parse: %w", err)
	}
	for _, section := range file.Sections() {
		found, err := section.GetKey(key)
		if err != nil {
			continue // the section lacks the key
		}
		if value := strings.TrimSpace(found.Value()); value != "" { // Value, since String would replace %(x)s
			return value, checkName(value)
		}
	}
	return "", nil
}

func checkName(name string) error {
	if utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) ||
		strings.ContainsRune(name, utf8.RuneError) {
		return ErrName
	}
	return nil
}
