package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lull/internal/release"
	"lull/internal/voice"
	"lull/manifests"
	"lull/schema"
)

func releaseCommand(c *connection) *cobra.Command {
	return parent(&cobra.Command{Use: "release", Short: "The stored versions of clients", Example: "  lull release list"},
		releaseAddCommand(c), releaseListCommand(c), releaseApproveCommand(c), releaseWithdrawCommand(c))
}

func releaseListCommand(c *connection) *cobra.Command {
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the stored releases and what was decided about them",
		Example: "  lull release list -o wide",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return getReleases(cmd.Context(), c, format.To(cmd.OutOrStdout()))
		},
	}
	format.Flag(cmd.Flags())
	return cmd
}

// added are the flags of release add.
type added struct {
	client, version, system, notes string
	into, manifests                string
}

func releaseAddCommand(c *connection) *cobra.Command {
	var a added
	cmd := &cobra.Command{
		Use:   "add PATH",
		Short: "Store a release from a folder, a zip or a tar",
		Long: `Store a release from a folder, a zip, a tar or a tar.gz.

How its version is read, which programs it has and what belongs to the user is
copied from the Client manifest into the release, so that no later manifest can
make an agent execute anything else. Storing approves nothing: see lull release
approve. With --into and --manifests no server is needed.`,
		Example: `  lull release add viewer-5.8.2.zip --client viewer --version 5.8.2 --platform windows
  lull release add ./viewer-5.8.2 --client viewer --version 5.8.2 --platform linux --into ./releases --manifests ./manifests`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := a.run(cmd, c, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "stored %s: %s, index sha256 %s\n", ref, voice.Bytes(ref.Size), ref.SHA256)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.client, "client", "", "`name` of the client (required)")
	f.StringVar(&a.version, "version", "", "`version` of the release (required)")
	f.StringVar(&a.system, "platform", "", "windows or linux (required)")
	f.StringVar(&a.notes, "notes", "", "what people should know about it")
	f.StringVar(&a.into, "into", "", "`folder` of releases to add to, instead of the server's")
	f.StringVar(&a.manifests, "manifests", "", "`path` of the manifests with the Client, instead of the server's")
	for _, name := range []string{"client", "version", "platform"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that does not exist
	}
	cmd.MarkFlagsRequiredTogether("into", "manifests")
	return cmd
}

func (a *added) run(cmd *cobra.Command, c *connection, path string) (release.Ref, error) {
	ctx := cmd.Context()
	version, err := schema.ParseVersion(a.version)
	if err != nil {
		return release.Ref{}, voice.Usage(err)
	}
	set, err := a.set(ctx, c)
	if err != nil {
		return release.Ref{}, err
	}
	platform, err := platformOf(set, a.client, a.system)
	if err != nil {
		return release.Ref{}, err
	}
	progress := voice.NewProgress(cmd.ErrOrStderr(), "storing "+a.client+" "+a.version)
	defer progress.Done()
	description := release.Description{
		Client: a.client, Version: version, System: a.system, Platform: *platform, Notes: a.notes, Progress: progress.Set,
	}
	if a.into != "" {
		return addTo(ctx, cmd, a.into, path, description)
	}
	return upload(ctx, cmd, c, path, description)
}

// set is the manifests that describe the client: those of a path, or those of the server.
func (a *added) set(ctx context.Context, c *connection) (*schema.Set, error) {
	if a.manifests == "" {
		return serverSet(ctx, c, schema.KindServer, schema.KindClient)
	}
	snapshot, err := manifests.Read(ctx, a.manifests, manifests.Options{})
	if err != nil {
		return nil, err
	}
	return snapshot.Set, nil
}

func platformOf(set *schema.Set, client, system string) (*schema.Platform, error) {
	manifest := set.Clients[client]
	if manifest == nil {
		names := strings.Join(slices.Sorted(maps.Keys(set.Clients)), ", ")
		return nil, voice.Hint(fmt.Errorf("no Client manifest named %q", client), "the manifests describe: %s", names)
	}
	platform := manifest.Spec.Platforms.On(system)
	if platform == nil {
		return nil, fmt.Errorf("client %s has no platform %q in its manifest", client, system)
	}
	return platform, nil
}

func addTo(ctx context.Context, cmd *cobra.Command, folder, path string, d release.Description) (release.Ref, error) {
	store, err := release.Open(folder)
	if err != nil {
		return release.Ref{}, err
	}
	added, err := store.Add(ctx, path, d)
	if err != nil {
		return release.Ref{}, err
	}
	if added.Stripped != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "took off the top-level folder %q\n", added.Stripped)
	}
	if added.Unchanged {
		fmt.Fprintln(cmd.OutOrStdout(), "this very release was stored before")
	}
	return added.Ref, nil
}

func releaseApproveCommand(c *connection) *cobra.Command {
	return decideCommand(c, "approve", "Let newest and ranges choose a release", `  lull release approve 5.8.2 --client viewer --reason CHG-4711`,
		func(spec *schema.ReleaseSpec, by schema.Decision) { spec.Approved, spec.Withdrawn = &by, nil })
}

func releaseWithdrawCommand(c *connection) *cobra.Command {
	return decideCommand(c, "withdraw", "Forbid a release, also where a manifest names it exactly", `  lull release withdraw 5.8.2 --client viewer --reason "crashes at start"`,
		func(spec *schema.ReleaseSpec, by schema.Decision) { spec.Withdrawn = &by })
}

// decideCommand writes the Release manifest that says what people decided.
func decideCommand(c *connection, verb, what, example string, decide func(*schema.ReleaseSpec, schema.Decision)) *cobra.Command {
	var client, by string
	var w change
	format := &voice.Format{}
	cmd := &cobra.Command{
		Use: verb + " VERSION", Short: what, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := schema.ParseVersion(args[0])
			if err != nil {
				return voice.Usage(err)
			}
			set, err := serverSet(cmd.Context(), c, schema.KindServer, schema.KindClient, schema.KindRelease)
			if err != nil {
				return err
			}
			manifest := releaseManifest(set, client, version)
			decide(&manifest.Spec, schema.Decision{By: by, Reason: w.reason})
			document, err := schema.Marshal(manifest)
			if err != nil {
				return err
			}
			plan, err := apply(cmd.Context(), c, document, w)
			if err != nil {
				return err
			}
			return w.show(format.To(cmd.OutOrStdout()), plan)
		},
	}
	cmd.Flags().StringVar(&client, "client", "", "`name` of the client (required)")
	cmd.Flags().StringVar(&by, "by", userName(), "who decides")
	_ = cmd.MarkFlagRequired("client") // fails only for a flag that does not exist
	w.flags(cmd)
	format.Flag(cmd.Flags())
	return cmd
}

// releaseManifest is the manifest of a release, or a new one under its usual name.
func releaseManifest(set *schema.Set, client string, version schema.Version) *schema.Release {
	for _, r := range set.Releases {
		if r.Spec.Client == client && r.Spec.Version.Equal(version) {
			changed := *r
			return &changed
		}
	}
	return &schema.Release{
		Meta: schema.Meta{Name: client + "-" + version.String()},
		Spec: schema.ReleaseSpec{Client: client, Version: version},
	}
}
