package fileversion

import (
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"lull/schema"
)

// The parts of a Windows program on the way to its version resource (PE format, sections ".rsrc" and "Optional header
// data directories"; winuser.h, RT_VERSION; verrsrc.h, VS_VERSIONINFO). A resource lies three folders deep: by type, by
// name, by language. The rest of VS_VERSIONINFO, text in the code page of some language, is not needed.
const (
	resourceFolder  = 2       // index of the data directory
	typeVersion     = 16      // RT_VERSION
	isFolder        = 1 << 31 // of an entry's offset: it leads to a folder and not to data
	fixedOffset     = 40      // of VS_FIXEDFILEINFO: behind lengths, type and key, aligned to 4
	fixedSignature  = 0xFEEF04BD
	fileVersionHigh = fixedOffset + 8  // dwFileVersionMS
	fileVersionLow  = fixedOffset + 12 // dwFileVersionLS
	fixedEnd        = fixedOffset + 52
)

var (
	errNoResource  = fmt.Errorf("%w: it has no version resource", ErrNone)
	errBadResource = errors.New("its version resource is damaged")
)

// Program is the FileVersion of a Windows program: the four numbers, not the text beside them, which vendors
// fill as they like. The program may be hostile: no more than one path through its folders is followed.
func Program(program io.ReaderAt) (schema.Version, error) {
	file, err := pe.NewFile(program)
	if err != nil {
		return schema.Version{}, fmt.Errorf("read it as a Windows program: %w", err)
	}
	defer file.Close()
	r := resources{file: file, start: resourceStart(file)}
	if r.start == 0 {
		return schema.Version{}, errNoResource
	}
	info, err := r.version()
	if err != nil {
		return schema.Version{}, err
	}
	high, low := binary.LittleEndian.Uint32(info[fileVersionHigh:]), binary.LittleEndian.Uint32(info[fileVersionLow:])
	if high == 0 && low == 0 {
		return schema.Version{}, fmt.Errorf("%w: its file version is 0.0.0.0", ErrNone)
	}
	return schema.ParseVersion(fmt.Sprintf("%d.%d.%d.%d", high>>16, high&0xFFFF, low>>16, low&0xFFFF))
}

// resourceStart is the address of the resources in memory, 0 if there are none.
func resourceStart(file *pe.File) uint32 {
	switch header := file.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		return header.DataDirectory[resourceFolder].VirtualAddress
	case *pe.OptionalHeader64:
		return header.DataDirectory[resourceFolder].VirtualAddress
	}
	return 0
}

// resources are the folders of resources in a program.
type resources struct {
	file  *pe.File
	start uint32 // address of the first folder, which all offsets count from
}

// version is the start of the first version resource, up to the end of its fixed part.
func (r resources) version() ([]byte, error) {
	offset, err := r.entry(0, func(id uint32) bool { return id == typeVersion })
	for range 2 { // the first name and the first language
		if err == nil && offset&isFolder == 0 {
			err = errBadResource
		}
		if err == nil {
			offset, err = r.entry(offset&^isFolder, func(uint32) bool { return true })
		}
	}
	if err != nil {
		return nil, err
	}
	place, err := r.read(r.start+offset, 8) // address and size of the data
	if err != nil {
		return nil, err
	}
	info, err := r.read(binary.LittleEndian.Uint32(place), fixedEnd)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(info[fixedOffset:]) != fixedSignature {
		return nil, errBadResource
	}
	return info, nil
}

// entry is the offset that the first entry with a fitting id holds, in the folder at an offset.
func (r resources) entry(folder uint32, fits func(id uint32) bool) (uint32, error) {
	const headSize, entrySize = 16, 8
	head, err := r.read(r.start+folder, headSize)
	if err != nil {
		return 0, err
	}
	count := int(binary.LittleEndian.Uint16(head[12:])) + int(binary.LittleEndian.Uint16(head[14:])) // by name, by number
	entries, err := r.read(r.start+folder+headSize, count*entrySize)
	if err != nil {
		return 0, err
	}
	for ; len(entries) > 0; entries = entries[entrySize:] {
		if fits(binary.LittleEndian.Uint32(entries)) {
			return binary.LittleEndian.Uint32(entries[4:]), nil
		}
	}
	return 0, errNoResource
}

// read reads what the program will have at an address in memory.
func (r resources) read(address uint32, size int) ([]byte, error) {
	for _, s := range r.file.Sections {
		if address >= s.VirtualAddress && address-s.VirtualAddress < s.Size {
			data := make([]byte, size)
			if _, err := s.ReadAt(data, int64(address-s.VirtualAddress)); err != nil {
				return nil, errBadResource
			}
			return data, nil
		}
	}
	return nil, errBadResource
}
