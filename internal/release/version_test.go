package release

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"

	"lull/schema"
)

// program is the smallest Windows program that has resources, with a file version.
func program(t testing.TB, file [4]uint16) []byte {
	t.Helper()
	var bare bytes.Buffer
	bare.Write(append([]byte("MZ"), make([]byte, 58)...))
	parts := []any{
		uint32(64), []byte("PE\x00\x00"),
		pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: 240, Characteristics: pe.IMAGE_FILE_EXECUTABLE_IMAGE},
		pe.OptionalHeader64{Magic: 0x20b, SectionAlignment: 4096, FileAlignment: 512, SizeOfImage: 8192, SizeOfHeaders: 512, NumberOfRvaAndSizes: 16},
		pe.SectionHeader32{Name: [8]uint8{'.', 't', 'e', 'x', 't'}, VirtualSize: 512, VirtualAddress: 4096, SizeOfRawData: 512, PointerToRawData: 512},
	}
	for _, part := range parts {
		if err := binary.Write(&bare, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	bare.Write(make([]byte, 1024-bare.Len()))
	info := version.Info{FileVersion: file, ProductVersion: [4]uint16{9, 9, 9, 9}}
	if err := info.Set(version.LangDefault, version.ProductName, "viewer"); err != nil {
		t.Fatal(err)
	}
	var resources winres.ResourceSet
	resources.SetVersionInfo(info)
	var out bytes.Buffer
	if err := resources.WriteToEXE(&out, bytes.NewReader(bare.Bytes())); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFileVersionReadsTheFourNumbers(t *testing.T) {
	data := program(t, [4]uint16{5, 8, 1, 77})
	got, err := FileVersion(bytes.NewReader(data), int64(len(data)))
	if err != nil || got != schema.MustVersion("5.8.1.77") {
		t.Errorf("got %s, %v", got, err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "text": []byte("5.8.1"), "cut": data[:len(data)/2], "headers": data[:400]} {
		if v, err := FileVersion(bytes.NewReader(bad), int64(len(bad))); err == nil {
			t.Errorf("%s: got %s", name, v)
		}
	}
}

func TestAWindowsReleaseIsComparedWithItsProgram(t *testing.T) {
	d := Description{Client: "viewer", Version: schema.MustVersion("5.8.1"), System: "windows",
		Platform: schema.Platform{Version: schema.VersionSource{FileVersion: `exe\viewer.exe`, Parts: 3}}}
	dir := tree(t, map[string]string{"Exe/viewer.exe": string(program(t, [4]uint16{5, 8, 1, 77}))})
	s := openStore(t, t.TempDir())
	if _, err := s.Add(t.Context(), dir, d); err != nil {
		t.Error(err)
	}
	d.Version = schema.MustVersion("5.8.2")
	_, err := s.Add(t.Context(), dir, d)
	wantError(t, err, "Exe/viewer.exe says version 5.8.1.77 (5.8.1 of it counts), not 5.8.2")
}

func TestTextVersionTakesTheFirstDottedNumber(t *testing.T) {
	for text, want := range map[string]string{
		"5.8.1":                      "5.8.1",
		"custo 5 client 5.8.1 (x64)": "5.8.1",
		"v5.9-rc1\n6.0":              "5.9-rc1",
		"\xef\xbb\xbf5.8\r\n":        "5.8",
		"5.8.":                       "5.8",
		"5.8-":                       "5.8",
	} {
		if got, err := TextVersion(strings.NewReader(text)); err != nil || got.String() != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n5.8", "no version", "5", "1.2.3.4.5", strings.Repeat("x", maxLine) + "5.8", "05.8"} {
		if got, err := TextVersion(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q: got %s", text, got)
		}
	}
}

func FuzzFileVersion(f *testing.F) {
	f.Add(program(f, [4]uint16{5, 8, 1, 77}))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := FileVersion(bytes.NewReader(data), int64(len(data)))
		if err == nil && v.IsZero() {
			t.Fatal("no version and no error")
		}
	})
}
