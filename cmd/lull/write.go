package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"lull/internal/voice"
	"lull/internal/wire"
	"lull/schema"
)

// change are the flags of every command that writes manifests.
type change struct {
	reason string
	dryRun bool
}

func (w *change) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.reason, "reason", "", "why, for the commit (required)")
	cmd.Flags().BoolVar(&w.dryRun, "dry-run", false, "show what it would do and write nothing")
	_ = cmd.MarkFlagRequired("reason") // fails only for a flag that does not exist
}

func (w *change) query() url.Values {
	q := url.Values{}
	if w.dryRun {
		q.Set("dryRun", "true")
	}
	return q
}

// errNotApplied means that the preview of a change found errors in it.
var errNotApplied = errors.New("the change has errors")

// show prints what a change did, or would do.
func (w *change) show(f *voice.Format, p wire.Plan) error {
	if err := printPlan(f, p); err != nil {
		return err
	}
	if f.Table() {
		switch {
		case p.Applied && len(p.Changed) == 0:
			fmt.Fprintf(f.Out(), "nothing was written: revision %s says so already\n", short(p.Revision))
		case p.Applied:
			fmt.Fprintf(f.Out(), "wrote revision %s\n", short(p.Revision))
		case len(p.Errors) == 0:
			fmt.Fprintln(f.Out(), "nothing was written: this was a dry run")
		}
	}
	if len(p.Errors) > 0 {
		return errNotApplied
	}
	return nil
}

func setCommand(c *connection) *cobra.Command {
	return parent(&cobra.Command{Use: "set", Short: "Change the desired state", Example: "  lull set version 5.8.2 --client viewer --all --reason CHG-4711"},
		setVersionCommand(c))
}

func setVersionCommand(c *connection) *cobra.Command {
	var request wire.SetVersion
	var w change
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:   "version VERSION",
		Short: "Set the version of workstations, a group or everybody, in one commit",
		Long: `Set the version of workstations, a group or everybody, in one commit.

VERSION is exact ("5.8.2"), a range ("~5.8"), server (the program's server's version) or newest (approved) release.`,
		Example: `  lull set version 5.8.2 --client custo-diagnostic --workstation "CARD ECG 01" --reason CHG-4711
  lull set version 5.8.2 --client custo-diagnostic --all --reason CHG-4711 --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Version, request.Reason = args[0], w.reason
			var plan wire.Plan
			err := c.do(cmd.Context(), call{method: http.MethodPost, path: "/version", query: w.query(), send: request}, &plan)
			if err != nil {
				return err
			}
			return w.show(format.To(cmd.OutOrStdout()), plan)
		},
	}
	f := cmd.Flags()
	f.StringVar(&request.Client, "client", "", "`name` of the client (required)")
	f.StringArrayVar(&request.Workstations, "workstation", nil, "registered `name` of a workstation; may be repeated")
	f.StringVar(&request.Group, "group", "", "`name` of a group")
	f.BoolVar(&request.All, "all", false, "all workstations: writes the group all and removes exact pins")
	f.BoolVar(&request.KeepPins, "keep-pins", false, "with --all: leave exact versions elsewhere as they are")
	_ = cmd.MarkFlagRequired("client") // fails only for a flag that does not exist
	cmd.MarkFlagsOneRequired("workstation", "group", "all")
	cmd.MarkFlagsMutuallyExclusive("workstation", "group", "all")
	w.flags(cmd)
	format.Flag(f)
	return cmd
}

func applyCommand(c *connection) *cobra.Command {
	var files []string
	var w change
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:   "apply -f FILE…",
		Short: "Write manifests to the server, all of them in one commit",
		Example: `  lull apply -f cardiology.yaml --reason "new group"
  lull apply -f - --reason CHG-4711 < manifests.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			documents, err := readFiles(cmd.InOrStdin(), files)
			if err != nil {
				return err
			}
			plan, err := apply(cmd.Context(), c, documents, w)
			if err != nil {
				return err
			}
			return w.show(format.To(cmd.OutOrStdout()), plan)
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "`file` with manifests, - for standard input; may be repeated")
	_ = cmd.MarkFlagRequired("file") // fails only for a flag that does not exist
	w.flags(cmd)
	format.Flag(cmd.Flags())
	return cmd
}

// apply writes the documents of one YAML stream in one commit.
func apply(ctx context.Context, c *connection, documents []byte, w change) (plan wire.Plan, err error) {
	err = c.do(ctx, call{
		method: http.MethodPost, path: "/manifests", query: w.query(), body: bytes.NewReader(documents),
		header: http.Header{"Content-Type": {"application/yaml"}, wire.HeaderReason: {w.reason}},
	}, &plan)
	return plan, err
}

// readFiles joins files into one stream of documents. What is wrong in one of them is said here, with its name.
func readFiles(stdin io.Reader, files []string) ([]byte, error) {
	var all bytes.Buffer
	for _, file := range files {
		data, err := []byte(nil), error(nil)
		if file == "-" {
			data, err = io.ReadAll(stdin)
		} else {
			data, err = os.ReadFile(file)
		}
		if err != nil {
			return nil, err
		}
		if parsed := schema.ParseFile(file, data); len(parsed.Errors) > 0 {
			return nil, parsed.Errors
		}
		all.Write(data)
		all.WriteString("\n---\n")
	}
	return all.Bytes(), nil
}
