package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows/svc"

	"lull/agent"
)

// underServiceManager runs the agent as the Windows service manager expects it. The manager's pipe is opened without
// asking whether it is there: the question has wrong answers in containers and under Wine.
func underServiceManager(ctx context.Context, o *options) error {
	h := &handler{ctx: ctx, options: o}
	if err := svc.Run(serviceName, h); err != nil {
		return fmt.Errorf("speak with the service manager: %w", err)
	}
	return h.err
}

type handler struct {
	ctx     context.Context
	options *options
	err     error
}

// Execute runs the agent until the manager says stop or the agent fails; a failure is told as a service-specific exit
// code, upon which the manager's recovery action starts it again.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, states chan<- svc.Status) (specific bool, code uint32) {
	states <- svc.Status{State: svc.StartPending}
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	states <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	for {
		select {
		case h.err = <-ended:
			states <- svc.Status{State: svc.StopPending}
			if h.err != nil {
				return true, 1
			}
			return false, 0
		case request := <-requests:
			switch request.Cmd {
			case svc.Interrogate:
				states <- request.CurrentStatus
			case svc.Stop, svc.Shutdown:
				states <- svc.Status{State: svc.StopPending}
				cancel()
			}
		}
	}
}

func (h *handler) run(ctx context.Context) error {
	logs, err := logFile(h.options)
	if err != nil {
		return err
	}
	defer logs.Close()
	err = run(ctx, h.options, logs)
	if err != nil {
		fmt.Fprintln(logs, err)
	}
	return err
}

// logFile is where the service writes what a terminal would show.
func logFile(o *options) (*os.File, error) {
	config, err := agent.LoadConfig(o.config)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(config.Data, "agent.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}
