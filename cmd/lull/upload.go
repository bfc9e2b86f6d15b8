package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"lull/internal/release"
	"lull/internal/wire"
)

// upload builds a release in a temporary store on this computer and sends it as one tar stream: the index first, then
// each content once that the server does not have. The server checks everything again.
func upload(ctx context.Context, cmd *cobra.Command, c *connection, path string, d release.Description) (ref release.Ref, err error) {
	folder, err := os.MkdirTemp("", "lull-release-")
	if err != nil {
		return ref, err
	}
	defer os.RemoveAll(folder)
	if _, err := addTo(ctx, cmd, folder, path, d); err != nil {
		return ref, err
	}
	store, err := release.Open(folder)
	if err != nil {
		return ref, err
	}
	index, data, err := store.Index(d.Client, d.Version, d.System)
	if err != nil {
		return ref, err
	}
	var missing wire.Missing
	err = c.do(ctx, call{
		method: http.MethodPost, path: "/releases/missing", body: bytes.NewReader(data), header: http.Header{"Content-Type": {"application/json"}},
	}, &missing)
	if err != nil {
		return ref, err
	}
	stream, sink := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		sink.CloseWithError(writeUpload(sink, store, index, data, missing.Blobs, d.Progress))
	}()
	err = c.do(ctx, call{
		method: http.MethodPost, path: "/releases", body: stream, header: http.Header{"Content-Type": {"application/x-tar"}},
	}, &ref)
	stream.Close() // ends the writer, should the server have answered early
	<-written      // it reads from the folder that is removed now
	return ref, err
}

// writeUpload writes the index, byte for byte as data, and then the contents that are missing.
func writeUpload(w io.Writer, store *release.Store, index *release.Index, data []byte, missing []string, progress func(done, total int64)) error {
	archive := tar.NewWriter(w)
	if err := archive.WriteHeader(&tar.Header{Name: "index.json", Mode: 0o644, Size: int64(len(data))}); err != nil {
		return err
	}
	if _, err := archive.Write(data); err != nil {
		return err
	}
	files := toSend(index, missing)
	var done, total int64
	for _, f := range files {
		total += f.Size
	}
	for _, f := range files {
		if err := writeBlob(archive, store, f); err != nil {
			return err
		}
		done += f.Size
		progress(done, total)
	}
	return archive.Close()
}

// toSend picks the files of an index whose content is missing, each content once.
func toSend(index *release.Index, missing []string) []release.File {
	wanted := make(map[string]bool, len(missing))
	for _, digest := range missing {
		wanted[digest] = true
	}
	var files []release.File
	for _, f := range index.Files {
		if wanted[f.SHA256] {
			files = append(files, f)
		}
		delete(wanted, f.SHA256)
	}
	return files
}

func writeBlob(archive *tar.Writer, store *release.Store, f release.File) error {
	name, err := release.BlobPath(f.SHA256)
	if err != nil {
		return err
	}
	path, err := store.Blob(f.SHA256)
	if err != nil {
		return err
	}
	content, err := os.Open(path)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: f.Size}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, content); err != nil {
		return fmt.Errorf("send %s: %w", f.Path, err)
	}
	return nil
}
