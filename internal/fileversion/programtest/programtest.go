// Package programtest makes Windows programs for tests: the least that has a version resource, or has none.
//
// What it makes cannot run. The tests of three packages install, store and read such programs, and all of them mean the
// same thing by one, which is why it is made here. The resource is written by a library and not by the code that reads it,
// so that both cannot be wrong in the same way.
package programtest

import (
	"bytes"
	"testing"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"
)

// Program is a Windows program with a file version; its other versions are different ones.
func Program(t testing.TB, file [4]uint16) []byte {
	t.Helper()
	resources := winres.ResourceSet{}
	info := version.Info{FileVersion: file, ProductVersion: [4]uint16{9, 9, 9, 9}}
	if err := info.Set(version.LangDefault, version.FileVersion, "free text 8.8"); err != nil {
		t.Fatal(err)
	}
	resources.SetVersionInfo(info)
	var out bytes.Buffer
	if err := resources.WriteToEXE(&out, bytes.NewReader(Empty())); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Empty is the least that passes for a 64-bit Windows program: headers and one section (PE format).
func Empty() []byte {
	image := make([]byte, 0x400)
	copy(image, "MZ")
	image[0x3c] = 0x40
	header := image[0x40:]
	copy(header, "PE\x00\x00\x64\x86\x01\x00") // machine, one section
	header[20], header[22] = 240, 0x22         // size of the optional header, characteristics
	optional := header[24:]
	copy(optional, "\x0b\x02")
	optional[33], optional[37] = 0x10, 0x02 // section alignment 0x1000, file alignment 0x200
	optional[57], optional[61] = 0x20, 0x02 // size of image 0x2000, size of headers 0x200
	optional[68], optional[108] = 3, 16     // console, number of directories
	section := optional[240:]               // name, virtual size and address, raw size and place
	copy(section, ".text\x00\x00\x00\x00\x10\x00\x00\x00\x10\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00")
	section[36], section[39] = 0x20, 0x60
	return image
}
