package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"lull/internal/durable"
)

// copyBuffer is large enough that hashing, not the number of calls, is what copying costs.
const copyBuffer = 128 << 10

// Blob is the path of the file with this SHA-256. It says nothing about whether the file is there; a blob that is there
// is whole and is never changed.
func (s *Store) Blob(digest string) (string, error) {
	name, err := BlobPath(digest)
	if err != nil {
		return "", err
	}
	return s.path(name), nil
}

// Missing lists the files of an index whose content the store does not hold, each content once.
func (s *Store) Missing(index *Index) []File {
	var missing []File
	seen := make(map[string]bool, len(index.Files))
	for _, f := range index.Files {
		if !seen[f.SHA256] && !s.holds(f.SHA256, f.Size) {
			missing = append(missing, f)
		}
		seen[f.SHA256] = true
	}
	return missing
}

func (s *Store) holds(digest string, size int64) bool {
	file, err := s.Blob(digest)
	if err != nil {
		return false
	}
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// PutBlob stores one file of an upload and returns when it is flushed. It reads at most size+1 bytes and refuses what
// is not exactly size bytes with this digest: ErrUnfit. Of a blob that is there it reads nothing.
func (s *Store) PutBlob(ctx context.Context, digest string, size int64, r io.Reader) error {
	name, err := BlobPath(digest)
	if err != nil {
		return err
	}
	if size < 0 || size > s.limits.file {
		return unfitf("blob %s: size %d: want 0 to %d", digest, size, s.limits.file)
	}
	if s.holds(digest, size) {
		return nil
	}
	draft, err := s.draft(&contextReader{ctx, io.LimitReader(r, size+1)}, make([]byte, min(copyBuffer, size+1)))
	if err != nil {
		return fmt.Errorf("blob %s: %w", digest, err)
	}
	if draft.size != size || draft.digest != digest {
		return errors.Join(unfitf("blob %s: got %d bytes with sha256 %s, want %d bytes; send it again",
			digest, draft.size, draft.digest, size), draft.discard())
	}
	if err := s.keep(draft); err != nil {
		return fmt.Errorf("blob %s: %w", digest, err)
	}
	return s.flush(path.Dir(name))
}

// draft is a file that was copied into the store and has no name there yet.
type draft struct {
	file   *os.File
	digest string
	size   int64
	head   [4]byte // the first bytes, which tell programs from data
}

// draft copies r to the end through buffer. The file is closed and removed by keep or discard.
func (s *Store) draft(r io.Reader, buffer []byte) (*draft, error) {
	f, err := os.CreateTemp(s.path(incoming), "*")
	if err != nil {
		return nil, err
	}
	d := &draft{file: f}
	n, err := io.ReadFull(r, d.head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(err, d.discard())
	}
	hash := sha256.New()
	both := io.MultiWriter(f, hash)
	_, err = both.Write(d.head[:n])
	d.size = int64(n)
	if err == nil && n == len(d.head) {
		var more int64
		more, err = io.CopyBuffer(both, r, buffer)
		d.size += more
	}
	if err != nil {
		return nil, errors.Join(err, d.discard())
	}
	d.digest = hex.EncodeToString(hash.Sum(nil))
	return d, nil
}

func (d *draft) discard() error { return errors.Join(d.file.Close(), os.Remove(d.file.Name())) }

// keep gives a draft its name, unless the store has the content already. The name is on disk after flush.
func (s *Store) keep(d *draft) error {
	if s.holds(d.digest, d.size) {
		return d.discard()
	}
	to, err := s.Blob(d.digest)
	if err != nil {
		return errors.Join(err, d.discard())
	}
	if err := d.file.Chmod(0o644); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return errors.Join(err, d.discard())
	}
	if err := errors.Join(d.file.Sync(), os.MkdirAll(filepath.Dir(to), 0o755)); err != nil {
		return errors.Join(err, d.discard())
	}
	if err := d.file.Close(); err != nil {
		return errors.Join(err, os.Remove(d.file.Name()))
	}
	err = os.Rename(d.file.Name(), to)
	if err == nil {
		return nil
	}
	if s.holds(d.digest, d.size) {
		err = nil // another upload was first, and on Windows perhaps somebody reads its blob
	}
	return errors.Join(err, os.Remove(d.file.Name()))
}

// flush makes the names in folders of the layout, and the folders' own names, survive a power cut.
func (s *Store) flush(folders ...string) error {
	done := make(map[string]bool)
	for _, folder := range folders {
		for ; !done[folder]; folder = path.Dir(folder) {
			done[folder] = true
			if err := durable.SyncFolder(s.path(folder)); err != nil {
				return err
			}
		}
	}
	return nil
}

// contextReader ends a copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
