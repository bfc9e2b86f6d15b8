package release

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"lull/schema"
)

// maxProblems is how many errors Validate lists: enough to see the pattern, short enough to read.
const maxProblems = 100

// maxEntries bounds the lists that people write, because each entry is compared with every file.
const maxEntries = 1000

// Validate reports everything that is wrong with the index, joined, or nil. It looks at the index alone: whether the
// files exist is the store's question.
func (i *Index) Validate() error {
	c := checker{index: i}
	if err := checkIdentity(i.Client, i.Version, i.System); err != nil {
		c.add(err)
	}
	if i.Method != schema.MethodTree {
		c.addf("method %q: this build installs with method %s alone", i.Method, schema.MethodTree)
	}
	if len(i.Files) == 0 || len(i.Files) > MaxFiles {
		c.addf("has %d files, want 1 to %d", len(i.Files), MaxFiles)
		return c.err()
	}
	c.files()
	c.keep()
	c.programs()
	return c.err()
}

// Size is the sum of all files in bytes.
func (i *Index) Size() int64 {
	var n int64
	for _, f := range i.Files {
		n += f.Size
	}
	return n
}

// File returns the file at exactly this path. The files must be sorted, as they are after Validate.
func (i *Index) File(name string) (File, bool) {
	k, ok := slices.BinarySearchFunc(i.Files, name, func(f File, name string) int { return strings.Compare(f.Path, name) })
	if !ok {
		return File{}, false
	}
	return i.Files[k], true
}

type checker struct {
	index    *Index
	problems []error
	left     int // problems that are not listed
}

func (c *checker) add(err error) {
	if len(c.problems) == maxProblems {
		c.left++
		return
	}
	c.problems = append(c.problems, err)
}

func (c *checker) addf(format string, args ...any) { c.add(fmt.Errorf(format, args...)) }

func (c *checker) err() error {
	if c.left > 0 {
		c.problems = append(c.problems, fmt.Errorf("and %d errors more", c.left))
	}
	return errors.Join(c.problems...)
}

// files checks every file, and that no two of them meet on a system that ignores case.
func (c *checker) files() {
	var total int64
	sizes := make(map[string]int64)
	if !slices.IsSortedFunc(c.index.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }) {
		c.addf("files are not sorted by path")
	}
	for _, f := range c.index.Files {
		c.file(f)
		if size, ok := sizes[f.SHA256]; ok && size != f.Size {
			c.addf("%s: another file has the same sha256 and %d bytes", f.Path, size)
		}
		sizes[f.SHA256] = f.Size
		total += min(max(f.Size, 0), MaxFileSize)
	}
	if total > MaxTotalSize {
		c.addf("has %d bytes, the limit is %d", total, int64(MaxTotalSize))
	}
	c.names()
}

func (c *checker) file(f File) {
	if err := CheckPath(f.Path); err != nil {
		c.add(err)
	}
	if f.Size < 0 || f.Size > MaxFileSize {
		c.addf("%s: size %d: want 0 to %d", f.Path, f.Size, int64(MaxFileSize))
	}
	if !hexDigest.MatchString(f.SHA256) {
		c.addf("%s: sha256 %.80q: want 64 lower-case hexadecimal digits", f.Path, f.SHA256)
	}
}

func (c *checker) names() {
	files := make(map[string]string, len(c.index.Files)) // by folded path, as written
	folders := make(map[string]string)
	for _, f := range c.index.Files {
		key := Fold(f.Path)
		if other, ok := files[key]; ok {
			c.addf("%s: is the same name as %s on a system that ignores case", f.Path, other)
		}
		files[key] = f.Path
		c.parents(f.Path, folders)
	}
	for key, name := range files {
		if folder, ok := folders[key]; ok {
			c.addf("%s: is a file, and a folder in %s/", name, folder)
		}
		if part, ok := files[key+".part"]; ok {
			c.addf("%s: agents use this name while they download %s", part, name)
		}
	}
}

// parents notes the folders above name and finds those that are spelt in two ways.
func (c *checker) parents(name string, folders map[string]string) {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		key := Fold(dir)
		other, ok := folders[key]
		if ok && other == dir {
			return // its parents were noted with it
		}
		if ok {
			c.addf("%s: its folder is also spelt %s; give it one spelling", name, other)
			return
		}
		folders[key] = dir
	}
}

func (c *checker) keep() {
	if len(c.index.Keep) > maxEntries {
		c.addf("keep: has %d patterns, the limit is %d", len(c.index.Keep), maxEntries)
		return
	}
	for _, pattern := range c.index.Keep {
		bad := strings.Contains(pattern, `\`) || strings.HasPrefix(pattern, "/") ||
			slices.Contains(strings.Split(pattern, "/"), "..") || !doublestar.ValidatePattern(pattern)
		if bad || pattern == "" || len(pattern) > maxName {
			c.addf("keep %q: want a relative pattern with slashes", pattern)
		}
	}
}

// programs checks that what will be started, read or run is part of the release. What people start may also be theirs
// (keep); what the agent reads or runs may not, because it must be what was hashed.
func (c *checker) programs() {
	if len(c.index.Start) > maxEntries {
		c.addf("start: has %d programs, the limit is %d", len(c.index.Start), maxEntries)
		return
	}
	for _, name := range c.index.Start {
		if !c.has(name) && !c.index.Keeps(name) {
			c.addf("start: %s: is not in the release and not under keep", name)
		}
	}
	read := c.index.Read
	given := 0
	for _, name := range []string{read.FileVersion, read.File} {
		if name != "" {
			given++
			c.part("version", name)
		}
	}
	if len(read.Command) > 0 {
		given++
		c.command("version", read.Command)
	}
	if given != 1 || read.Parts < 0 || read.Parts > 4 {
		c.addf("version: want one of fileVersion, file and command, and at most 4 parts")
	}
	if check := c.index.Check; check != nil {
		c.command("check", check.Command)
	}
}

func (c *checker) has(name string) bool {
	_, ok := c.index.File(name)
	return ok
}

func (c *checker) part(what, name string) {
	if !c.has(name) {
		c.addf("%s: %s: is not in the release", what, name)
	}
}

func (c *checker) command(what string, command []string) {
	if len(command) == 0 {
		c.addf("%s: the command is empty", what)
		return
	}
	c.part(what, command[0])
	if f, ok := c.index.File(command[0]); ok && c.index.System == "linux" && !f.Executable {
		c.addf("%s: %s: is not executable; set its x bit and add it again", what, f.Path)
	}
}

// Keeps reports whether a file belongs to the user by the patterns of Keep, without case on Windows.
func (i *Index) Keeps(name string) bool {
	return slices.ContainsFunc(i.Keep, func(pattern string) bool {
		if i.System == "windows" {
			return doublestar.MatchUnvalidated(Fold(pattern), Fold(name))
		}
		return doublestar.MatchUnvalidated(pattern, name)
	})
}
