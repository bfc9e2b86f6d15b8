package voice

import (
	"io"
	"os"
)

// The colours that commands use: SGR parameters of ECMA-48.
const (
	bold   = "1"
	red    = "31"
	yellow = "33"
)

// paint colours text for a terminal, unless NO_COLOR is set (https://no-color.org) or the terminal is a dumb one.
func paint(w io.Writer, colour, text string) string {
	if !Terminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}
