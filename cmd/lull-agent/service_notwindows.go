//go:build !windows

package main

import (
	"context"
	"os"
)

// underServiceManager runs the agent as systemd expects it: in the foreground, logging to standard error, until SIGTERM.
func underServiceManager(ctx context.Context, o *options) error { return run(ctx, o, os.Stderr) }
