package install

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"lull/internal/durable"
)

// fsys is every change that the engine makes to a disk, and nothing else: tests put faults into each of them.
type fsys interface {
	mkdir(p place) error                                     // fine if the folder is there
	copy(from, to place) error                               // whole, with its time, flushed; replaces
	rename(root, from, to string) error                      // of a file below root; not flushed; replaces a file
	move(from, to string) error                              // of a folder or file; flushed
	exchanges(folder string) bool                            // whether exchange works for folders in folder
	exchange(a, b string) error                              // two folders, in one step, flushed
	remove(p place) error                                    // one file or empty folder
	write(file string, data []byte) error                    // whole, flushed; replaces
	flush(name string) error                                 // a file, or the names in a folder
	like(p place, counterpart string, executable bool) error // owner, mode, access list; see system.like
	hold(program place) (held, error)                        // one program of the gate
}

// held is a program that can neither run nor be started.
type held interface {
	// fence renames the program aside without letting it go.
	fence() error
	Close() error
}

// system is the fsys of the machine.
type system struct{}

func (system) mkdir(p place) error {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.MkdirAll(filepath.FromSlash(p.path), 0o700)
}

func (system) remove(p place) error {
	r, err := os.OpenRoot(p.root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Remove(filepath.FromSlash(p.path))
}

func (system) rename(root, from, to string) error {
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

func (system) move(from, to string) error { return durable.Rename(from, to) }

func (system) write(file string, data []byte) error { return durable.WriteFile(file, data, 0o600) }

func (system) flush(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return durable.SyncFolder(name)
	}
	return durable.SyncFile(name)
}

// copy goes through a temporary name beside to, so that to is never a part of a file.
func (system) copy(from, to place) (err error) {
	source, err := os.OpenRoot(from.root)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenRoot(to.root)
	if err != nil {
		return err
	}
	defer target.Close()
	in, err := openRegular(source, from.path)
	if err != nil {
		return err
	}
	defer in.Close()
	part := filepath.FromSlash(to.part().path)
	if err := fill(target, part, in); err != nil {
		return errors.Join(err, removePart(target, part))
	}
	return target.Rename(part, filepath.FromSlash(to.path))
}

// fill makes the file name a flushed copy of in: sharing its blocks where the file system can, with the same time. It
// must be a new file: a link that a user has left under this name would lead the copy into another file.
func fill(target *os.Root, name string, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := removePart(target, name); err != nil {
		return err
	}
	out, err := target.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = clone(out, in)
	if err != nil {
		_, err = io.Copy(out, in)
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return target.Chtimes(name, info.ModTime(), info.ModTime())
}

func removePart(r *os.Root, name string) error {
	if err := r.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openRegular opens a file for reading without ever waiting for a named pipe that somebody put in its place.
func openRegular(r *os.Root, name string) (*os.File, error) {
	f, err := r.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// stamp is what changes when a file does, as far as one can see without reading it. Times are Unix nanoseconds.
type stamp struct {
	Size    int64 `json:"size"`
	Written int64 `json:"written"`
	Changed int64 `json:"changed"` // when content, name or attributes last changed, which no program sets at will
}
