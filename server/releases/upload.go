package releases

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"lull/internal/release"
)

// ErrUpload means that a stream is no upload of a release; what it wraps says why.
var ErrUpload = errors.New("the upload was refused")

// Receive reads an upload into store: a tar stream with the index (index.json, in any folder) first, then blobs by
// their path in the store, of which those that the store has already may be left out. The release is part of the store
// when Receive returns, and nothing of it is before. What is wrong with the stream or in it is ErrUpload; any other error is
// about this computer, and names its files.
func Receive(ctx context.Context, store *release.Store, stream io.Reader) (release.Ref, error) {
	archive := tar.NewReader(stream)
	data, index, err := readIndex(archive)
	if err != nil {
		return release.Ref{}, fmt.Errorf("%w: %w", ErrUpload, err)
	}
	sizes := make(map[string]int64, len(index.Files))
	for _, f := range index.Files {
		sizes[f.SHA256] = f.Size
	}
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return release.Ref{}, fmt.Errorf("%w: %w", ErrUpload, err)
		}
		if err := receiveBlob(ctx, store, sizes, header, archive); err != nil {
			return release.Ref{}, refuse(fmt.Errorf("%s: %w", header.Name, err))
		}
	}
	ref, err := store.PutIndex(ctx, data)
	return ref, refuse(err)
}

// refuse makes an ErrUpload of what is wrong with an upload, and leaves other errors as they are.
func refuse(err error) error {
	if errors.Is(err, release.ErrRefused) || errors.Is(err, release.ErrUnfit) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errForeign) {
		return fmt.Errorf("%w: %w", ErrUpload, err)
	}
	return err
}

var errForeign = errors.New("no blob of this release's index")

func readIndex(archive *tar.Reader) ([]byte, *release.Index, error) {
	header, err := archive.Next()
	if err != nil {
		return nil, nil, err
	}
	if path.Base(header.Name) != "index.json" || header.Size > release.MaxIndexSize {
		return nil, nil, fmt.Errorf("the first entry is not an index.json of at most %d bytes", release.MaxIndexSize)
	}
	data, err := io.ReadAll(archive)
	if err != nil {
		return nil, nil, err
	}
	index, err := release.ParseIndex(data)
	return data, index, err
}

// receiveBlob stores one entry, which must be a file that the index names.
func receiveBlob(ctx context.Context, store *release.Store, sizes map[string]int64, header *tar.Header, content io.Reader) error {
	digest := path.Base(header.Name)
	size, wanted := sizes[digest]
	if name, err := release.BlobPath(digest); err != nil || !wanted || name != header.Name || header.Size != size {
		return errForeign
	}
	return store.PutBlob(ctx, digest, size, content)
}
