package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
	"lull/server/access"
	"lull/server/inventory"
	"lull/server/overview"
)

const actionLife = 24 * time.Hour // an agent that was away for longer is not surprised by it

func (a *api) registerFleet(h huma.API) {
	huma.Register(h, route(http.MethodGet, "/workstations", "Workstations with their computers"), a.workstations)
	huma.Register(h, route(http.MethodGet, "/workstations/{name}", "One workstation, for each of its clients"), a.workstation)
	huma.Register(h, route(http.MethodGet, "/computers", "Computers"), a.computers)
	huma.Register(h, route(http.MethodDelete, "/computers/{id}", "Forget a computer; its agent must enrol again"), a.forget)
	huma.Register(h, route(http.MethodPost, "/actions", "Ask the agents of a workstation to do something once"), a.ask)
	huma.Register(h, route(http.MethodGet, "/clients", "Clients"), a.clients)
	huma.Register(h, route(http.MethodGet, "/groups", "Groups"), a.groups)
}

func (a *api) workstations(_ context.Context, in *struct{ Paging }) (*body[wire.Workstations], error) {
	all := overview.Workstations(a.Fleet.Computers(), a.Current.View(), a.Now())
	items, next := page(all, in.Paging, overview.Key)
	return answer(wire.Workstations{Items: items, Next: next}), nil
}

// named is a workstation for each of its clients.
func (a *api) named(name string) []wire.Workstation {
	computers := slices.DeleteFunc(a.Fleet.Computers(), func(c *inventory.Computer) bool {
		return !slices.ContainsFunc(c.Clients, func(s wire.Status) bool { return strings.EqualFold(s.Workstation, name) })
	})
	all := overview.Workstations(computers, a.Current.View(), a.Now())
	return slices.DeleteFunc(all, func(w wire.Workstation) bool { return !strings.EqualFold(w.Name, name) })
}

func (a *api) workstation(ctx context.Context, in *struct {
	Name string `path:"name"`
}) (*body[wire.Workstations], error) {
	found := a.named(in.Name)
	if len(found) == 0 {
		return nil, a.problem(ctx, errNothing)
	}
	return answer(wire.Workstations{Items: found}), nil
}

func (a *api) computers(_ context.Context, in *struct{ Paging }) (*body[wire.Computers], error) {
	items, next := page(a.Fleet.Computers(), in.Paging, (*inventory.Computer).SortKey)
	out := wire.Computers{Items: make([]wire.Computer, len(items)), Next: next}
	for i, c := range items {
		out.Items[i] = overview.Computer(c)
	}
	return answer(out), nil
}

func (a *api) forget(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*struct{}, error) {
	if err := a.Fleet.Forget(ctx, in.ID); err != nil {
		return nil, a.problem(ctx, err)
	}
	a.Keeper.EndComputer(in.ID)
	a.Log.InfoContext(ctx, "computer forgotten", "computer", in.ID, "by", access.From(ctx).Name)
	return nil, nil
}

func (a *api) ask(ctx context.Context, in *body[wire.Ask]) (*body[wire.Asked], error) {
	ask := in.Body
	if ask.Verb != wire.Retry && ask.Verb != wire.Look {
		return nil, huma.Error422UnprocessableEntity("verb: want " + wire.Retry + " or " + wire.Look)
	}
	if err := checkReason(strings.TrimSpace(ask.Reason)); err != nil {
		return nil, a.problem(ctx, err)
	}
	who := access.From(ctx).Name
	action := wire.Action{Verb: ask.Verb, Client: ask.Client, By: who, Reason: ask.Reason, Until: a.Now().Add(actionLife).UTC().Truncate(time.Second)}
	hosts := map[string]string{} // by computer id, each once
	for _, w := range a.named(ask.Workstation) {
		if ask.Client == "" || ask.Client == w.Client {
			for _, i := range w.Installs {
				hosts[i.Computer] = i.Host
			}
		}
	}
	if len(hosts) == 0 {
		return nil, a.problem(ctx, errNothing)
	}
	if err := a.Fleet.Ask(action, slices.Collect(maps.Keys(hosts))...); err != nil {
		return nil, a.problem(ctx, err)
	}
	a.Log.InfoContext(ctx, "asked", "verb", ask.Verb, "workstation", ask.Workstation, "by", who, "reason", ask.Reason)
	return answer(wire.Asked{Computers: slices.Sorted(maps.Values(hosts))}), nil
}

func (a *api) clients(ctx context.Context, _ *struct{}) (*body[[]wire.ClientInfo], error) {
	set := a.Source.Current().Set
	count := map[string]int{}
	for _, w := range overview.Workstations(a.Fleet.Computers(), a.Current.View(), a.Now()) {
		count[w.Client]++
	}
	list := []wire.ClientInfo{}
	for _, name := range slices.Sorted(maps.Keys(set.Clients)) {
		spec := set.Clients[name].Spec
		info := wire.ClientInfo{
			Name: name, DisplayName: spec.DisplayName, Accepts: spec.Accepts, Compatibility: cmp.Or(spec.Compatibility, schema.NotAboveServer),
			Server: spec.Server, Systems: []string{}, Workstations: count[name],
		}
		if s := set.Servers[spec.Server]; s != nil {
			info.ServerVersion = s.Spec.Version
		}
		for _, system := range []string{"windows", "linux"} {
			if spec.Platforms.On(system) != nil {
				info.Systems = append(info.Systems, system)
			}
		}
		list = append(list, info)
	}
	return answer(list), nil
}

func (a *api) groups(context.Context, *struct{}) (*body[[]wire.GroupInfo], error) {
	list := []wire.GroupInfo{}
	for _, g := range a.Source.Current().Set.Groups {
		info := wire.GroupInfo{Name: g.Meta.Name, Client: g.Spec.Client, Priority: g.Spec.Priority, Suspend: g.Spec.Suspend}
		if g.Spec.Version != nil {
			info.Version = g.Spec.Version.String()
		}
		list = append(list, info)
	}
	return answer(list), nil
}

// effects puts into a plan what it does: installations that it changes, and those that are not where they shall be.
func (a *api) effects(plan *wire.Plan, before, after *reconciler.Resolver) {
	all := reconciler.Preview(before, after, overview.Known(a.Fleet.Computers()), a.Now())
	plan.Installations, plan.Effects = len(all), []wire.Effect{}
	for _, e := range all {
		if p := e.Decision.Phase; !e.Changed && (p == reconciler.UpToDate || p == reconciler.Unmanaged) {
			continue
		}
		plan.Effects = append(plan.Effects, wire.Effect{
			Client: e.Subject.Client, Workstation: e.Subject.Workstation, Computer: e.Subject.Computer,
			Installed: e.Observed.Version, Before: e.Before.Version, After: e.After.Version,
			Changed: e.Changed, Decision: e.Decision,
		})
	}
}
