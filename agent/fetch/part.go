package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"lull/internal/durable"
	"lull/internal/release"
)

const (
	partSuffix = ".part"
	copyBuffer = 128 << 10
	leftover   = 2 // pieces that an earlier Fetch left: nobody knows from how many answers
)

// Fetch writes one file of a release to dst and returns when it is whole, verified and flushed. What arrives is kept in
// dst+".part", from which a later Fetch goes on after Unavailable or a cancellation; after Corrupt it is deleted. The
// mode of the file is the caller's to set. Only one Fetch at a time may write to dst.
func (s *Source) Fetch(ctx context.Context, f release.File, dst string) error {
	if err := s.fetch(ctx, f, dst); err != nil {
		return fmt.Errorf("fetch %s: %w", f.Path, err)
	}
	return nil
}

func (s *Source) fetch(ctx context.Context, f release.File, dst string) error {
	name, err := release.BlobPath(f.SHA256)
	if err != nil {
		return err
	}
	if f.Size < 0 || f.Size > release.MaxFileSize {
		return fmt.Errorf("size %d: want 0 to %d", f.Size, int64(release.MaxFileSize))
	}
	p, err := openPart(ctx, dst+partSuffix, f)
	if err != nil {
		return err
	}
	err = s.try(ctx, func() (bool, error) {
		err := s.advance(ctx, name, p)
		return p.further(), err
	})
	if err != nil {
		return p.abandon(err)
	}
	return p.finish(dst)
}

// advance brings the part to its end and verifies it, or as far as it gets.
func (s *Source) advance(ctx context.Context, name string, p *part) error {
	if p.size < p.want.Size {
		if err := s.download(ctx, name, p); err != nil {
			return err
		}
	}
	return p.verify()
}

func (s *Source) download(ctx context.Context, name string, p *part) error {
	watch := watch(ctx, s.stall)
	defer watch.stop()
	b, err := s.origin.open(watch.ctx, name, p.size, p.etag)
	if err != nil {
		return watch.explain(err)
	}
	defer b.Close()
	if b.size >= 0 && b.size != p.want.Size {
		return mismatch(b.page, fmt.Sprintf("%d bytes", p.want.Size), fmt.Sprintf("%d bytes", b.size))
	}
	if err := p.begin(b); err != nil {
		return err
	}
	left := p.want.Size - p.size
	_, err = io.CopyBuffer(p, watch.reader(io.LimitReader(b, left+1)), make([]byte, min(copyBuffer, left+1)))
	switch {
	case p.broken != nil:
		return p.broken
	case p.size > p.want.Size:
		return mismatch(b.page, fmt.Sprintf("%d bytes", p.want.Size), "more")
	case p.size == p.want.Size:
		return nil
	case err == nil:
		err = io.ErrUnexpectedEOF
	}
	return watch.explain(&Unavailable{Err: err})
}

// part is a file on its way.
type part struct {
	file     *os.File
	want     release.File
	hash     hash.Hash // of what the file holds
	size     int64     // of what the file holds
	farthest int64     // that size ever was
	etag     string    // of the source's file that it comes from
	pieces   int       // how many answers it was put together from
	broken   error     // why the disk did not take it
}

// openPart opens what an earlier Fetch left, and hashes it.
func openPart(ctx context.Context, name string, want release.File) (*part, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{file: file, want: want, hash: sha256.New()}
	begun := &stoppable{ctx, io.LimitReader(file, want.Size+1)}
	p.size, err = io.CopyBuffer(p.hash, begun, make([]byte, min(copyBuffer, want.Size+1)))
	if err == nil && p.size > want.Size {
		err = p.restart()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if p.size > 0 {
		p.pieces = leftover
	}
	p.farthest = p.size
	return p, nil
}

// begin makes ready for a body, which goes on where the part ends or begins anew.
func (p *part) begin(b *body) error {
	if b.offset != p.size {
		if err := p.restart(); err != nil {
			return err
		}
	}
	p.etag = b.etag
	p.pieces++
	return nil
}

func (p *part) restart() error {
	p.hash.Reset()
	p.size, p.pieces = 0, 0
	_, err := p.file.Seek(0, io.SeekStart)
	return errors.Join(p.file.Truncate(0), err)
}

func (p *part) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	p.hash.Write(data[:n])
	p.size += int64(n)
	p.broken = err
	return n, err
}

// further reports whether the part is longer than it ever was.
func (p *part) further() bool {
	further := p.size > p.farthest
	p.farthest = max(p.farthest, p.size)
	return further
}

// verify compares the hash. A part that was put together from several answers may be made of two files; it is tried
// once more in one piece before the source is blamed.
func (p *part) verify() error {
	got := hex.EncodeToString(p.hash.Sum(nil))
	if got == p.want.SHA256 {
		return nil
	}
	wrong := &Corrupt{Want: "sha256 " + p.want.SHA256, Got: "sha256 " + got}
	if p.pieces < 2 {
		return wrong
	}
	return errors.Join(&Unavailable{Err: wrong}, p.restart())
}

// abandon keeps what another Fetch can use.
func (p *part) abandon(err error) error {
	closed := p.file.Close()
	var wrong *Corrupt
	if p.size == 0 || errors.As(err, &wrong) {
		closed = errors.Join(closed, os.Remove(p.file.Name()))
	}
	return errors.Join(err, closed)
}

// finish gives the part its name, durably.
func (p *part) finish(dst string) error {
	if err := p.file.Sync(); err != nil {
		return errors.Join(err, p.file.Close())
	}
	if err := p.file.Close(); err != nil {
		return err
	}
	return durable.Rename(p.file.Name(), dst)
}

// stoppable ends a copy when its context ends.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(p)
}
