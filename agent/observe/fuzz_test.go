package observe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzName(f *testing.F) {
	f.Add([]byte("[a]\r\nWsName = CARD 01 \r\n"), "WsName")
	f.Add([]byte("\xff\xfeW\x00=\x00x\x00"), "w")
	f.Add([]byte("WsName=\"\"\"open\n`x"), "WsName")
	f.Add([]byte("WsName=\xe4\n=\n[\n"), "WsName")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		name, err := parseName(data, key)
		if err != nil {
			return
		}
		if utf8.RuneCountInString(name) > maxName || strings.ContainsAny(name, "\x00\r\n\x1b\u202e\ufffd") || strings.TrimSpace(name) != name {
			t.Errorf("name %q", name)
		}
	})
}
