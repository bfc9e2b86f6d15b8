// Package release holds what there is to install: the index of a release, and the store of releases on disk.
//
// A store is one folder with one layout, the same on disk, over HTTP and in bundles. Every file lies once under its
// SHA-256 in blobs/sha256/XX/HEX; releases/CLIENT/VERSION/SYSTEM/index.json says which of them make up a release; and
// catalog.json lists the releases with the digest of each index, for agents that have no server. So trust runs from
// the digest in a Ref to the index, and from the index to every file, and names below the root are never taken from a
// package: only from hashes and from names that were checked.
//
// Packages come from anywhere and are treated as hostile. A path must be safe on Windows and on Linux wherever it is
// checked, links and devices are refused, and sizes are counted while they are unpacked. Adding a release writes and
// flushes its blobs first, then its index, then the catalog, each by one rename: a crash in between leaves the store as
// it was, with blobs nobody refers to. A version never changes its content once it is stored. Readers need no lock;
// those who change the list take a lock file, so that several processes may work on one store.
package release

import "lull/schema"

// Index describes one release on one system: everything that an agent must know to build the tree and to trust it. It
// is stored as releases/CLIENT/VERSION/SYSTEM/index.json.
type Index struct {
	Client  string               `json:"client"`
	Version schema.Version       `json:"version"`
	System  string               `json:"system"` // windows or linux
	Method  schema.Method        `json:"method"`
	Files   []File               `json:"files"`           // sorted by path
	Start   []string             `json:"start,omitempty"` // what people start, copied from the Client manifest
	Read    schema.VersionSource `json:"read"`            // how the version is read, copied from the Client manifest
	Check   *schema.Check        `json:"check,omitempty"` // the check command, copied from the Client manifest
	Keep    []string             `json:"keep,omitempty"`  // patterns of user data, copied from the Client manifest
	Notes   string               `json:"notes,omitempty"`
}

// File is one file of a release. Path is relative, with slashes, and safe on Windows and Linux alike.
type File struct {
	Path       string `json:"path"`
	Size       int64  `json:"size"`   // bytes
	SHA256     string `json:"sha256"` // 64 lower-case hexadecimal digits
	Executable bool   `json:"executable,omitempty"`
}

// Catalog lists the releases of one store, for agents that have no server. It is stored as catalog.json.
type Catalog struct {
	Releases []Ref `json:"releases"`
}

// Ref names one release and pins its index.
type Ref struct {
	Client  string         `json:"client"`
	Version schema.Version `json:"version"`
	System  string         `json:"system"`
	SHA256  string         `json:"sha256"` // of index.json, byte for byte
	Size    int64          `json:"size"`   // of all files, bytes
}
