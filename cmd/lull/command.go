package main

import (
	"fmt"
	"os/user"
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
	return root
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
