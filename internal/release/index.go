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
