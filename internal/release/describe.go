package release

import (
	"slices"
	"strings"

	"lull/schema"
)

// Description says what a package is, before it is looked into.
type Description struct {
	Client   string
	Version  schema.Version
	System   string          // windows or linux
	Platform schema.Platform // of the Client manifest for System; its programs, patterns and method go into the index
	Notes    string          // optional, for people
	// Progress is told how many bytes are done, and how many there are or 0 while nobody knows. Optional.
	Progress func(done, total int64)
}

func (d Description) method() schema.Method {
	if d.Platform.Method == "" {
		return schema.MethodTree
	}
	return d.Platform.Method
}

// index is the index of files without what it says about them. Whether a file is executable means nothing on Windows.
func (d Description) index(files []File) *Index {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if d.System == "windows" {
		for k := range files {
			files[k].Executable = false
		}
	}
	return &Index{Client: d.Client, Version: d.Version, System: d.System, Method: d.method(), Files: files, Notes: d.Notes}
}

// describe copies what the Client manifest says into the index, with every path as the package spells it.
func (d Description) describe(index *Index) {
	p := d.Platform
	sp := speller{d, make(map[string]string, len(index.Files))}
	for _, f := range index.Files {
		sp.names[Fold(f.Path)] = f.Path
	}
	index.Start = sp.paths(p.Start)
	for _, pattern := range p.Keep {
		index.Keep = append(index.Keep, d.slashes(pattern))
	}
	index.Read = schema.VersionSource{
		FileVersion: sp.path(p.Version.FileVersion),
		File:        sp.path(p.Version.File),
		Command:     sp.command(p.Version.Command),
		Parts:       p.Version.Parts,
	}
	if p.Check != nil {
		check := *p.Check
		check.Command = sp.command(check.Command)
		index.Check = &check
	}
}

// speller turns paths of a manifest into paths of the index, which is a question of case on Windows.
type speller struct {
	d     Description
	names map[string]string // by folded path
}

func (s speller) path(name string) string {
	name = s.d.slashes(name)
	if found, ok := s.names[Fold(name)]; ok && s.d.System == "windows" {
		return found
	}
	return name
}

func (s speller) paths(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, s.path(name))
	}
	return out
}

// command spells the program and leaves its arguments alone.
func (s speller) command(command []string) []string {
	if len(command) == 0 {
		return nil
	}
	return append([]string{s.path(command[0])}, command[1:]...)
}

// slashes is a path of the manifest in the form of an index.
func (d Description) slashes(name string) string {
	if d.System == "windows" {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	return strings.TrimPrefix(name, "./")
}

// strip takes a single top-level folder off every path if that lets more of the files be found that the Client names.
// It returns the folder, or "".
func (d Description) strip(index *Index) string {
	top, ok := index.top()
	if !ok {
		return ""
	}
	paths := make(map[string]bool, len(index.Files))
	for _, f := range index.Files {
		paths[Fold(f.Path)] = true
	}
	gain := 0
	for _, name := range d.named() {
		if paths[Fold(name)] {
			gain--
		}
		if paths[Fold(top+name)] {
			gain++
		}
	}
	if gain <= 0 {
		return ""
	}
	for k := range index.Files {
		index.Files[k].Path = strings.TrimPrefix(index.Files[k].Path, top)
	}
	return strings.TrimSuffix(top, "/")
}

// named lists the files that the Client manifest expects in the package.
func (d Description) named() []string {
	p := d.Platform
	names := append(slices.Clone(p.Start), p.Version.FileVersion, p.Version.File)
	if len(p.Version.Command) > 0 {
		names = append(names, p.Version.Command[0])
	}
	if p.Check != nil && len(p.Check.Command) > 0 {
		names = append(names, p.Check.Command[0])
	}
	for k, name := range names {
		names[k] = d.slashes(name)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// top is the one folder, with its slash, in which all files lie.
func (i *Index) top() (string, bool) {
	if len(i.Files) == 0 {
		return "", false
	}
	name, _, ok := strings.Cut(i.Files[0].Path, "/")
	name += "/"
	return name, ok && !slices.ContainsFunc(i.Files, func(f File) bool { return !strings.HasPrefix(f.Path, name) })
}
