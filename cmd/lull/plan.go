package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"lull/internal/voice"
	"lull/internal/wire"
	"lull/manifests"
	"lull/reconciler"
	"lull/schema"
)

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate PATH…",
		Short: "Check manifests and list every error with its place",
		Long: `Check manifests and list every error with file, line and column.

A PATH is a file, a folder, or what --manifests of the server takes. Exit codes: 0 all good; 1 errors.`,
		Example: `  lull validate manifests/
  lull validate git+https://git.example.org/fleet.git`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			failed := 0
			for _, path := range args {
				snapshot, err := manifests.Read(cmd.Context(), path, manifests.Options{})
				invalid := (*manifests.Invalid)(nil)
				switch {
				case errors.As(err, &invalid):
					failed += len(invalid.Errors)
					for _, e := range invalid.Errors {
						fmt.Fprintln(cmd.ErrOrStderr(), e)
					}
				case err != nil:
					return err
				default:
					fmt.Fprintf(cmd.OutOrStdout(), "%s: %d manifests, no errors\n", path, snapshot.Set.Len())
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d errors", failed)
			}
			return nil
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema (draft-07) of manifests, for editors",
		Example: "  lull schema > lull.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(schema.JSONSchema())
			return err
		},
	}
}

func planCommand(c *connection) *cobra.Command {
	var path, ref string
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what manifests would do, workstation by workstation",
		Long: `Show what manifests would do, workstation by workstation, against the server's inventory.

Without --manifests the revision in force is shown. Nothing is changed in any case.
Exit codes: 0 nothing would change; 2 something would; 1 an error.`,
		Example: `  lull plan
  lull plan --manifests ./fleet
  lull plan --manifests ./fleet --ref new-version -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := makePlan(cmd.Context(), c, path, ref)
			if err != nil {
				return err
			}
			if err := printPlan(format.To(cmd.OutOrStdout()), plan); err != nil {
				return err
			}
			if len(plan.Errors) > 0 {
				return errNotApplied
			}
			for _, e := range plan.Effects {
				if e.Changed || e.Decision.Changes() {
					return voice.Unsettled
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "manifests", "", "`path` of a file, folder or repo with manifests")
	cmd.Flags().StringVar(&ref, "ref", "", "`branch` of a repo")
	format.Flag(cmd.Flags())
	return cmd
}

func makePlan(ctx context.Context, c *connection, path, ref string) (plan wire.Plan, err error) {
	if path == "" {
		err = c.do(ctx, call{path: "/plan"}, &plan)
		return plan, err
	}
	next, err := manifests.Read(ctx, path, manifests.Options{Branch: ref})
	if err != nil {
		return plan, err
	}
	request := wire.PlanRequest{Revision: next.Revision, Files: make(map[string]string)}
	for name, content := range next.Files() {
		request.Files[name] = string(content)
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/plan", send: request}, &plan)
	return plan, err
}

// serverSet is the manifests of some kinds in the revision that is in force on the server. The kinds must be such that
// they refer to each other only.
func serverSet(ctx context.Context, c *connection, kinds ...schema.Kind) (*schema.Set, error) {
	var files []*schema.File
	for _, kind := range kinds {
		data, err := serverManifests(ctx, c, kind)
		if err != nil {
			return nil, err
		}
		files = append(files, schema.ParseFile(fmt.Sprintf("%s manifests of the server", kind), data))
	}
	set, problems := schema.NewSet(files)
	if len(problems) > 0 {
		return nil, problems
	}
	return set, nil
}

func serverManifests(ctx context.Context, c *connection, kind schema.Kind) ([]byte, error) {
	response, err := c.send(ctx, call{
		path: "/manifests", query: url.Values{"kind": {string(kind)}}, header: http.Header{"Accept": {"application/yaml"}},
	})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, problemHint(problemOf(response))
	}
	return io.ReadAll(io.LimitReader(response.Body, maxAnswer))
}

// printPlan prints what a plan does, and what it would not do for whom.
func printPlan(f *voice.Format, p wire.Plan) error {
	t := voice.NewRows("WORKSTATION", "COMPUTER", "CLIENT", "INSTALLED", "DESIRED", "NEXT", "WHY")
	for _, e := range p.Effects {
		desired := e.After.String()
		if e.Changed {
			desired = fmt.Sprintf("%s → %s", orDash(e.Before.String()), orDash(e.After.String()))
		}
		t.Add(e.Workstation, e.Computer, e.Client, e.Installed.String(), desired, next(e.Decision), inWords(e.Decision.Reason))
	}
	if err := f.Print(t, p); err != nil || !f.Table() {
		return err
	}
	for _, e := range p.Errors {
		fmt.Fprintf(f.Out(), "%s: %s\n", e.Location, e.Message)
	}
	if len(p.Changed) > 0 {
		fmt.Fprintf(f.Out(), "manifests: %s\n", strings.Join(p.Changed, ", "))
	}
	changing, blocked := 0, 0
	for _, e := range p.Effects {
		if e.Decision.Changes() {
			changing++
		} else if e.Decision.Phase == reconciler.Blocked {
			blocked++
		}
	}
	fmt.Fprintf(f.Out(), "%d of %d installations change, %d are blocked\n", changing, p.Installations, blocked)
	return nil
}

// next is the way of a plan in a word or two.
func next(d reconciler.Decision) string {
	if !d.Changes() {
		return string(d.Phase)
	}
	verbs := make([]string, len(d.Steps))
	for i, step := range d.Steps {
		verbs[i] = string(step.Verb)
	}
	return strings.Join(verbs, ", ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
