package main

import (
	"cmp"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lull/internal/build"
	"lull/internal/voice"
	"lull/internal/words"
	"lull/reconciler"
)

func newCommand() *cobra.Command {
	c := &connection{}
	root := &cobra.Command{
		Use:   "lull",
		Short: "Keeps a fleet's desktop clients at the versions that manifests name",
		Long: `Keeps a fleet's desktop clients at the versions that manifests name.

Exit codes: 0 done; 1 an error; 2 (plan) something would change.`,
		Version:       build.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return voice.Usage(err) })
	c.flags(root)
	root.AddCommand(
		serverCommand(), validateCommand(), planCommand(c), getCommand(c), setCommand(c), applyCommand(c),
		releaseCommand(c), tokenCommand(c), schemaCommand(), demoCommand(), versionCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	sayExitCodes(root)
	return root
}

// sayExitCodes adds to the help of every command what it exits with, where it does not say so itself.
func sayExitCodes(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		sayExitCodes(below)
	}
	if long := cmp.Or(cmd.Long, cmd.Short); !strings.Contains(long, "Exit codes") {
		cmd.Long = long + "\n\nExit codes: 0 done; 1 an error."
	}
}

// parent is a command that only has others below it. A word that is none of them is an error, which cobra would pass
// over for all but the root.
func parent(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(below...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return voice.Usage(fmt.Errorf("%s needs one of: %s", cmd.CommandPath(), names(below)))
		}
		return voice.Usage(fmt.Errorf("%s knows no %q; it knows: %s", cmd.CommandPath(), args[0], names(below)))
	}
	return cmd
}

func names(commands []*cobra.Command) string {
	all := make([]string, len(commands))
	for i, c := range commands {
		all[i] = c.Name()
	}
	return strings.Join(all, ", ")
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Example: "  lull version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), build.String())
			return err
		},
	}
}

// inWords is a reason as a sentence; the command line speaks English.
func inWords(r reconciler.Reason) string { return words.Reason(words.English, time.Local, r) }

// userName is who sits at this computer, for decisions that people sign with their name.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	if u.Name != "" {
		return u.Name
	}
	return u.Username
}
