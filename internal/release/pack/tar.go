package pack

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// readAhead makes few large reads of the many small ones of an archive's headers.
const readAhead = 128 << 10

func openTar(archive io.ReaderAt, size int64) (*Package, error) {
	each := func(ctx context.Context, visit Visitor) error {
		return eachHeader(ctx, tar.NewReader(bufio.NewReaderSize(io.NewSectionReader(archive, 0, size), readAhead)), visit)
	}
	return &Package{Size: size, each: each}, nil
}

func openTarGzip(archive io.ReaderAt, size int64) (*Package, error) {
	each := func(ctx context.Context, visit Visitor) error {
		z, err := gzip.NewReader(bufio.NewReaderSize(io.NewSectionReader(archive, 0, size), readAhead))
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		return eachHeader(ctx, tar.NewReader(z), visit)
	}
	return &Package{each: each}, nil
}

func eachHeader(ctx context.Context, archive *tar.Reader, visit Visitor) error {
	for range maxEntries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if err := visitHeader(header, archive, visit); err != nil {
			return err
		}
	}
	return fmt.Errorf("read tar: has more than %d entries", maxEntries)
}

func visitHeader(header *tar.Header, content io.Reader, visit Visitor) error {
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg, tar.TypeGNUSparse:
		return visit(strings.TrimPrefix(header.Name, "./"), fs.FileMode(header.Mode)&fs.ModePerm, content)
	}
	mode := header.FileInfo().Mode()
	if mode.IsRegular() {
		mode = fs.ModeIrregular // a hard link has the mode of its target
	}
	return visit(header.Name, mode, nil)
}
