package pack

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
)

// zipEncrypted is a general purpose flag of an entry: APPNOTE.TXT 4.4.4.
const zipEncrypted = 1 << 0

func openZip(archive io.ReaderAt, size int64) (*Package, error) {
	z, err := zip.NewReader(archive, size)
	if err != nil {
		return nil, fmt.Errorf("read zip: %w", err)
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("read zip: has more than %d entries", maxEntries)
	}
	var claimed uint64 // each bounded, so that the sum cannot overflow
	for _, f := range z.File {
		claimed += min(f.UncompressedSize64, 1<<40)
	}
	each := func(ctx context.Context, visit Visitor) error { return eachEntry(ctx, z, visit) }
	return &Package{Size: int64(claimed), each: each}, nil
}

func eachEntry(ctx context.Context, z *zip.Reader, visit Visitor) error {
	for _, f := range z.File {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if f.Mode().IsDir() {
			continue
		}
		if err := visitEntry(f, visit); err != nil {
			return err
		}
	}
	return nil
}

func visitEntry(f *zip.File, visit Visitor) (err error) {
	if f.Flags&zipEncrypted != 0 {
		return fmt.Errorf("%q: is encrypted; unpack it and add the folder", f.Name)
	}
	if !f.Mode().IsRegular() {
		return visit(f.Name, f.Mode(), nil)
	}
	content, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fmt.Errorf("%q: is compressed by method %d, which this build does not know; unpack it and add the folder", f.Name, f.Method)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	return visit(f.Name, f.Mode(), content)
}
