// Package voice is how Lull's commands speak to people and to scripts.
//
// There are three ways to say that something is wrong: an error, an error with a hint where a person can act, and a
// warning; each is one line on standard error, in lower case, without a full stop. Exit turns the error of a command into
// that line and into the exit code, in one table, so that no command decides its own. What a command was asked for goes
// to standard output through Format, as a table for people or as JSON or YAML for programs, and nothing else does.
package voice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes of all commands.
const (
	exitDone      = 0
	exitError     = 1
	exitUnsettled = 2 // plan: something would change; check: something waits or is blocked
	exitSignal    = 130
)

// Unsettled ends a command that did its work and found that not everything is where it shall be. It says nothing more
// than its exit code.
//
//lint:ignore ST1012 it is an outcome and no failure, and reads as one
var Unsettled = errors.New("not everything is where it shall be")

// hinted is an error with something that a person can do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint adds to an error what a person can do about it.
func Hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Usage marks an error of the command line itself.
func Usage(err error) error { return Hint(err, "see --help") }

// Exit says what an error of a command means, on w, and returns the exit code.
func Exit(w io.Writer, program string, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, Unsettled):
		return exitUnsettled
	case errors.Is(err, context.Canceled):
		return exitSignal
	}
	say(w, program, "error", err)
	return exitError
}

// Warn says something that does not stop the command.
func Warn(w io.Writer, program string, err error) { say(w, program, "warning", err) }

// say prints each line of the error as a line of its own, so that a script can read line by line. What servers and
// agents wrote into it cannot move the cursor.
func say(w io.Writer, program, kind string, err error) {
	colour := red
	if kind != "error" {
		colour = yellow
	}
	kind = paint(w, colour, kind+":")
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimRight(line, " .\r\n"); line != "" {
			fmt.Fprintf(w, "%s: %s %s\n", program, kind, cell(line))
		}
	}
	if h := (*hinted)(nil); errors.As(err, &h) {
		fmt.Fprintf(w, "%s: hint: %s\n", program, cell(h.hint))
	}
}
