package idle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// programsAge is how long the list of a folder's programs is believed: it serves the rare process that hides its image
// or shows another path, and walking a large tree every few seconds would cost more than the scan.
const programsAge = time.Minute

// maxEntries bounds the walk through a folder: a hundred times a large client, and seconds rather than minutes.
const maxEntries = 200_000

// shortName is how much of a name the list of Linux processes keeps.
const shortName = 15

// programs are the program files below one folder, by folded name.
type programs struct {
	files map[string][]fs.FileInfo
	short map[string]bool // folded names as Linux lists them
	at    time.Time
}

// named reports whether a process of that name may run one of the programs.
func (p programs) named(process string) bool {
	name := fold(process)
	return len(p.files[name]) > 0 || len(process) == shortName && p.short[name]
}

// programsOf is the programs of each folder, and what kept them from being listed.
func (s *Scanner) programsOf(folders []string) (all []programs, problem string) {
	for _, folder := range folders {
		p, ok := s.programs[folder]
		if age := s.now().Sub(p.at); !ok || age < 0 || age > programsAge {
			var err error
			if p, err = findPrograms(folder); err != nil {
				return all, fmt.Sprintf("list programs of %s: %v", folder, err)
			}
			p.at = s.now()
			s.programs[folder] = p
		}
		all = append(all, p)
	}
	return all, ""
}

var errTooManyFiles = errors.New("too many files: is this the folder of one program?")

// findPrograms walks a folder without following links. What vanishes meanwhile is no program.
func findPrograms(folder string) (programs, error) {
	p := programs{files: map[string][]fs.FileInfo{}, short: map[string]bool{}}
	entries := 0
	err := filepath.WalkDir(resolve(folder), func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return errTooManyFiles
		}
		if err == nil && d.Type().IsRegular() {
			err = p.add(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return p, err
}

// add looks at the file itself, because on Windows a folder's list need not hold the identity of its files.
func (p programs) add(path string) error {
	info, err := os.Lstat(path)
	if err != nil || !isProgram(info) {
		return err
	}
	name := fold(info.Name())
	p.files[name] = append(p.files[name], info)
	p.short[name[:min(len(name), shortName)]] = true
	return nil
}

// isProgram reports whether a file may become the image of a process, on this system or, by Wine, on another.
func isProgram(info fs.FileInfo) bool {
	switch strings.ToLower(filepath.Ext(info.Name())) {
	case ".exe", ".com", ".scr":
		return true
	}
	return info.Mode()&0o111 != 0
}
