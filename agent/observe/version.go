package observe

import (
	"errors"
	"fmt"
	"os"

	"lull/internal/fileversion"
	"lull/schema"
)

// ErrNeedsCommand means that a version is read by a command, which Version does not run.
var ErrNeedsCommand = errors.New("the version is read by a command")

// Version reads the installed version below dir as src says, cut to its parts. It fails with ErrNeedsCommand, with
// fileversion.ErrNone, or with what kept the file from being read; a file that is not there is fs.ErrNotExist.
func Version(dir string, src schema.VersionSource) (schema.Version, error) {
	name, read := src.File, textOf
	switch {
	case src.FileVersion != "":
		name, read = src.FileVersion, programOf
	case src.File == "":
		return schema.Version{}, ErrNeedsCommand
	}
	f, err := open(dir, name)
	if err != nil {
		return schema.Version{}, fmt.Errorf("read version of %s: %w", dir, err)
	}
	defer f.Close()
	v, err := read(f)
	if err != nil {
		return schema.Version{}, fmt.Errorf("read version of %s: %s: %w", dir, name, err)
	}
	return v.Cut(src.Parts), nil
}

func textOf(f *os.File) (schema.Version, error)    { return fileversion.Text(f) }
func programOf(f *os.File) (schema.Version, error) { return fileversion.Program(f) }
