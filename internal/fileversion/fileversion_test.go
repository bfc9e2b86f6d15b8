package fileversion

import (
	"bytes"
	"strings"
	"testing"

	"lull/internal/fileversion/programtest"
	"lull/schema"
)

func TestTextTakesTheFirstDottedNumber(t *testing.T) {
	for text, want := range map[string]string{
		"5.8.1":                      "5.8.1",
		"custo 5 client 5.8.1 (x64)": "5.8.1",
		"v5.9-rc1\n6.0":              "5.9-rc1",
		"\xef\xbb\xbf5.8\r\n":        "5.8",
		"5.8.":                       "5.8",
		"5.8-":                       "5.8",
		"5.08.0":                     "5.8.0",
		"7":                          "7",
	} {
		if got, err := Text(strings.NewReader(text)); err != nil || got.String() != want {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n5.8", "no version", "build 5", "1.2.3.4.5", strings.Repeat("x", maxLine) + "5.8"} {
		if got, err := Text(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q: got %s", text, got)
		}
	}
}

func TestProgramReadsTheFourNumbers(t *testing.T) {
	data := programtest.Program(t, [4]uint16{5, 8, 1, 77})
	got, err := Program(bytes.NewReader(data))
	if err != nil || got != schema.MustVersion("5.8.1.77") {
		t.Errorf("got %s, %v", got, err)
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "text": []byte("5.8.1"), "cut": data[:len(data)/2], "headers": data[:400], "bare": programtest.Empty(),
	} {
		if v, err := Program(bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: got %s", name, v)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("client 5.8.2-rc1 x"))
	f.Add([]byte("\xfe\xff\x005\x00.\x008"))
	f.Add([]byte("007\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Text(bytes.NewReader(data))
		if (err == nil) == v.IsZero() {
			t.Errorf("%q, %v", v, err)
		}
	})
}

func FuzzProgram(f *testing.F) {
	f.Add(programtest.Program(f, [4]uint16{5, 8, 2, 1}))
	f.Add(programtest.Empty())
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Program(bytes.NewReader(data))
		if (err == nil) == v.IsZero() {
			t.Errorf("%q, %v", v, err)
		}
	})
}
