package manifests

import (
	"fmt"
	"regexp"
	"strings"

	"lull/schema"
)

// maxPath bounds the path of a manifest file, so that a clone fits below the 260 characters of Windows.
const maxPath = 160

var (
	// plainName is a name that means the same on every system and in every shell.
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._ -]*[A-Za-z0-9_-]$|^[A-Za-z0-9_-]$`)
	// deviceName is a name that Windows keeps for itself, whatever follows the first dot, and the spaces before it.
	deviceName = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9]) *(\.|$)`)
)

// DefaultPath is where a new manifest stands: KIND/NAME.yaml, the kind in lower case. A name that would be a hidden file
// or a device of Windows gets a _ in front.
func DefaultPath(kind schema.Kind, name string) string {
	if isHidden(name) || deviceName.MatchString(name) {
		name = "_" + name
	}
	return strings.ToLower(string(kind)) + "/" + name + ".yaml"
}

// checkPath refuses paths that do not count as manifests, lead elsewhere, or cannot be checked out on Windows.
func checkPath(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("path %q: it is longer than %d characters", path, maxPath)
	}
	if !isManifest(path) {
		return fmt.Errorf("path %q: manifests stand in files whose names end in .yaml, .yml or .json", path)
	}
	for part := range strings.SplitSeq(path, "/") {
		if !plainName.MatchString(part) || deviceName.MatchString(part) {
			return fmt.Errorf("path %q: %q is not a file name on every system: use letters, digits, _ - . and no name that Windows reserves", path, part)
		}
	}
	return nil
}
