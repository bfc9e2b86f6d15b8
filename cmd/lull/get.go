package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lull/internal/voice"
	"lull/internal/wire"
	"lull/reconciler"
)

// getCommand lists what the server knows. Each kind is one function from the server's answer to rows; -o json and yaml
// print the answer itself.
func getCommand(c *connection) *cobra.Command {
	kinds := map[string]func(context.Context, *connection, *voice.Format) error{
		"workstations": getWorkstations,
		"computers":    getComputers,
		"groups":       getGroups,
		"clients":      getClients,
		"releases":     getReleases,
		"revisions":    getRevisions,
	}
	names := slices.Sorted(maps.Keys(kinds))
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:   "get " + strings.Join(names, "|"),
		Short: "List what the server knows",
		Example: `  lull get workstations
  lull get workstations -o wide
  lull get computers -o json | jq '.[].host'`,
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || kinds[args[0]] == nil {
				return voice.Usage(fmt.Errorf("lull get takes one of: %s", strings.Join(names, ", ")))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return kinds[args[0]](cmd.Context(), c, format.To(cmd.OutOrStdout()))
		},
	}
	format.Flag(cmd.Flags())
	return cmd
}

func allWorkstations(ctx context.Context, c *connection) (all []wire.Workstation, err error) {
	var page wire.Workstations
	err = c.pages(ctx, "/workstations", nil, &page, func() string {
		all = append(all, page.Items...)
		next := page.Next
		page = wire.Workstations{}
		return next
	})
	return all, err
}

func allComputers(ctx context.Context, c *connection) (all []wire.Computer, err error) {
	var page wire.Computers
	err = c.pages(ctx, "/computers", nil, &page, func() string {
		all = append(all, page.Items...)
		next := page.Next
		page = wire.Computers{}
		return next
	})
	return all, err
}

func getWorkstations(ctx context.Context, c *connection, f *voice.Format) error {
	all, err := allWorkstations(ctx, c)
	if err != nil {
		return err
	}
	t := voice.NewRows("NAME", "CLIENT", "INSTALLED", "DESIRED", "PHASE", "WHY", "SINCE")
	t.Wide("COMPUTERS", "FROM", "SEEN")
	for _, w := range all {
		t.Add(w.Name, w.Client, versions(w), w.Desired.Version.String(), string(w.Phase), inWords(w.Reason), age(w.Since),
			hosts(w.Installs), origin(w.Desired), age(w.Seen))
	}
	return f.Print(t, all)
}

func getComputers(ctx context.Context, c *connection, f *voice.Format) error {
	all, err := allComputers(ctx, c)
	if err != nil {
		return err
	}
	t := voice.NewRows("HOST", "SYSTEM", "CLIENTS", "SEEN", "MODE")
	t.Wide("ID", "AGENT", "LABELS")
	for _, computer := range all {
		var clients []string
		for _, s := range computer.Clients {
			clients = append(clients, strings.TrimSpace(s.Client+" "+s.Observed.Version.String()))
		}
		t.Add(computer.Host, computer.Facts[wire.FactSystem], strings.Join(clients, ", "), age(computer.Seen), computer.Mode,
			computer.ID, computer.Agent, voice.Pairs(computer.Labels))
	}
	return f.Print(t, all)
}

func getGroups(ctx context.Context, c *connection, f *voice.Format) error {
	var all []wire.GroupInfo
	if err := c.do(ctx, call{path: "/groups"}, &all); err != nil {
		return err
	}
	t := voice.NewRows("NAME", "CLIENT", "PRIORITY", "VERSION", "SUSPENDED")
	for _, g := range all {
		suspended := ""
		if g.Suspend != nil {
			suspended = g.Suspend.Reason
		}
		t.Add(g.Name, g.Client, strconv.Itoa(g.Priority), g.Version, suspended)
	}
	return f.Print(t, all)
}

func getClients(ctx context.Context, c *connection, f *voice.Format) error {
	var all []wire.ClientInfo
	if err := c.do(ctx, call{path: "/clients"}, &all); err != nil {
		return err
	}
	t := voice.NewRows("NAME", "SERVER VERSION", "COMPATIBILITY", "SYSTEMS", "WORKSTATIONS")
	t.Wide("DISPLAY NAME", "ACCEPTS")
	for _, info := range all {
		t.Add(info.Name, info.ServerVersion.String(), string(info.Compatibility), strings.Join(info.Systems, ", "),
			strconv.Itoa(info.Workstations), info.DisplayName, info.Accepts.String())
	}
	return f.Print(t, all)
}

func storedReleases(ctx context.Context, c *connection) ([]wire.StoredRelease, error) {
	var answer wire.Releases
	err := c.do(ctx, call{path: "/releases"}, &answer)
	return answer.Items, err
}

func getReleases(ctx context.Context, c *connection, f *voice.Format) error {
	all, err := storedReleases(ctx, c)
	if err != nil {
		return err
	}
	t := voice.NewRows("CLIENT", "VERSION", "SYSTEM", "SIZE", "STATE")
	t.Wide("REASON", "INDEX SHA256")
	for _, r := range all {
		state, reason := "stored", ""
		if r.Approved != nil {
			state, reason = "approved by "+r.Approved.By, r.Approved.Reason
		}
		if r.Withdrawn != nil {
			state, reason = "withdrawn by "+r.Withdrawn.By, r.Withdrawn.Reason
		}
		t.Add(r.Client, r.Version.String(), r.System, voice.Bytes(r.Size), state, reason, r.SHA256)
	}
	return f.Print(t, all)
}

func getRevisions(ctx context.Context, c *connection, f *voice.Format) error {
	var answer wire.Revisions
	if err := c.do(ctx, call{path: "/revisions"}, &answer); err != nil {
		return err
	}
	t := voice.NewRows("REVISION", "STATE", "WHEN", "AUTHOR", "REASON")
	if answer.Refused != nil {
		t.Add(short(answer.Refused.Revision), fmt.Sprintf("refused: %d errors", len(answer.Refused.Errors)), "", "", "")
	}
	if len(answer.History) == 0 && answer.Current != "" {
		t.Add(short(answer.Current), "in force", "", "", "")
	}
	for _, commit := range answer.History {
		state := ""
		if commit.Revision == answer.Current {
			state = "in force"
		}
		t.Add(short(commit.Revision), state, age(commit.Time), commit.Author, commit.Reason)
	}
	if err := f.Print(t, answer); err != nil {
		return err
	}
	if answer.Refused != nil && f.Table() {
		for _, e := range answer.Refused.Errors {
			fmt.Fprintf(f.Out(), "%s: %s\n", e.Location, e.Message)
		}
	}
	return nil
}

func versions(w wire.Workstation) string {
	var all []string
	for _, v := range w.Versions {
		all = append(all, v.String())
	}
	return strings.Join(all, ", ")
}

func hosts(installs []wire.Installation) string {
	var all []string
	for _, i := range installs {
		all = append(all, i.Host)
	}
	return strings.Join(all, ", ")
}

// short is a revision as people say it.
func short(revision string) string {
	if head, digest, ok := strings.Cut(revision, ":"); ok {
		return head + ":" + short(digest)
	}
	return revision[:min(len(revision), 10)]
}

// age is how long ago something was, in its largest unit.
func age(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// origin names the manifest that sets the version.
func origin(d reconciler.Desired) string {
	o, ok := d.Origins["version"]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Name)
}
