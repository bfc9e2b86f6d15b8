package fileversion

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Decode turns what a Windows program wrote into text: UTF-8 or UTF-16 by its byte order mark, else UTF-8 if it is
// valid, else Windows-1252, the code page of western Windows. What means nothing there becomes U+FFFD.
func Decode(data []byte) string {
	text, err := encodingOf(data).NewDecoder().Bytes(data)
	if err != nil { // only a cut UTF-16 pair, and that at the end
		return strings.ToValidUTF8(string(text), "\uFFFD")
	}
	return string(text)
}

func encodingOf(data []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}), utf8.Valid(data):
		return unicode.UTF8BOM
	}
	return charmap.Windows1252
}
