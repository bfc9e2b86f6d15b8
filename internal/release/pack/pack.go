// Package pack reads packages: folders, zip, tar and tar.gz files, one stream for each file in them.
//
// Open tells the kind by content, never by name, and says what to do about kinds that this build does not take. A
// package is hostile until the contrary is shown: nothing is unpacked to where its names point, no link is followed,
// and links, devices and hard links are handed to the caller by their type and without content. The names and sizes
// that a package claims are handed on as claims; who visits its files checks the names and counts the bytes.
package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxEntries bounds what a list of files and folders can cost: twice the files that a release may have.
const maxEntries = 400_000

// Package is a folder or an archive. Close it after use.
type Package struct {
	// Size is about how many bytes all files have, or 0 where only unpacking tells.
	Size int64
	// Packed is the size of the archive in bytes, or 0 for a folder.
	Packed int64

	each  func(ctx context.Context, visit Visitor) error
	close func() error
}

// Visitor gets one file: its name as it stands in the package, with slashes, and its mode. Content is nil for what is
// neither a file nor a folder, and ends with the call.
type Visitor func(name string, mode fs.FileMode, content io.Reader) error

// Each visits every file, in the package's order, until one visit fails.
func (p *Package) Each(ctx context.Context, visit Visitor) error { return p.each(ctx, visit) }

// Close closes the package.
func (p *Package) Close() error { return p.close() }

// opener makes the Package of an archive of a size, without Packed and close.
type opener func(archive io.ReaderAt, size int64) (*Package, error)

// format is told by the bytes with which it begins.
type format struct {
	magic  string
	offset int
	open   opener
}

func formats() []format {
	return []format{
		{"PK\x03\x04", 0, openZip},
		{"PK\x05\x06", 0, openZip},
		{"\x1f\x8b", 0, openTarGzip},
		{"ustar", 257, openTar},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, refuseFormat("an MSI file")},
		{"MZ", 0, refuseFormat("a Windows program, perhaps an installer")},
		{"\x28\xb5\x2f\xfd", 0, refuseFormat("compressed with zstd")},
		{"\xfd7zXZ", 0, refuseFormat("compressed with xz")},
		{"BZh", 0, refuseFormat("compressed with bzip2")},
		{"7z\xbc\xaf", 0, refuseFormat("a 7z archive")},
		{"Rar!", 0, refuseFormat("a RAR archive")},
	}
}

var errFormat = errors.New("this build takes a folder, a zip, a tar or a tar.gz; unpack it and add the folder")

func refuseFormat(what string) opener {
	return func(io.ReaderAt, int64) (*Package, error) { return nil, fmt.Errorf("is %s: %w", what, errFormat) }
}

// Open opens a folder or an archive.
func Open(name string) (*Package, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(name)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is neither a file nor a folder", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	p, err := openArchive(f, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	p.Packed, p.close = info.Size(), f.Close
	return p, nil
}

func openArchive(f io.ReaderAt, size int64) (*Package, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, format := range formats() {
		if bytes.HasPrefix(head[min(format.offset, n):n], []byte(format.magic)) {
			return format.open(f, size)
		}
	}
	return nil, fmt.Errorf("is not a known kind of package: %w", errFormat)
}
