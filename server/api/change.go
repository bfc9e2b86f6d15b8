package api

import (
	"context"
	"errors"
	"maps"
	"slices"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/manifests"
	"lull/schema"
)

// preview is what the manifests would be; nil if they would have errors, which are then part of the plan.
func (a *api) preview(ctx context.Context, c manifests.Change, plan *wire.Plan, refs []release.Ref) (*wire.Revision, error) {
	set, err := a.Store.Preview(ctx, c)
	var invalid *manifests.Invalid
	if errors.As(err, &invalid) {
		plan.Errors = problems(invalid.Errors)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return wire.NewRevision("", set, refs), nil
}

// write makes the commit and puts it in force before it returns.
func (a *api) write(ctx context.Context, c manifests.Change, plan *wire.Plan) (*wire.Revision, error) {
	revision, err := a.Store.Write(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := a.Current.Refresh(); err != nil {
		return nil, err
	}
	a.Log.InfoContext(ctx, "manifests changed", "revision", revision, "by", c.Author, "reason", c.Reason)
	plan.Revision, plan.Applied = revision, true
	return a.Current.View().Revision, nil
}

func problems(errs schema.Errors) []wire.ProblemDetail {
	list := make([]wire.ProblemDetail, len(errs))
	for i, e := range errs {
		message := e.Message
		if e.Path != "" {
			message = e.Path + ": " + message
		}
		if e.Hint != "" {
			message += " (" + e.Hint + ")"
		}
		list[i] = wire.ProblemDetail{Message: message, Location: e.At.String()}
	}
	return list
}

func (a *api) revisions(ctx context.Context, in *struct {
	After string `query:"after" doc:"the history before this revision"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}) (*body[wire.Revisions], error) {
	snapshot := a.Source.Current()
	out := wire.Revisions{Source: a.Source.String(), Current: snapshot.Revision, Writable: a.Store != nil}
	if r := snapshot.Refused; r != nil {
		out.Refused = &wire.RefusedRevision{Revision: r.Revision, Errors: problems(r.Errors)}
	}
	if u := snapshot.Unreachable; u != nil {
		out.Problem = u.Reason
	}
	if a.Store == nil {
		return answer(out), nil
	}
	commits, err := a.Store.History(ctx, in.After, in.Limit)
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	for _, c := range commits {
		out.History = append(out.History, wire.Commit{Revision: c.Revision, Author: c.Author, Time: c.When, Reason: c.Reason})
	}
	return answer(out), nil
}

func (a *api) plan(ctx context.Context, _ *struct{}) (*body[wire.Plan], error) {
	view, err := a.view()
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	plan := wire.Plan{Revision: view.Name, Applied: true}
	a.effects(&plan, view.Resolver, view.Resolver)
	if r := a.Source.Current().Refused; r != nil {
		plan.Errors = problems(r.Errors)
	}
	return answer(plan), nil
}

// planFiles plans a whole revision that is not in force, such as a checkout on somebody's desk.
func (a *api) planFiles(ctx context.Context, in *struct{ Body wire.PlanRequest }) (*body[wire.Plan], error) {
	view, err := a.view()
	if err != nil {
		return nil, a.problem(ctx, err)
	}
	plan := wire.Plan{Revision: in.Body.Revision}
	var files []*schema.File
	for _, name := range slices.Sorted(maps.Keys(in.Body.Files)) {
		files = append(files, schema.ParseFile(name, []byte(in.Body.Files[name])))
	}
	set, errs := schema.NewSet(files)
	if len(errs) > 0 {
		plan.Errors = problems(errs)
		return answer(plan), nil
	}
	a.effects(&plan, view.Resolver, wire.NewRevision(plan.Revision, set, view.Releases).Resolver)
	return answer(plan), nil
}
