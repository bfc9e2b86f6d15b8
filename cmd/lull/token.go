package main

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"lull/internal/voice"
	"lull/internal/wire"
)

func tokenCommand(c *connection) *cobra.Command {
	return parent(&cobra.Command{Use: "token", Short: "Who may ask the server for what", Example: "  lull token create --agents"},
		tokenCreateCommand(c), tokenListCommand(c), tokenRevokeCommand(c))
}

func tokenCreateCommand(c *connection) *cobra.Command {
	request := wire.NewToken{Kind: "person"}
	var agents bool
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Make a person's token, or an enrolment string for agents",
		Long: `Make a person's token, or with --agents an enrolment string for any number of agents.

What it prints is shown this once; the server keeps only a hash of it.`,
		Example: `  lull token create --agents
  lull token create "A. Berger" --role operator --days 90`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if agents {
				request.Kind, request.Role = "agents", ""
			}
			if len(args) == 1 {
				request.Name = args[0]
			}
			if request.Name == "" && !agents {
				return voice.Usage(fmt.Errorf("name the person whose token this is"))
			}
			var made wire.MadeToken
			if err := c.do(cmd.Context(), call{method: http.MethodPost, path: "/tokens", send: request}, &made); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), made.Secret)
			return err
		},
	}
	cmd.Flags().BoolVar(&agents, "agents", false, "an enrolment string for agents")
	cmd.Flags().StringVar(&request.Role, "role", "viewer", "viewer, operator or admin")
	cmd.Flags().IntVar(&request.Days, "days", 0, "until it expires; 0: never for a person, 30 for agents")
	cmd.MarkFlagsMutuallyExclusive("agents", "role")
	return cmd
}

func tokenListCommand(c *connection) *cobra.Command {
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List tokens, without their secrets",
		Example: "  lull token list",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []wire.TokenInfo
			if err := c.do(cmd.Context(), call{path: "/tokens"}, &all); err != nil {
				return err
			}
			t := voice.NewRows("ID", "KIND", "NAME", "ROLE", "CREATED", "EXPIRES")
			for _, info := range all {
				expires := "never"
				if !info.Expires.IsZero() {
					expires = info.Expires.Local().Format(time.DateOnly)
				}
				t.Add(info.ID, info.Kind, info.Name, info.Role, info.Created.Local().Format(time.DateOnly), expires)
			}
			return format.To(cmd.OutOrStdout()).Print(t, all)
		},
	}
	format.Flag(cmd.Flags())
	return cmd
}

func tokenRevokeCommand(c *connection) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke ID",
		Short:   "Make a token invalid at once",
		Example: "  lull token revoke 4f1c",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.do(cmd.Context(), call{method: http.MethodDelete, path: "/tokens/" + url.PathEscape(args[0])}, nil)
		},
	}
}
