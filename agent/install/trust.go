package install

import (
	"errors"
	"path"
	"slices"

	"lull/agent/command"
	"lull/internal/release"
)

// trusted returns a *command.InsecureError if the index has commands and they may not be run in the tree at root, which
// need not be the index's yet: the new tree gets the access rights of the old one.
func trusted(root string, index *release.Index, k keep) error {
	if len(commands(index)) == 0 {
		return nil
	}
	return runnable(root, index, k).Trusted()
}

// anything is a name that a pattern matches only if it matches every name.
const anything = "\x00"

// runnable is a tree of the index to run commands in. Users may write to what keep names, but to no folder in which a
// file of the release lies, and to a folder of their own only if whatever they put there is user data.
func runnable(root string, index *release.Index, k keep) command.Tree {
	firm := *index
	firm.Files = slices.DeleteFunc(slices.Clone(index.Files), func(f release.File) bool { return k.has(f.Path) })
	release := know(&firm)
	return command.Tree{Root: root, UserData: func(name string, folder bool) bool {
		if folder {
			return !release.folders[fold(name)] && k.has(path.Join(name, anything))
		}
		return k.has(name)
	}}
}

func isInsecure(err error) bool {
	var insecure *command.InsecureError
	return errors.As(err, &insecure)
}
