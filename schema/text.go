package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds registered names, host names and what is compared with them, in characters.
const maxName = 64

var (
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)
	drivePattern   = regexp.MustCompile(`^([A-Za-z]:|%[A-Za-z0-9_()]+%)[/\\].`)
	reservedDevice = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?$`)
)

// broken says what is wrong with a text by one of the rules that `check` tags name, or "".
func broken(rule, text string) string {
	switch rule {
	case "name":
		if !namePattern.MatchString(text) {
			return fmt.Sprintf("%s is no name: want 1 to 63 of A-Z a-z 0-9 . _ -", quoted(text))
		}
	case "printable":
		return unprintable(text)
	case "host":
		if strings.ContainsAny(text, "*?") {
			return fmt.Sprintf("%s is a pattern; computers are named one by one here", quoted(text))
		}
		return unprintable(text)
	case "process":
		if strings.ContainsAny(text, `/\`) {
			return fmt.Sprintf("%s is a path; want the file name of a program, or a pattern of one", quoted(text))
		}
		return unprintable(text)
	case "ini":
		return unsafePath(text, false)
	case "relative":
		return unsafeRelative(text, false)
	case "pattern":
		return unsafeRelative(text, true)
	}
	return "" // command and required are no rules for one text
}

func unprintable(text string) string {
	switch {
	case utf8.RuneCountInString(text) > maxName:
		return fmt.Sprintf("the text has more than %d characters", maxName)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "the text holds a character that cannot be printed"
	case strings.TrimSpace(text) != text:
		return "the text starts or ends with a space"
	}
	return ""
}

// unsafeRelative says why a path could lead out of the installation or name something else on Windows, whose rules hold
// everywhere, or "". Both separators are accepted. A pattern may hold * and ?.
func unsafeRelative(path string, pattern bool) string {
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, `\`) || len(path) > 1 && path[1] == ':' {
		return fmt.Sprintf("%s is absolute; want a path below the installation", quoted(path))
	}
	return unsafePath(path, pattern)
}

// unsafePath checks the names of a path, which may be absolute.
func unsafePath(path string, pattern bool) string {
	rest := path
	if m := drivePattern.FindStringSubmatch(path); m != nil {
		rest = path[len(m[1]):]
	}
	rest = strings.TrimPrefix(strings.ReplaceAll(rest, `\`, "/"), "/")
	for name := range strings.SplitSeq(rest, "/") {
		if why := unsafeName(name, pattern); why != "" {
			return fmt.Sprintf("path %s: %s", quoted(path), why)
		}
	}
	return ""
}

func unsafeName(name string, pattern bool) string {
	forbidden := `<>:"|?*`
	if pattern {
		forbidden = `<>:"|[]{}`
	}
	switch {
	case name == "":
		return "a name between two separators is empty"
	case name == "." || name == "..":
		return name + " is not allowed"
	case strings.ContainsAny(name, forbidden):
		return fmt.Sprintf("none of %s is allowed here", forbidden)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "control characters are not allowed"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return "Windows has no names that end with a dot or a space"
	case reservedDevice.MatchString(name):
		return fmt.Sprintf("%s is a device on Windows", quoted(name))
	case pattern && strings.Contains(name, "**") && name != "**":
		return "** stands alone between separators"
	}
	return ""
}
