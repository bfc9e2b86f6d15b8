// Package overview turns the inventory into what people look at: workstations that open to their computers.
//
// A workstation is a client under a registered name, without regard to case; every computer that uses the name belongs
// to it. What is shown for the whole is what most needs attention among its computers. The functions are pure: they take
// a list of computers and what the manifests want now, and neither keep nor change anything.
package overview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
	"lull/server/current"
	"lull/server/inventory"
)

// Workstations groups computers, sorted by name and client. With a view, clients that have no manifest any more are
// left out, and what is desired is the view's; without one, nothing is desired yet.
func Workstations(computers []*inventory.Computer, view *current.View, now time.Time) []wire.Workstation {
	groups := map[string]*wire.Workstation{}
	for _, c := range computers {
		for i, subject := range subjects(c) {
			status := c.Clients[i]
			if view != nil && view.Set.Clients[status.Client] == nil {
				continue
			}
			key := strings.ToLower(status.Workstation) + "\x00" + status.Client
			w := groups[key]
			if w == nil {
				w = &wire.Workstation{Name: status.Workstation, Client: status.Client}
				groups[key] = w
			}
			install := wire.Installation{Computer: c.ID, Host: c.Host, System: c.System(), Seen: c.Seen, Status: status}
			if view != nil {
				install.Desired = view.Resolver.Resolve(subject)
				foresee(&install, now)
			}
			w.Installs = append(w.Installs, install)
		}
	}
	list := make([]wire.Workstation, 0, len(groups))
	for _, w := range groups {
		summarise(w)
		list = append(list, *w)
	}
	inventory.SortBy(list, Key)
	return list
}

// foresee puts the plan in the place of a status that is about something else than what is desired now: an agent that is
// switched off must not look up to date because it was when it was seen last.
func foresee(i *wire.Installation, now time.Time) {
	if i.Status.Desired.Equal(i.Desired.Version) && i.Desired.Managed == (i.Status.Phase != reconciler.Unmanaged) {
		return
	}
	plan := reconciler.Plan(i.Desired, i.Status.Observed, now)
	i.Status.Phase, i.Status.Reason, i.Status.Since = plan.Phase, plan.Reason, time.Time{}
	if plan.Changes() {
		i.Status.Reason = reconciler.Why(reconciler.NotReported, "installed", i.Status.Observed.Version.String(), "desired", i.Desired.Version.String())
	}
}

// Key orders workstations and names one of them.
func Key(w wire.Workstation) string { return strings.ToLower(w.Name) + "/" + w.Client }

// summarise sets what is shown for the whole workstation.
func summarise(w *wire.Workstation) {
	worst := slices.MaxFunc(w.Installs, func(a, b wire.Installation) int {
		return cmp.Or(cmp.Compare(urgency(a.Status.Phase), urgency(b.Status.Phase)), b.Status.Since.Compare(a.Status.Since))
	})
	w.Desired, w.Phase, w.Reason, w.Since = worst.Desired, worst.Status.Phase, worst.Status.Reason, worst.Status.Since
	w.Versions = []schema.Version{}
	for _, i := range w.Installs {
		if i.Seen.After(w.Seen) {
			w.Seen = i.Seen
		}
		if v := i.Status.Observed.Version; !v.IsZero() && !slices.ContainsFunc(w.Versions, v.Equal) {
			w.Versions = append(w.Versions, v)
		}
	}
	slices.SortFunc(w.Versions, func(a, b schema.Version) int { return b.Compare(a) })
}

// urgency orders phases by how much they need a person.
func urgency(p reconciler.Phase) int {
	order := []reconciler.Phase{reconciler.Unmanaged, reconciler.UpToDate, reconciler.Suspended, reconciler.WaitingForRollout,
		reconciler.WaitingForWindow, reconciler.WaitingForIdle, reconciler.Staging, reconciler.Updating, reconciler.Blocked,
		reconciler.RolledBack, reconciler.Failed}
	return slices.Index(order, p)
}

func subjects(c *inventory.Computer) []reconciler.Subject {
	return wire.Checkin{Facts: c.Facts, Labels: c.Labels, Clients: c.Clients}.Subjects()
}

// Known lists every installation for a preview of other manifests.
func Known(computers []*inventory.Computer) []reconciler.Known {
	var known []reconciler.Known
	for _, c := range computers {
		for i, subject := range subjects(c) {
			known = append(known, reconciler.Known{Subject: subject, Observed: c.Clients[i].Observed})
		}
	}
	return known
}

// Computer is a computer as the API shows it.
func Computer(c *inventory.Computer) wire.Computer {
	return wire.Computer{
		ID: c.ID, Host: c.Host, Enrolled: c.Enrolled, Seen: c.Seen, Agent: c.Agent, Mode: c.Mode,
		Facts: c.Facts, Labels: c.Labels, Clients: c.Clients, Sessions: c.Sessions, Actions: c.Actions,
	}
}
