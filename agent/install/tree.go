package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"lull/internal/release"
)

// place is a file or folder below a root, with slashes. It is opened through os.Root, so that no link on the way leads
// out of the root, whoever planted it there and when.
type place struct{ root, path string }

func (p place) String() string { return filepath.Join(p.root, filepath.FromSlash(p.path)) }

// part is where a file lies that is not complete yet. Its name does not grow with that of the file, which may be as long
// as the system allows.
func (p place) part() place { return place{p.root, path.Join(path.Dir(p.path), partName)} }

func isPart(name string) bool { return path.Base(name) == partName }

// entry is what a walk finds.
type entry struct {
	path string // relative, with slashes, as it is spelt on the disk
	info fs.FileInfo
}

// maxEntries bounds a walk: a hundred times the largest client known, so that it only ever stops a mistake.
const maxEntries = 1_000_000

// walk lists everything below root, folders before what is in them, and follows no link.
func walk(root string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if len(entries) == maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		entries = append(entries, entry{filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator))), info})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look through %s: %w", root, err)
	}
	return entries, nil
}

// fold is the form of a path in which equal names of this system are equal.
func fold(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToLower(name)
	}
	return name
}

// keep says which files are user data.
type keep []string

func newKeep(patterns []string) (keep, error) {
	k := make(keep, 0, len(patterns))
	for _, pattern := range patterns {
		p := pattern
		if runtime.GOOS == "windows" {
			p = fold(strings.ReplaceAll(p, `\`, "/"))
		}
		if !doublestar.ValidatePattern(p) {
			return nil, fmt.Errorf("keep: %q is no pattern", pattern)
		}
		k = append(k, p)
	}
	return k, nil
}

// The names that the engine makes itself, and the endings.
const (
	fencedEnding = ".lull-fenced" // a program that is renamed aside
	lateEnding   = ".lull-late"   // user data that was written to the old tree after the swap
	partName     = ".lull-part"   // a copy that is not complete
)

func unfencedName(name string) string { return strings.TrimSuffix(name, fencedEnding) }

// has reports whether the path is user data; what the engine lays beside user data is user data too.
func (k keep) has(name string) bool {
	name = strings.TrimSuffix(fold(name), lateEnding)
	return slices.ContainsFunc(k, func(pattern string) bool { return doublestar.MatchUnvalidated(pattern, name) })
}

// known is an index for look-up: its files by folded path, and the folders that they need.
type known struct {
	files   map[string]release.File
	folders map[string]bool
}

func know(index *release.Index) known {
	k := known{map[string]release.File{}, map[string]bool{}}
	for _, f := range index.Files {
		k.files[fold(f.Path)] = f
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			k.folders[fold(dir)] = true
		}
	}
	return k
}

// programs lists what the gate must hold: every file of the tree that the system could start or load.
func programs(root string) ([]string, error) {
	entries, err := walk(root)
	if err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var found []string
	for _, e := range entries {
		if !e.info.Mode().IsRegular() {
			continue
		}
		program, err := isProgram(r, e)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", place{root, e.path}, err)
		}
		if program {
			found = append(found, e.path)
		}
	}
	return found, nil
}

// isProgram decides by name and mode where it can and by the first bytes otherwise.
func isProgram(r *os.Root, e entry) (bool, error) {
	if programByName(e) {
		return true, nil
	}
	head := make([]byte, len(programMagic))
	f, err := openRegular(r, e.path)
	if errors.Is(err, fs.ErrNotExist) || isSharing(err) {
		return false, nil // user data comes and goes and may be held; a program that is held is known by its name
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	n, _ := f.ReadAt(head, 0)
	return string(head[:n]) == programMagic, nil
}

// removeTree deletes a tree from the bottom up and follows no link. What spare says stays, with its folders; left
// reports whether anything did.
func (i *Installation) removeTree(root string, spare func(entry) bool) (left bool, err error) {
	entries, err := walk(root)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	needed := map[string]bool{}
	for _, e := range slices.Backward(entries) {
		if needed[e.path] || spare(e) {
			needed[path.Dir(e.path)] = true
			continue
		}
		if err := i.removeIfThere(place{root, e.path}); err != nil {
			return false, fmt.Errorf("remove %s: %w", place{root, e.path}, err)
		}
	}
	if len(needed) > 0 {
		return true, nil
	}
	return false, i.removeIfThere(place{filepath.Dir(root), filepath.Base(root)})
}

func nothing(entry) bool { return false }
