package observe

import "strings"

// Owner names the installer or product to which an installation belongs, "" if it belongs to none: a folder that Windows
// Installer has made, or that a product names as its own. What an installer owns it repairs, updates and removes as it
// knows it, so that nobody else may exchange it as a folder. On other systems packages are not looked for.
func Owner(dir string) (string, error) { return owner(dir) }

// covers reports whether a folder that an installer names is the installation or lies in it. One that holds it says
// nothing: a product may name the folder of all programs.
func covers(named, dir string) bool {
	clean := func(path string) string {
		return strings.ToLower(strings.TrimRight(strings.ReplaceAll(path, "/", `\`), `\`))
	}
	named, dir = clean(named), clean(dir)
	if named == "" {
		return false
	}
	return named == dir || strings.HasPrefix(named, dir+`\`)
}
