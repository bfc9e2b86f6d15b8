package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"lull/internal/release"
)

// settled is the age from which a file's stamp is trusted: a file that was written in the very tick in which it was
// read may change once more without getting a new stamp. FAT counts in steps of two seconds.
const settled = 2 * time.Second

// hashed is a remembered hash and the stamp of the file that had it.
type hashed struct {
	stamp stamp
	sum   string
}

// matches reads the file from the disk and compares it with the index. A file that is missing or no file does not match.
func matches(ctx context.Context, p place, want release.File) (bool, error) {
	sum, size, err := hashFile(ctx, p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && size == want.Size && sum == want.SHA256, err
}

// matchesCached is matches for a look that changes nothing: a file whose stamp did not change is not read again.
func (i *Installation) matchesCached(ctx context.Context, p place, want release.File) (bool, error) {
	before, err := stampOf(p.String())
	if err != nil || before.Size != want.Size {
		return false, ignoreMissing(err)
	}
	if known, ok := i.hashes[p.String()]; ok && known.stamp == before {
		return known.sum == want.SHA256, nil
	}
	sum, _, err := hashFile(ctx, p)
	if err != nil {
		return false, ignoreMissing(err)
	}
	if i.trusted(before) {
		i.hashes[p.String()] = hashed{before, sum}
	}
	return sum == want.SHA256, nil
}

func (i *Installation) trusted(s stamp) bool {
	limit := i.options.Now().Add(-settled).UnixNano()
	return s.Written < limit && s.Changed < limit
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func hashFile(ctx context.Context, p place) (sum string, size int64, err error) {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	f, err := openRegular(r, p.path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, reader{ctx, f})
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
