package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"lull/agent"
	"lull/internal/voice"
)

// serviceName is how service managers know the agent.
const serviceName = "lull-agent"

// run looks after this computer until ctx ends.
func run(ctx context.Context, o *options, logs io.Writer) error {
	config, err := agent.LoadConfig(o.config)
	if err != nil {
		return err
	}
	a, err := agent.New(config, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		return err
	}
	return errors.Join(a.Run(ctx), a.Close())
}

// control is the service manager's side of the agent: it installs and steers, and never runs it. The service itself is
// `run --as-service`, so that nothing depends on guessing whether a service manager started the process.
func control(o *options) (service.Service, error) {
	config, err := filepath.Abs(o.config)
	if err != nil {
		return nil, err
	}
	return service.New(nobody{}, &service.Config{
		Name:        serviceName,
		DisplayName: "Lull agent",
		Description: "Keeps desktop clients at the versions that manifests name, while nobody uses them.",
		Arguments:   []string{"run", "--as-service", "--config", config},
		Option: service.KeyValue{
			"OnFailure":              "restart",
			"OnFailureDelayDuration": "10s",
			"Restart":                "on-failure",
		},
	})
}

// nobody stands in for a program where the service manager is only spoken to.
type nobody struct{}

func (nobody) Start(service.Service) error { return nil }
func (nobody) Stop(service.Service) error  { return nil }

func serviceCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		serviceCommand(o, "install", "Register the agent with the service manager and start it", func(s service.Service) error {
			if _, err := agent.LoadConfig(o.config); err != nil {
				return err // a service that cannot start helps nobody
			}
			if err := s.Install(); err != nil {
				return err
			}
			return s.Start()
		}),
		serviceCommand(o, "uninstall", "Stop the agent and take it from the service manager; its data stays", func(s service.Service) error {
			if status, err := s.Status(); err == nil && status == service.StatusRunning {
				if err := s.Stop(); err != nil {
					return err
				}
			}
			return s.Uninstall()
		}),
		serviceCommand(o, "start", "Start the service", service.Service.Start),
		serviceCommand(o, "stop", "Stop the service", service.Service.Stop),
	}
}

// errNoManager: kardianos/service would fall back to scripts for System V, which nobody here tests.
var errNoManager = errors.New("this system has no service manager that lull-agent knows (systemd, Windows)")

func serviceCommand(o *options, verb, what string, do func(service.Service) error) *cobra.Command {
	return &cobra.Command{
		Use: verb, Short: what, Example: "  lull-agent " + verb, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if system := service.Platform(); system != "linux-systemd" && system != "windows-service" {
				return voice.Hint(fmt.Errorf("%s the service: %w", verb, errNoManager), "run `lull-agent run` under the one that you have")
			}
			s, err := control(o)
			if err == nil {
				err = do(s)
			}
			if err != nil {
				err = fmt.Errorf("%s the service: %w", verb, err)
			}
			if errors.Is(err, fs.ErrPermission) {
				return voice.Hint(err, "this needs an administrator's rights")
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: done\n", verb)
			return nil
		},
	}
}
