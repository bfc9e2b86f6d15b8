// Command lull is Lull's server and everything that an administrator types.
//
// It is a thin shell: every command reads its flags, calls one package, and prints what came back. Commands that ask a
// server go through connection, which knows where the server is and who asks; commands that work on files need none.
// Signals are caught here and nowhere else: the first one ends what can be ended in good order, the second one ends the
// process. What a command prints, and with which code it exits, is decided in package voice.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"lull/internal/voice"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is not caught
	err := newCommand().ExecuteContext(ctx)
	os.Exit(voice.Exit(os.Stderr, "lull", err))
}
