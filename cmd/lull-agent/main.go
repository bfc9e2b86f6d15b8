// Command lull-agent is the service on a workstation that keeps its desktop clients at the versions that manifests name.
//
// It is a thin shell: the commands below read the configuration and hand over to package agent, whose Run is the same
// in a terminal, under systemd and under the Windows service manager. Signals are caught here and nowhere else; the
// first one ends what can be ended in good order, the second one ends the process.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"lull/internal/voice"
)

// memoryLimit makes the collector give back what a download or a git fetch took; at rest the agent needs half of it.
const memoryLimit = 16 << 20

func main() {
	debug.SetMemoryLimit(memoryLimit)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is not caught
	err := newCommand().ExecuteContext(ctx)
	os.Exit(voice.Exit(os.Stderr, "lull-agent", err))
}
