package observe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// maxFolder bounds how many names of one folder are read to find one without case.
const maxFolder = 100_000

var errNotRegular = errors.New("it is not an ordinary file")

// open opens an ordinary file below a folder by its path with either kind of slash, in any case. A link that leads out
// of the folder is refused by os.Root.
func open(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	real, err := findName(root, slashed(name))
	if err != nil {
		return nil, err
	}
	// Without O_NONBLOCK a pipe would hold the agent until somebody writes to it.
	f, err := root.OpenFile(real, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: %w", name, errNotRegular)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// slashed is a relative path of a manifest with slashes, which os.Root takes on every system.
func slashed(name string) string { return path.Clean(strings.ReplaceAll(name, `\`, "/")) }

// findName is the real spelling of a path below root. An exact match comes first, then the first of the others.
func findName(root *os.Root, name string) (string, error) {
	if _, err := root.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return name, err
	}
	real := "."
	for part := range strings.SplitSeq(name, "/") {
		found, err := matchName(root, real, part)
		if err != nil {
			return "", err
		}
		real = path.Join(real, found)
	}
	return real, nil
}

func matchName(root *os.Root, dir, name string) (string, error) {
	d, err := root.Open(dir)
	if err != nil {
		return "", err
	}
	defer d.Close()
	names, err := d.Readdirnames(maxFolder)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	best := ""
	for _, n := range names {
		if n == name {
			return n, nil
		}
		if strings.EqualFold(n, name) && (best == "" || n < best) {
			best = n
		}
	}
	if best == "" {
		return "", &fs.PathError{Op: "open", Path: path.Join(dir, name), Err: fs.ErrNotExist}
	}
	return best, nil
}
