package install

import (
	"context"
	"fmt"

	"lull/internal/release"
)

// Difference is how a tree differs from an index, user data apart. Paths have slashes and are sorted.
type Difference struct {
	Foreign []string // in the tree alone; links and devices are always foreign
	Changed []string // another content
	Missing []string // in the index alone
}

// Same reports whether every file of the index is there with the index's content; foreign files do not count.
func (d Difference) Same() bool { return len(d.Changed) == 0 && len(d.Missing) == 0 }

// Adopt compares the installation with the release of its own version. It changes nothing, and files that did not
// change since the last call are not read again. What the manifest wants carried over is part of keep.
func (i *Installation) Adopt(ctx context.Context, baseline *release.Index, patterns []string) (Difference, error) {
	k, err := newKeep(patterns)
	if err != nil {
		return Difference{}, err
	}
	return compare(ctx, i.dir, baseline, k, i.matchesCached)
}

type matcher func(context.Context, place, release.File) (bool, error)

// compare looks at the names first and then at the content of what both sides have.
func compare(ctx context.Context, root string, index *release.Index, k keep, match matcher) (Difference, error) {
	d, there, err := compareNames(root, index, k)
	if err != nil {
		return d, err
	}
	for _, f := range index.Files {
		if k.has(f.Path) {
			continue
		}
		name, ok := there[fold(f.Path)]
		if !ok {
			d.Missing = append(d.Missing, f.Path)
			continue
		}
		same, err := match(ctx, place{root, name}, f)
		if err != nil {
			return d, fmt.Errorf("compare %s: %w", place{root, name}, err)
		}
		if !same {
			d.Changed = append(d.Changed, f.Path)
		}
	}
	return d, nil
}

// compareNames finds foreign files, and how the others are spelt on the disk.
func compareNames(root string, index *release.Index, k keep) (d Difference, there map[string]string, err error) {
	entries, err := walk(root)
	if err != nil {
		return d, nil, err
	}
	known := know(index)
	there = map[string]string{}
	for _, e := range entries {
		_, ours := known.files[fold(e.path)]
		switch {
		case e.info.IsDir() || isPart(e.path):
		case !e.info.Mode().IsRegular():
			d.Foreign = append(d.Foreign, e.path)
		case ours:
			there[fold(e.path)] = e.path
		case !k.has(e.path):
			d.Foreign = append(d.Foreign, e.path)
		}
	}
	return d, there, nil
}

// refuseForeign is the rule that no update starts while the old tree holds files that nothing explains: they would be
// lost with it.
func (i *Installation) refuseForeign(baseline *release.Index, k keep) error {
	d, _, err := compareNames(i.dir, baseline, k)
	if err == nil && len(d.Foreign) > 0 {
		err = foreignFiles(d.Foreign)
	}
	return err
}
