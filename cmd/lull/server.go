package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"lull/server"
)

func serverCommand() *cobra.Command {
	var config server.Config
	cmd := &cobra.Command{
		Use:   "server --data DIR",
		Short: "Run the server",
		Long: `Run the server: it answers agents and people, and keeps releases, inventory and,
unless --manifests says otherwise, the manifests in a git repository of its own.

The first start prints the address and writes the administrator's token to DATA/admin.token and the CA to DATA/ca.pem.`,
		Example: `  lull server --data /var/lib/lull-server
  lull server --data ./data --manifests git+https://git.example.org/fleet.git#main
  lull server --data ./data --manifests dir:/srv/manifests --listen 0.0.0.0:8440 --url https://lull.example.org:8440`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			s, err := server.New(cmd.Context(), config)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), s.URL())
			return s.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&config.Data, "data", "", "`folder` for everything that the server keeps (required)")
	f.StringVar(&config.Listen, "listen", server.DefaultListen, "`address` to listen on")
	f.StringVar(&config.URL, "url", "", "`address` by which agents and people reach the server (default: where it listens)")
	f.StringVar(&config.Manifests, "manifests", "", "where manifests live: git+https://…, the path of a repo, dir:PATH; default: the server's own repo")
	f.StringVar(&config.File, "config", "", "configuration `file` (default DATA/server.yaml; absent is fine)")
	f.BoolVar(&config.PlainHTTP, "plain-http", false, "no TLS; for loopback addresses only")
	_ = cmd.MarkFlagRequired("data") // fails only for a flag that does not exist
	return cmd
}
