package idle

import (
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldsCase says that file names on this system differ by more than case.
const foldsCase = runtime.GOOS == "windows"

// places are the folders of a query, each as it was given and as the system itself would call it.
type places []string

func newPlaces(folders []string) places {
	var all places
	for _, folder := range folders {
		clean := filepath.Clean(folder)
		all = append(all, clean)
		if real := resolve(clean); real != clean {
			all = append(all, real)
		}
	}
	return all
}

// resolve is the final path of a folder; of one that does not exist, that of its nearest ancestor with the rest.
func resolve(folder string) string {
	if real, err := finalPath(folder); err == nil {
		return real
	}
	parent := filepath.Dir(folder)
	if parent == folder {
		return folder
	}
	return filepath.Join(resolve(parent), filepath.Base(folder))
}

// hold reports whether a path is one of the places or lies below one.
func (p places) hold(name string) bool {
	for _, place := range p {
		rest, ok := cutPath(name, place)
		if ok && (rest == "" || isSeparator(rest[0]) || isSeparator(place[len(place)-1])) {
			return true
		}
	}
	return false
}

// named reports whether text, such as a command line, holds the path of one of the places or of something below it. It
// would rather find one too many: "/srv/opt/client" names "/opt/client" too.
func (p places) named(text string) bool {
	for i := range text {
		for _, place := range p {
			if rest, ok := cutPath(text[i:], place); ok && (rest == "" || !continuesName(rest[0])) {
				return true
			}
		}
	}
	return false
}

// continuesName reports whether a byte behind the name of a folder makes it another name. A space does not, since
// Windows gives a command line as one text.
func continuesName(c byte) bool {
	return c >= utf8.RuneSelf || c == '_' || c == '-' || c == '.' ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isSeparator(c byte) bool { return c == '/' || foldsCase && c == '\\' }

// cutPath cuts a prefix as the system's file names compare.
func cutPath(name, prefix string) (rest string, ok bool) {
	if !foldsCase {
		return strings.CutPrefix(name, prefix)
	}
	for _, want := range prefix {
		got, size := utf8.DecodeRuneInString(name)
		if size == 0 || got != want && unicode.ToUpper(got) != unicode.ToUpper(want) {
			return "", false
		}
		name = name[size:]
	}
	return name, true
}

// fold gives names that differ only in case one spelling.
func fold(name string) string { return strings.ToLower(name) }

// patterns are names with * and ?, compared without case.
type patterns []string

func newPatterns(texts []string) patterns {
	quote := strings.NewReplacer(`\`, `\\`, `[`, `\[`) // only * and ? are special
	all := make(patterns, len(texts))
	for i, text := range texts {
		all[i] = quote.Replace(fold(text))
	}
	return all
}

func (p patterns) match(name string) bool {
	for _, pattern := range p {
		if ok, _ := path.Match(pattern, fold(name)); ok { // quoted patterns are well-formed
			return true
		}
	}
	return false
}
