package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lull/agent"
	"lull/internal/build"
	"lull/internal/voice"
	"lull/internal/words"
	"lull/reconciler"
)

// options are the flags that every command shares.
type options struct {
	config string
	format voice.Format
}

func newCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "lull-agent",
		Short: "Keeps the desktop clients of this computer at the versions that manifests name",
		Long: `Keeps the desktop clients of this computer at the versions that manifests name.

A client is changed only while nobody uses it, and in such a way that no crash,
power cut or early start can leave a broken installation behind.

Exit codes: 0 done; 1 an error; 2 something waits or is blocked (check, run --once).`,
		Version:       build.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&o.config, "config", filepath.Join(agent.DefaultData(), "agent.yaml"), "configuration `file`")
	root.AddCommand(runCommand(&o), checkCommand(&o), statusCommand(&o), gateTestCommand())
	root.AddCommand(serviceCommands(&o)...)
	return root
}

func runCommand(o *options) *cobra.Command {
	var once, service bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run in the foreground, or under the service manager",
		Example: `  lull-agent run --config agent.yaml
  lull-agent run --once        # one round, then exit: 0 up to date, 2 waiting or blocked`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if once {
				return runOnce(cmd, o, "")
			}
			if service {
				return underServiceManager(cmd.Context(), o)
			}
			return run(cmd.Context(), o, os.Stderr)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "make one round and exit")
	c.Flags().BoolVar(&service, "as-service", false, "speak with the service manager; `install` sets this")
	o.format.Flag(c.Flags())
	_ = c.Flags().MarkHidden("as-service") // fails only for a flag that does not exist
	return c
}

func checkCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Say what the agent would do now, and change nothing",
		Example: `  lull-agent check
  lull-agent check -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOnce(cmd, o, agent.ModeReport) },
	}
	o.format.Flag(c.Flags())
	return c
}

func statusCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what the agent saw last",
		Example: `  lull-agent status
  lull-agent status -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := agent.LoadConfig(o.config)
			if err != nil {
				return err
			}
			report, err := agent.ReadReport(config.Data)
			if err != nil {
				return err
			}
			return printReport(cmd, o, report)
		},
	}
	o.format.Flag(c.Flags())
	return c
}

// gateTestCommand is what the engine starts to prove that its gate works; see agent.GateArgument.
func gateTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: agent.GateArgument, Short: "Wait until standard input ends", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.Copy(io.Discard, cmd.InOrStdin())
			return err
		},
	}
}

// runOnce makes one round; a mode given here wins over the configuration's.
func runOnce(cmd *cobra.Command, o *options, mode string) error {
	config, err := agent.LoadConfig(o.config)
	if err != nil {
		return err
	}
	if mode != "" {
		config.Mode = mode
	}
	a, err := agent.New(config, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	statuses, err := a.Once(cmd.Context())
	if err = errors.Join(err, a.Close()); err != nil {
		return err
	}
	if err := printReport(cmd, o, agent.Report{Clients: statuses}); err != nil {
		return err
	}
	for _, s := range statuses {
		if s.Phase != reconciler.UpToDate && s.Phase != reconciler.Unmanaged {
			return voice.Unsettled
		}
	}
	return nil
}

func printReport(cmd *cobra.Command, o *options, r agent.Report) error {
	f := o.format.To(cmd.OutOrStdout())
	if r.Away != nil && f.Table() {
		fmt.Fprintf(f.Out(), "no answer since %s: %s\n", r.Away.Since.Local().Format(time.DateTime), r.Away.Error)
	}
	if len(r.Clients) == 0 && f.Table() {
		if r.Away == nil { // else it may not know yet what the manifests describe
			fmt.Fprintln(f.Out(), "no client that the manifests describe is installed here")
		}
		return nil
	}
	t := voice.NewRows("CLIENT", "WORKSTATION", "INSTALLED", "DESIRED", "PHASE", "WHY", "SINCE")
	for _, s := range r.Clients {
		t.Add(s.Client, s.Workstation, s.Observed.Version.String(), s.Desired.String(), string(s.Phase),
			words.Reason(words.English, time.Local, s.Reason), s.Since.Local().Format(time.DateTime))
	}
	return f.Print(t, r)
}
