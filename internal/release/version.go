package release

import (
	"bufio"
	"cmp"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"

	"lull/schema"
)

const (
	maxLine      = 4 << 10  // bytes of a version file's first line
	maxResources = 64 << 20 // bytes of a program's resources: icons and texts, rarely above one megabyte
)

// dotted is the first dotted number of a line, with a pre-release marker where one follows.
var dotted = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)+(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?`)

// TextVersion finds the version in what a version file or a version command gives: the first dotted number in the first
// line. It reads no more than that line, of at most 4 KiB.
func TextVersion(r io.Reader) (schema.Version, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(r, maxLine), maxLine).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return schema.Version{}, err
	}
	found := dotted.FindString(line)
	if found == "" {
		return schema.Version{}, fmt.Errorf("no dotted number in the first line %.40q", line)
	}
	return schema.ParseVersion(found)
}

// FileVersion reads the four numbers of the file version in a Windows program's version resource.
func FileVersion(r io.ReaderAt, size int64) (v schema.Version, err error) {
	defer func() {
		if broken := recover(); broken != nil { // the library trusts the file's own offsets
			err = fmt.Errorf("the version resource is damaged: %v", broken)
		}
	}()
	if err := boundResources(r); err != nil {
		return schema.Version{}, err
	}
	resources, err := winres.LoadFromEXE(io.NewSectionReader(r, 0, size))
	if err != nil {
		return schema.Version{}, fmt.Errorf("read the version resource: %w", err)
	}
	var info *version.Info
	resources.WalkType(winres.RT_VERSION, func(_ winres.Identifier, _ uint16, data []byte) bool {
		info, err = version.FromBytes(data)
		return false
	})
	if err != nil {
		return schema.Version{}, fmt.Errorf("read the version resource: %w", err)
	}
	if info == nil {
		return schema.Version{}, errors.New("has no version resource")
	}
	n := info.FileVersion
	return schema.ParseVersion(fmt.Sprintf("%d.%d.%d.%d", n[0], n[1], n[2], n[3]))
}

// boundResources refuses a program whose resources would not fit into memory.
func boundResources(r io.ReaderAt) error {
	program, err := pe.NewFile(r)
	if err != nil {
		return fmt.Errorf("is not a Windows program: %w", err)
	}
	for _, section := range program.Sections {
		if section.Name == ".rsrc" && section.Size > maxResources {
			return fmt.Errorf("has %d bytes of resources, the limit is %d", section.Size, maxResources)
		}
	}
	return nil
}

// checkVersion compares the version that agents will read from the installed files with the one that the index claims.
// A version that a command prints is not compared: nothing of a package runs here.
func (s *Store) checkVersion(index *Index) error {
	f, ok := index.File(cmp.Or(index.Read.FileVersion, index.Read.File))
	if !ok {
		return nil // by command
	}
	read, err := s.readVersion(index, f)
	if err != nil {
		return fmt.Errorf("read the version from %s: %w", f.Path, err)
	}
	if cut := read.Cut(index.Read.Parts); !cut.Equal(index.Version) {
		return fmt.Errorf("%s says version %s (%s of it counts), not %s; add it as version %s", f.Path, read, cut, index.Version, cut)
	}
	return nil
}

func (s *Store) readVersion(index *Index, f File) (v schema.Version, err error) {
	blob, err := s.Blob(f.SHA256)
	if err != nil {
		return v, err
	}
	file, err := os.Open(blob)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if index.Read.File != "" {
		return TextVersion(file)
	}
	return FileVersion(file, f.Size)
}
