package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"gopkg.in/yaml.v3"

	"lull/internal/wire"
	"lull/manifests"
	"lull/schema"
	"lull/server/access"
	"lull/server/steering"
)

const (
	maxManifests = 16 << 20 // bytes of one request
	maxRevision  = 96 << 20 // bytes of a whole revision: what manifests reads at most, and JSON around it
	maxReason    = 2000     // characters
)

func (a *api) registerManifests(h huma.API) {
	put := route(http.MethodPut, "/manifests/{kind}/{name}", "Write one manifest")
	post := route(http.MethodPost, "/manifests", "Write many manifests in one commit")
	put.MaxBodyBytes, post.MaxBodyBytes = maxManifests, maxManifests
	huma.Register(h, route(http.MethodGet, "/manifests", "All manifests, as YAML or JSON"), a.listManifests)
	huma.Register(h, route(http.MethodGet, "/manifests/{kind}/{name}", "One manifest, as YAML or JSON"), a.getManifest)
	huma.Register(h, put, a.putManifest)
	huma.Register(h, route(http.MethodDelete, "/manifests/{kind}/{name}", "Remove one manifest"), a.deleteManifest)
	huma.Register(h, post, a.postManifests)
	huma.Register(h, route(http.MethodPost, "/version", "Set the version of workstations, a group or all"), a.setVersion)
	huma.Register(h, route(http.MethodGet, "/revisions", "The revision in force, a refused one, and the history"), a.revisions)
	huma.Register(h, route(http.MethodGet, "/plan", "What the revision in force does"), a.plan)
	plan := route(http.MethodPost, "/plan", "What a revision would do that is not in force")
	plan.MaxBodyBytes = maxRevision
	plan.Middlewares = huma.Middlewares{oneAtATime(h)}
	huma.Register(h, plan, a.planFiles)
}

// oneAtATime sends a caller away while another one is answered, before its body is read: whole revisions are large.
func oneAtATime(h huma.API) func(huma.Context, func(huma.Context)) {
	var busy sync.Mutex
	return func(ctx huma.Context, next func(huma.Context)) {
		if !busy.TryLock() {
			ctx.SetHeader("Retry-After", "1")
			_ = huma.WriteErr(h, ctx, http.StatusTooManyRequests, "another plan is being made; try again shortly") // who asked is gone if this fails
			return
		}
		defer busy.Unlock()
		next(ctx)
	}
}

// document is an answer in the form that the caller asked for.
type document struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// Written is what all changes of manifests ask for.
type Written struct {
	Reason  string `query:"reason" doc:"why; or the header Lull-Reason"`
	Header  string `header:"Lull-Reason"`
	IfMatch string `header:"If-Match" doc:"the revision that the change was made for"`
	DryRun  bool   `query:"dryRun" doc:"preview only"`
}

// Named is the path of one manifest.
type Named struct {
	Kind string `path:"kind" doc:"Server, Client, Release, Group or Workstation, in any case"`
	Name string `path:"name"`
}

func (n Named) kind() (schema.Kind, error) {
	for _, k := range schema.Kinds() {
		if strings.EqualFold(string(k), n.Kind) {
			return k, nil
		}
	}
	return "", huma.Error404NotFound(fmt.Sprintf("kind %q: want one of %v", n.Kind, schema.Kinds()))
}

func (a *api) listManifests(ctx context.Context, in *struct {
	Accept string `header:"Accept"`
	Kind   string `query:"kind" doc:"only this kind"`
}) (*document, error) {
	snapshot := a.Source.Current()
	var docs [][]byte
	for _, m := range every(snapshot.Set) {
		if in.Kind != "" && !strings.EqualFold(string(m.kind), in.Kind) {
			continue
		}
		doc, err := text(snapshot, m.kind, m.meta.Name)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		docs = append(docs, doc)
	}
	return a.document(ctx, snapshot, in.Accept, docs, true)
}

func (a *api) getManifest(ctx context.Context, in *struct {
	Named
	Accept string `header:"Accept"`
}) (*document, error) {
	kind, err := in.kind()
	if err != nil {
		return nil, err
	}
	snapshot := a.Source.Current()
	doc, err := text(snapshot, kind, in.Name)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	return a.document(ctx, snapshot, in.Accept, [][]byte{doc}, false)
}

// text is a manifest as it is written.
func text(snapshot *manifests.Snapshot, kind schema.Kind, name string) ([]byte, error) {
	file, ok := snapshot.Find(kind, name)
	if !ok {
		return nil, errNothing
	}
	data, _ := snapshot.Text(file)
	return schema.Document(data, kind, name)
}

// document writes manifests as JSON if the caller prefers it, else as YAML.
func (a *api) document(ctx context.Context, snapshot *manifests.Snapshot, accept string, docs [][]byte, list bool) (*document, error) {
	out := &document{ContentType: "application/yaml", ETag: `"` + snapshot.Revision + `"`}
	if !strings.Contains(accept, "json") {
		out.Body = bytes.Join(docs, []byte("---\n"))
		return out, nil
	}
	values := make([]any, len(docs))
	for i, doc := range docs {
		if err := yaml.Unmarshal(doc, &values[i]); err != nil {
			return nil, a.problem(ctx, err)
		}
	}
	var value any = values
	if !list {
		value = values[0]
	}
	body, err := json.Marshal(value)
	out.ContentType, out.Body = "application/json", body
	return out, a.problem(ctx, err)
}

type entry struct {
	kind schema.Kind
	meta schema.Meta
}

// every lists all manifests in the order of kinds and names.
func every(set *schema.Set) []entry {
	var list []entry
	for _, m := range set.Servers {
		list = append(list, entry{schema.KindServer, m.Meta})
	}
	for _, m := range set.Clients {
		list = append(list, entry{schema.KindClient, m.Meta})
	}
	for _, m := range set.Releases {
		list = append(list, entry{schema.KindRelease, m.Meta})
	}
	for _, m := range set.Groups {
		list = append(list, entry{schema.KindGroup, m.Meta})
	}
	for _, m := range set.Workstations {
		list = append(list, entry{schema.KindWorkstation, m.Meta})
	}
	kinds := schema.Kinds()
	slices.SortFunc(list, func(x, y entry) int {
		if d := slices.Index(kinds, x.kind) - slices.Index(kinds, y.kind); d != 0 {
			return d
		}
		return strings.Compare(x.meta.Name, y.meta.Name)
	})
	return list
}

func (a *api) putManifest(ctx context.Context, in *struct {
	Named
	Written
	RawBody []byte `contentType:"application/yaml"`
}) (*body[wire.Plan], error) {
	kind, err := in.kind()
	if err != nil {
		return nil, err
	}
	return a.change(ctx, in.Written, func(e *steering.Edit) error {
		if errs := schema.ParseFile("request", in.RawBody).Errors; len(errs) > 0 {
			return &manifests.Invalid{Errors: errs}
		}
		return e.Put(kind, in.Name, in.RawBody)
	})
}

func (a *api) postManifests(ctx context.Context, in *struct {
	Written
	RawBody []byte `contentType:"application/yaml"`
}) (*body[wire.Plan], error) {
	return a.change(ctx, in.Written, func(e *steering.Edit) error { return e.PutAll(in.RawBody) })
}

func (a *api) deleteManifest(ctx context.Context, in *struct {
	Named
	Written
}) (*body[wire.Plan], error) {
	kind, err := in.kind()
	if err != nil {
		return nil, err
	}
	return a.change(ctx, in.Written, func(e *steering.Edit) error {
		found, err := e.Remove(kind, in.Name)
		if err == nil && !found {
			err = errNothing
		}
		return err
	})
}

func (a *api) setVersion(ctx context.Context, in *struct {
	Written
	Body wire.SetVersion
}) (*body[wire.Plan], error) {
	if in.Body.Reason != "" {
		in.Written.Reason = in.Body.Reason
	}
	return a.change(ctx, in.Written, func(e *steering.Edit) error { return e.SetVersion(in.Body) })
}

// change carries out or previews an edit of the manifests and says what it does to the installations.
func (a *api) change(ctx context.Context, in Written, edit func(*steering.Edit) error) (*body[wire.Plan], error) {
	if a.Store == nil {
		return nil, a.problem(ctx, outside{a.Source.String()})
	}
	reason := strings.TrimSpace(in.Reason)
	if reason == "" {
		reason = strings.TrimSpace(in.Header)
	}
	if err := checkReason(reason); err != nil && (reason != "" || !in.DryRun) {
		return nil, a.problem(ctx, err)
	}
	view, err := a.view()
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	var made steering.Edit
	c := manifests.Change{
		Author: access.From(ctx).Name, Reason: reason, Expect: strings.Trim(strings.TrimPrefix(in.IfMatch, "W/"), `"*`),
		Edit: func(d *manifests.Draft) error {
			made.Draft, made.Set = d, a.Source.Current().Set // now that nobody else can write
			return edit(&made)
		},
	}
	plan := wire.Plan{Effects: []wire.Effect{}}
	var after *wire.Revision
	if in.DryRun {
		after, err = a.preview(ctx, c, &plan, view.Releases)
	} else {
		after, err = a.write(ctx, c, &plan)
	}
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	if after != nil {
		a.effects(&plan, view.Resolver, after.Resolver)
	}
	plan.Changed = made.Changed
	return answer(plan), nil
}
