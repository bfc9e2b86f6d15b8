package release

import (
	"errors"
	"fmt"
	"regexp"

	"lull/schema"
)

// CatalogPath is the catalog of a store, relative to its root.
const CatalogPath = "catalog.json"

// Limits of a release. They are far above any desktop program, and bound what a hostile package or server can cost.
const (
	MaxFiles       = 200_000
	MaxFileSize    = 16 << 30 // bytes
	MaxTotalSize   = 64 << 30 // bytes, all files of one release
	MaxIndexSize   = 64 << 20 // bytes of index.json: 200,000 files with long names
	MaxCatalogSize = 16 << 20 // bytes of catalog.json: some 50,000 releases
)

var (
	// ErrNotFound means that a store does not hold what was asked for.
	ErrNotFound = errors.New("not in the release store")
	// ErrRefused means that an index breaks a rule, whoever wrote it.
	ErrRefused = errors.New("not an index that this build accepts")
	// ErrUnfit means that what was sent is not what its index says, or cannot be stored beside what is there. All of it is
	// about what was sent, and nothing about this computer.
	ErrUnfit = errors.New("not fit for the release store")

	clientName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,63}$`)
	hexDigest  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// unfit is an ErrUnfit that says only what is wrong.
type unfit struct{ error }

func (unfit) Is(target error) bool { return target == ErrUnfit }

func (u unfit) Unwrap() error { return u.error }

func unfitf(format string, args ...any) error { return unfit{fmt.Errorf(format, args...)} }

// IndexPath is where the index of a release lies below the root of a store, with slashes. The names in ref are checked.
func IndexPath(ref Ref) (string, error) {
	if err := checkIdentity(ref.Client, ref.Version, ref.System); err != nil {
		return "", err
	}
	return "releases/" + ref.Client + "/" + ref.Version.String() + "/" + ref.System + "/index.json", nil
}

// BlobPath is where the file with this SHA-256 lies below the root of a store, with slashes. The digest is checked.
func BlobPath(digest string) (string, error) {
	if !hexDigest.MatchString(digest) {
		return "", fmt.Errorf("blob %.80q: want 64 lower-case hexadecimal digits", digest)
	}
	return "blobs/sha256/" + digest[:2] + "/" + digest, nil
}

// checkIdentity makes sure that the three names are safe as names of folders.
func checkIdentity(client string, version schema.Version, system string) error {
	if !clientName.MatchString(client) {
		return fmt.Errorf("client %.80q: want 1 to 63 of A-Z a-z 0-9 . _ -", client)
	}
	if err := CheckPath(client); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if version.IsZero() {
		return errors.New("version: is missing")
	}
	if system != "windows" && system != "linux" {
		return fmt.Errorf("system %.80q: want windows or linux", system)
	}
	return nil
}

// String names the release for people, for instance "viewer 5.8.1 for windows".
func (r Ref) String() string { return fmt.Sprintf("%s %s for %s", r.Client, r.Version, r.System) }

// Ref pins the index whose encoding is data.
func (i *Index) Ref(data []byte) Ref {
	return Ref{Client: i.Client, Version: i.Version, System: i.System, SHA256: Digest(data), Size: i.Size()}
}
