package release

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"lull/internal/fileversion"
	"lull/schema"
)

// checkVersion compares the version that agents will read from the installed files with the one that the index claims.
// A version that a command prints is not compared: nothing of a package runs here.
func (s *Store) checkVersion(index *Index) error {
	f, ok := index.File(cmp.Or(index.Read.FileVersion, index.Read.File))
	if !ok {
		return nil // by command
	}
	read, err := s.readVersion(index, f)
	if ours := (*fs.PathError)(nil); errors.As(err, &ours) {
		return fmt.Errorf("read the version from %s: %w", f.Path, err)
	}
	if err != nil {
		return unfitf("read the version from %s: %w", f.Path, err)
	}
	if cut := read.Cut(index.Read.Parts); !cut.Equal(index.Version) {
		return unfitf("%s says version %s (%s of it counts), not %s; add it as version %s", f.Path, read, cut, index.Version, cut)
	}
	return nil
}

func (s *Store) readVersion(index *Index, f File) (v schema.Version, err error) {
	blob, err := s.Blob(f.SHA256)
	if err != nil {
		return v, err
	}
	file, err := os.Open(blob)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if index.Read.File != "" {
		return fileversion.Text(file)
	}
	return fileversion.Program(file)
}
