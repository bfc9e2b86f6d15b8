package release

import (
	"fmt"
	"io"
	"io/fs"
	"path"
)

// limits of what one package may hold.
type limits struct {
	files int
	file  int64 // bytes of one file
	total int64 // bytes of all files
	ratio int64 // how often the archive's own size, once free bytes are passed
	free  int64
}

func defaultLimits() limits {
	// Installers shrink to a third or a fifth; a bomb grows by a thousand.
	return limits{files: MaxFiles, file: MaxFileSize, total: MaxTotalSize, ratio: 200, free: 64 << 20}
}

// intake copies the files of a package into the store and refuses what no release may hold.
type intake struct {
	store    *Store
	files    []File
	seen     map[string]string // by folded path
	done     int64
	total    int64
	packed   int64
	progress func(done, total int64)
	buffer   []byte
}

func (in *intake) take(name string, mode fs.FileMode, content io.Reader) error {
	if err := in.refuse(name, mode); err != nil {
		return err
	}
	bounded := &boundedReader{r: content, in: in}
	draft, err := in.store.draft(bounded, in.buffer)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f := File{Path: name, Size: draft.size, SHA256: draft.digest, Executable: executable(mode, draft.head)}
	if err := in.store.keep(draft); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	in.files = append(in.files, f)
	return nil
}

func (in *intake) refuse(name string, mode fs.FileMode) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	if !mode.IsRegular() {
		return fmt.Errorf("%s: is a link, a device or another special file (%s); a release holds plain files", name, mode.Type())
	}
	if other, ok := in.seen[Fold(name)]; ok {
		return fmt.Errorf("%s: comes twice, or is the same name as %s on a system that ignores case", name, other)
	}
	in.seen[Fold(name)] = name
	if len(in.files) == in.store.limits.files {
		return fmt.Errorf("has more than %d files", in.store.limits.files)
	}
	return nil
}

// folders of the layout that got new names.
func (in *intake) folders() []string {
	var folders []string
	for _, f := range in.files {
		if name, err := BlobPath(f.SHA256); err == nil {
			folders = append(folders, path.Dir(name))
		}
	}
	return folders
}

// executable goes by the x bits, and by what Linux itself looks at: archives made on Windows have no x bits.
func executable(mode fs.FileMode, head [4]byte) bool {
	return mode&0o111 != 0 || string(head[:]) == "\x7fELF" || string(head[:2]) == "#!"
}

// boundedReader counts one file and ends with an error once a limit is passed.
type boundedReader struct {
	r    io.Reader
	in   *intake
	size int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.size += int64(n)
	b.in.done += int64(n)
	limits := b.in.store.limits
	switch done := b.in.done; {
	case b.size > limits.file:
		return n, fmt.Errorf("is larger than %d bytes", limits.file)
	case done > limits.total:
		return n, fmt.Errorf("the package holds more than %d bytes", limits.total)
	case b.in.packed > 0 && done > limits.free && done/limits.ratio > b.in.packed:
		return n, fmt.Errorf("the package unpacks to more than %d times its size, which no real one does", limits.ratio)
	}
	if b.in.progress != nil {
		b.in.progress(b.in.done, max(b.in.total, 0))
	}
	return n, err
}
