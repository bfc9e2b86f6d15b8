package manifests

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

const (
	settle   = 50 * time.Millisecond // between two reads that must agree
	maxReads = 40                    // two seconds of a folder that never stands still
)

// folderPlace is a folder of manifests, or one file.
type folderPlace struct {
	root   string // absolute
	prefix string
	last   string // the revision that was read last
	dirs   []string
}

// look reads the folder. A revision that was not seen before must be read twice in a row, so that one that is only half
// written is not taken.
func (f *folderPlace) look(ctx context.Context, tried string) (*listing, error) {
	for range maxReads {
		l, err := f.read()
		if err != nil {
			return nil, err
		}
		if l.revision == f.last && l.revision == tried {
			return nil, nil
		}
		if l.revision == f.last {
			return l, nil
		}
		f.last = l.revision
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settle):
		}
	}
	return nil, fmt.Errorf("read folder %s: it changes faster than it can be read", f.root)
}

// folders are all that were read, and the one above, where a link or a rename puts another folder in place of this one.
func (f *folderPlace) folders() []string { return append([]string{filepath.Dir(f.root)}, f.dirs...) }

func (f *folderPlace) read() (*listing, error) {
	r := folderReader{root: f.root, listing: listing{prefix: f.prefix}}
	info, err := os.Stat(f.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read %s: it does not exist", f.root)
	case err != nil:
		return nil, err
	case info.IsDir():
		err = r.folder("", 0)
	default:
		err = r.file("", info.Mode())
	}
	if errors.Is(err, errTooMuch) {
		r.listing.errors = tooMuch(&r.listing)
	} else if err != nil {
		return nil, err
	}
	f.dirs = r.dirs
	r.listing.revision = r.listing.fingerprint()
	return &r.listing, nil
}

// fingerprint is the revision of what was read together with the content.
func (l *listing) fingerprint() string {
	sum := sha256.New()
	for _, it := range l.items {
		fmt.Fprintf(sum, "%s %s\n", it.id, it.name)
	}
	for _, err := range l.errors {
		fmt.Fprintf(sum, "error %v\n", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// folderReader is one pass over a folder.
type folderReader struct {
	root    string
	listing listing
	dirs    []string
	total   int64
}

// folder reads the folder at a relative path, in the order of names.
func (r *folderReader) folder(rel string, depth int) error {
	if len(r.dirs) == maxFolders {
		return errTooMuch
	}
	dir := filepath.Join(r.root, filepath.FromSlash(rel))
	r.dirs = append(r.dirs, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := r.entry(path.Join(rel, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *folderReader) entry(name string, e fs.DirEntry, depth int) error {
	switch {
	case isHidden(e.Name()):
		return nil
	case e.IsDir() && depth == maxDepth:
		r.refuse(name, fmt.Sprintf("more than %d folders in each other", maxDepth), "put manifests higher")
		return nil
	case e.IsDir():
		return r.folder(name, depth+1)
	case e.Type()&fs.ModeSymlink != 0:
		return r.link(name)
	case isManifest(name):
		return r.file(name, e.Type())
	}
	return nil
}

// link follows a link to a file, which is how config maps are mounted, and none to a folder, which could lead in circles.
func (r *folderReader) link(name string) error {
	info, err := os.Stat(filepath.Join(r.root, filepath.FromSlash(name)))
	switch {
	case errors.Is(err, fs.ErrNotExist) && isManifest(name):
		r.refuse(name, "the link leads nowhere", "remove it, or put the file where it leads")
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		r.refuse(name, "links to folders are not followed", "put the folder itself here")
		return nil
	case isManifest(name):
		return r.file(name, info.Mode())
	}
	return nil
}

// file reads one file; the empty name is the root itself. What is beyond the bounds of a revision is not read, since its
// size alone will be refused, and only a regular file is opened, since a pipe would wait for its other end.
func (r *folderReader) file(name string, mode fs.FileMode) error {
	if len(r.listing.items) > maxFiles {
		return errTooMuch
	}
	if !mode.IsRegular() {
		r.refuse(name, "this is no regular file", "keep only files and folders here")
		return nil
	}
	f, err := os.Open(filepath.Join(r.root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() > maxFileSize || r.total+info.Size() > maxTotalSize:
		r.total += info.Size()
		r.listing.items = append(r.listing.items, item{name: name, id: fmt.Sprint(info.Size(), " bytes"), size: info.Size()})
		return nil
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return fmt.Errorf("read %s: %w: it changed while it was read", f.Name(), err)
	}
	r.total += info.Size()
	sum := sha256.Sum256(data)
	r.listing.items = append(r.listing.items, item{name: name, id: hex.EncodeToString(sum[:]), size: info.Size(), data: data})
	return nil
}

func (r *folderReader) refuse(name, message, hint string) {
	r.listing.errors = append(r.listing.errors, refuse(r.listing.prefix+name, message, hint))
}
