package command

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// InsecureError means that somebody beside the service could exchange a program, or a file that it loads.
type InsecureError struct {
	Path string // the first file or folder that is to blame, from the root of the volume down
	Why  string
}

func (e *InsecureError) Error() string {
	return fmt.Sprintf("%s: %s: nothing is run there as the service until nobody else can change it", e.Path, e.Why)
}

// position is where something lies relative to the tree, which decides how it could be abused.
type position int

const (
	volume position = iota // the root of the volume: nobody can rename it
	above                  // on the way: what matters is whether an entry in it can be replaced
	inside                 // the tree: what matters is also what can be added to it
)

// Trusted returns nil if nobody but the service can change the tree or put another in its place, and else an
// *InsecureError. Links are refused on the way as well as in the tree, so that what was looked at is what is run.
func (t Tree) Trusted() error {
	root := filepath.Clean(t.Root)
	if !filepath.IsAbs(root) {
		return fmt.Errorf("look who may change %s: it must be an absolute path", root)
	}
	for _, folder := range way(root) {
		if err := lookAt(folder.path, folder.position); err != nil {
			return err
		}
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != root {
			below := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
			if t.userData(below, d.IsDir()) {
				return skip(d)
			}
		}
		return lookAt(name, inside)
	})
	if err != nil {
		return fmt.Errorf("look who may change %s: %w", root, err)
	}
	return nil
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

type waypoint struct {
	path     string
	position position
}

// way lists the folders above a folder from the root of the volume down.
func way(folder string) []waypoint {
	parent := filepath.Dir(folder)
	if parent == folder {
		return nil
	}
	if filepath.Dir(parent) == parent {
		return []waypoint{{parent, volume}}
	}
	return append(way(parent), waypoint{parent, above})
}

func lookAt(name string, at position) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() && (at != inside || !info.Mode().IsRegular()) {
		return &InsecureError{name, "it is a link or a device"}
	}
	why, err := whoElse(name, info, at)
	if err == nil && why != "" {
		err = &InsecureError{name, why}
	}
	return err
}
