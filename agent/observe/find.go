// Package observe tells what is installed: where a client lies, which version it has and under which name its
// workstation is administered.
//
// It reads what a Client manifest describes and changes nothing. The manifest comes from a server, while the agent runs
// with every right: so only folders below the agent's own roots are looked at, files are opened through the folder that
// they belong to (os.Root), links that lead out of it are refused, only ordinary files are read, and each read is
// bounded. Names of files in a manifest match without case on every system, as people who write Windows paths expect.
//
// A version or a name that cannot be read is an error and never a guess: the caller must not act on less than it was
// promised. Nothing is ever executed here: a version that a command prints is read by package install, which knows
// whether the files may be.
package observe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"lull/reconciler"
	"lull/schema"
)

// listSeparator joins folders in the arguments of a reason. No folder name of Windows or of good taste holds it.
const listSeparator = "; "

// The names of the arguments of Find's reasons. Both hold folders, joined by "; ".
const (
	ArgCandidates = "candidates" // NotInstalled, OutsideRoots: where was looked, or not allowed to look
	ArgFolders    = "folders"    // SeveralInstallations, InsecureFolder: what was found
)

// Find looks for the one installation among the candidates of a platform and returns its folder with all links before
// the last component resolved. Only candidates strictly below one of the roots are looked at, and only a folder that is
// not empty is an installation.
//
// Where there is not exactly one, the problem says so: NotInstalled, SeveralInstallations, OutsideRoots if none was
// found and a candidate lies outside the roots, InsecureFolder if the only one found is a link. An error means that the
// computer did not let itself be read.
func Find(p schema.Platform, roots []string) (dir string, problem *reconciler.Reason, err error) {
	var found, links, outside, absent []string
	for _, text := range p.Install {
		candidate := filepath.Clean(expand(text))
		kind, real, err := inspect(candidate, roots)
		switch {
		case err != nil:
			return "", nil, fmt.Errorf("look for an installation in %s: %w", candidate, err)
		case kind == isInstallation && !slices.Contains(found, real):
			found = append(found, real)
		case kind == isLink:
			links = append(links, candidate)
		case kind == isOutside:
			outside = append(outside, candidate)
		case kind == isAbsent:
			absent = append(absent, candidate)
		}
	}
	because := func(code reconciler.Code, arg string, folders []string) (string, *reconciler.Reason, error) {
		reason := reconciler.Why(code, arg, strings.Join(folders, listSeparator))
		return "", &reason, nil
	}
	switch {
	case len(found) == 1:
		return found[0], nil, nil
	case len(found) > 1:
		return because(reconciler.SeveralInstallations, ArgFolders, found)
	case len(links) > 0:
		return because(reconciler.InsecureFolder, ArgFolders, links)
	case len(outside) > 0:
		return because(reconciler.OutsideRoots, ArgCandidates, outside)
	}
	return because(reconciler.NotInstalled, ArgCandidates, absent)
}

// Candidates lists the folders strictly below the roots in which the client may be installed, whether they exist or not.
// Links before the last component are resolved, so that each is the folder that Find returns.
func Candidates(p schema.Platform, roots []string) []string {
	var all []string
	for _, text := range p.Install {
		candidate := filepath.Clean(expand(text))
		if !filepath.IsAbs(candidate) || !belowAny(candidate, roots) {
			continue
		}
		parent, err := filepath.EvalSymlinks(filepath.Dir(candidate))
		folder := filepath.Join(parent, filepath.Base(candidate))
		if err == nil && belowAny(folder, resolved(roots)) {
			all = append(all, folder)
		}
	}
	return all
}

// kind is what a candidate turned out to be.
type kind int

const (
	isAbsent kind = iota
	isInstallation
	isLink
	isOutside
)

// inspect looks at one candidate; real is its final path if it is an installation.
func inspect(candidate string, roots []string) (k kind, real string, err error) {
	if !filepath.IsAbs(candidate) || !belowAny(candidate, roots) {
		return isOutside, "", nil
	}
	info, err := os.Lstat(candidate)
	switch {
	case absent(err):
		return isAbsent, "", nil
	case err != nil:
		return isAbsent, "", err
	case info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0: // irregular: a junction of Windows
		return isLink, "", nil
	case !info.IsDir():
		return isAbsent, "", nil
	}
	if real, err = filepath.EvalSymlinks(candidate); err != nil {
		return isAbsent, "", err
	}
	if !belowAny(real, resolved(roots)) {
		return isOutside, "", nil
	}
	full, err := notEmpty(real)
	if err != nil || !full {
		return isAbsent, "", err
	}
	return isInstallation, real, nil
}

// absent reports whether an error means that there is no such file, also below something that is no folder.
func absent(err error) bool {
	var path *fs.PathError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &path) && isNotDir(path.Err)
}

// resolved is the final path of each root; of one that is not there, the path as it is written.
func resolved(roots []string) []string {
	all := slices.Clone(roots)
	for i, root := range roots {
		if real, err := filepath.EvalSymlinks(root); err == nil {
			all[i] = real
		}
	}
	return all
}

func notEmpty(dir string) (bool, error) {
	d, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer d.Close()
	names, err := d.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return len(names) > 0, err
}

func belowAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return below(path, root) })
}

// below reports whether a path lies strictly below a root, as the system's file names compare.
func below(path, root string) bool {
	root = filepath.Clean(root)
	if runtime.GOOS == "windows" {
		path, root = strings.ToUpper(path), strings.ToUpper(root)
	}
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel) && rel != "."
}

// expand replaces %NAME% by the environment's value. A name that is not set stays as it is, as in cmd.exe.
func expand(text string) string { return expandWith(text, os.LookupEnv) }

func expandWith(text string, lookup func(string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "%")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "%")
		value, known := lookup(name)
		if !closed || !known || name == "" {
			b.WriteByte('%')
			text = rest
			continue
		}
		b.WriteString(value)
		text = after
	}
}
