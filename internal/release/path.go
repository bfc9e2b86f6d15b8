package release

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxPath = 1024 // bytes: programs on Windows break long before, and Linux refuses at 4096
	maxName = 240  // bytes: both systems stop at 255, and Lull appends endings such as .part
)

// reserved marks the names that Lull itself makes beside the files of an installation.
const reserved = ".lull-"

// CheckPath reports why path may not be a file of a release, or nil. A good path is relative, separated by slashes, and
// names the same file below any folder on Windows and on Linux: nothing in it climbs, names a device, a drive or an
// alternate stream, or is changed silently by either system. The answer is the same on every platform.
// See https://learn.microsoft.com/windows/win32/fileio/naming-a-file.
func CheckPath(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("path %.80q…: is longer than %d bytes", path, maxPath)
	}
	if !utf8.ValidString(path) {
		return fmt.Errorf("path %q: is not UTF-8; pack it again with UTF-8 names, or give a folder", path)
	}
	for name := range strings.SplitSeq(path, "/") {
		if err := checkName(name); err != nil {
			return fmt.Errorf("path %q: %w", path, err)
		}
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty, begins or ends with a slash, or has two slashes in a row")
	case name == "." || name == "..":
		return fmt.Errorf("%s is not allowed", name)
	case len(name) > maxName:
		return fmt.Errorf("a name is longer than %d bytes", maxName)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return errors.New("a dot or a space at the end of a name is dropped by Windows")
	case strings.ContainsAny(name, `<>:"|?*\`):
		return errors.New(`none of < > : " | ? * \ is allowed in a name on Windows`)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return errors.New("has a character that cannot be seen")
	case isDevice(name):
		return errors.New("is the name of a Windows device")
	case strings.Contains(Fold(name), reserved):
		return fmt.Errorf("%s is reserved for Lull", reserved)
	}
	return nil
}

// isDevice reports whether Windows takes name for a device, as it does with any ending and with superscript digits.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	if slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}, base) {
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// Fold is the one spelling of all paths that are, or look like, the same file on a system that ignores case: composed
// as in Unicode's NFC and in lower case. It is a key to compare, and no name of a file.
func Fold(path string) string {
	// Upper case comes first because several lower-case letters share one capital (s and ſ, σ and ς).
	return norm.NFC.String(strings.ToLower(strings.ToUpper(norm.NFC.String(path))))
}
