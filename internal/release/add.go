package release

import (
	"context"
	"errors"
	"fmt"

	"lull/internal/release/pack"
	"lull/schema"
)

// Added is what Add made.
type Added struct {
	Ref
	Files     int
	Stripped  string // the single top-level folder that was taken off every path, if one was
	Unchanged bool   // exactly this release was stored before
}

// Add puts a release into the store from a folder, a zip, a tar or a tar.gz, which is told by content. It succeeds as a
// whole, or the list of releases stays as it was. Empty folders are not part of a release. Where everything lies in one
// top-level folder and the programs that the Client names are found below it only, that folder is taken off. Adding a
// release again changes nothing; adding another content under its version is refused, and so is a package whose own
// version, read as agents will read it, is not the described one.
func (s *Store) Add(ctx context.Context, from string, d Description) (Added, error) {
	added, err := s.add(ctx, from, d)
	if err != nil {
		return Added{}, fmt.Errorf("add %s: %w", from, err)
	}
	return added, nil
}

func (s *Store) add(ctx context.Context, from string, d Description) (added Added, err error) {
	if err := s.admit(d); err != nil {
		return Added{}, err
	}
	src, err := pack.Open(from)
	if err != nil {
		return Added{}, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	in := &intake{
		store: s, progress: d.Progress, total: src.Size, packed: src.Packed,
		seen: make(map[string]string), buffer: make([]byte, copyBuffer),
	}
	if err := src.Each(ctx, in.take); err != nil {
		return Added{}, err
	}
	index := d.index(in.files)
	added.Stripped = d.strip(index)
	d.describe(index)
	if err := index.Validate(); err != nil {
		return Added{}, err
	}
	if err := s.flush(in.folders()...); err != nil {
		return Added{}, err
	}
	added.Files = len(index.Files)
	added.Ref, added.Unchanged, err = s.commit(ctx, index, index.Encode())
	return added, err
}

// admit refuses what can be refused before anything is read.
func (s *Store) admit(d Description) error {
	if err := checkIdentity(d.Client, d.Version, d.System); err != nil {
		return err
	}
	if m := d.method(); m != schema.MethodTree {
		return fmt.Errorf("method %s: this build installs with method %s alone", m, schema.MethodTree)
	}
	refs, err := s.List()
	if err != nil {
		return err
	}
	for _, old := range refs {
		if err := spelling(old, d.Client, d.Version); err != nil {
			return err
		}
	}
	return nil
}
