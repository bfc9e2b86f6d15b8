package manifests

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"lull/schema"
)

// What a revision may hold. Anything above is a mistake (a release that was put beside the manifests) or an attack, and
// is refused before it is read into memory.
const (
	maxFileSize  = 10 << 20 // bytes; the language allows less, and says so, but that needs the file in memory
	maxTotalSize = 64 << 20 // bytes; an agent holds all of it in memory
	maxFiles     = 50_000   // five times the largest fleet, with one file for each workstation
	maxFolders   = 10_000   // with manifests or without
	maxDepth     = 32       // folders in folders; a tree of git may nest without end
)

// listing is what one look at a place found: names and identities, and content only where it was read already.
type listing struct {
	revision string
	prefix   string // goes before every name where people see it
	items    []item // sorted by name
	errors   schema.Errors
}

// item is one manifest file. Equal ids mean equal content.
type item struct {
	name string // relative to the place, with slashes
	id   string
	size int64  // bytes
	data []byte // not read if the size is refused
}

// file is a manifest file that was read and parsed. It is never changed, and shared by all snapshots that hold it.
type file struct {
	id     string
	data   []byte
	sum    [sha256.Size]byte
	parsed *schema.File
}

// content is the manifest files of one revision, parsed.
type content struct {
	files  map[string]*file // by name as people see it
	digest string
}

// isManifest reports whether a file that is not hidden counts as a manifest by its name.
func isManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// isHidden reports whether a file or folder is left out: editors, git and mounted config maps keep theirs behind a dot.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

// refuse makes the error for a file that cannot be a manifest, as a position that editors can open.
func refuse(name, message, hint string) *schema.Error {
	return &schema.Error{At: schema.Position{File: name, Line: 1, Column: 1}, Message: message, Hint: hint}
}

// within checks the bounds of a revision before anything is read.
func (l *listing) within() schema.Errors {
	var errs schema.Errors
	var total int64
	for _, it := range l.items {
		total += it.size
		if it.size > maxFileSize {
			errs = append(errs, refuse(l.prefix+it.name, fmt.Sprintf("the file has %d bytes, and %d are allowed", it.size, maxFileSize), "split it"))
		}
	}
	if len(l.items) > maxFiles {
		errs = append(errs, refuse(l.all(), fmt.Sprintf("%d manifest files, and %d are allowed", len(l.items), maxFiles), "put several manifests into one file"))
	}
	if total > maxTotalSize {
		errs = append(errs, refuse(l.all(), fmt.Sprintf("the manifest files have %d bytes in all, and %d are allowed", total, maxTotalSize), "keep only manifests below this path"))
	}
	return errs
}

// errTooMuch ends a walk over a tree that never ends: one of git may hold the same folder many times, and that one, too;
// a folder may turn out to be a whole disk.
var errTooMuch = errors.New("too many files and folders")

// tooMuch is what errTooMuch means to a person.
func tooMuch(l *listing) schema.Errors {
	return schema.Errors{refuse(l.all(), fmt.Sprintf("more than %d manifest files or %d folders", maxFiles, maxFolders), "put several manifests into one file, and nothing else beside them")}
}

// all is the position of what is wrong with no file but with all of them.
func (l *listing) all() string { return cmp.Or(l.prefix, "manifests") }

// parse parses the files of a listing. What known holds under the same name with the same identity is taken from there.
func (l *listing) parse(known map[string]*file) content {
	c := content{files: make(map[string]*file, len(l.items))}
	sum := sha256.New()
	for _, it := range l.items {
		name := l.prefix + it.name
		f := known[name]
		if f == nil || f.id != it.id {
			f = &file{id: it.id, data: it.data, sum: sha256.Sum256(it.data), parsed: schema.ParseFile(name, it.data)}
		}
		c.files[name] = f
		sum.Write(f.sum[:])
		sum.Write([]byte(it.name + "\x00"))
	}
	c.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return c
}

// check puts the files of a revision together. The set is nil if there are errors.
func (c content) check() (*schema.Set, schema.Errors) {
	var errs schema.Errors
	parsed := make([]*schema.File, 0, len(c.files))
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		f := c.files[name]
		if bytes.HasPrefix(f.data, []byte("version https://git-lfs.github.com/spec/")) {
			errs = append(errs, refuse(name, "the file is a pointer of git LFS, and its content is not in the repository", "keep manifests out of git LFS"))
			continue
		}
		parsed = append(parsed, f.parsed)
	}
	set, more := schema.NewSet(parsed)
	if errs = append(errs, more...); len(errs) > 0 {
		return nil, errs
	}
	return set, nil
}

// judge says whether a revision may replace the current set. Where it is refused before it is parsed, there is no content.
func (l *listing) judge(known map[string]*file, current *schema.Set) (content, *schema.Set, schema.Errors) {
	if errs := append(slices.Clone(l.errors), l.within()...); len(errs) > 0 {
		return content{}, nil, errs
	}
	c := l.parse(known)
	set, errs := c.check()
	if len(errs) == 0 && set.Len() == 0 && current.Len() > 0 {
		errs = emptied(l.all(), current)
	}
	return c, set, errs
}

// emptied is what is wrong with a revision without manifests that comes after one that has some.
func emptied(name string, before *schema.Set) schema.Errors {
	return schema.Errors{refuse(name, fmt.Sprintf("the revision holds no manifest, and the one in force holds %d", before.Len()),
		"to let go of a client, leave its Client manifest and remove the others")}
}

// named finds a manifest by name in a slice that is sorted by name.
func named[M any](all []M, name string, meta func(M) *schema.Meta) *schema.Meta {
	i, ok := slices.BinarySearchFunc(all, name, func(m M, name string) int { return strings.Compare(meta(m).Name, name) })
	if !ok {
		return nil
	}
	return meta(all[i])
}
