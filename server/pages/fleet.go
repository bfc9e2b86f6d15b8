package pages

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lull/internal/wire"
	"lull/internal/words"
	"lull/reconciler"
	"lull/schema"
	"lull/server/current"
	"lull/server/overview"
)

const (
	rowsPerPage = 500
	stale       = 3 * time.Minute // without a check-in, of which there is one a minute
)

// fleetBody is what the page of all workstations shows.
type fleetBody struct {
	Source, Revision string
	Refused          []string // errors of the refused revision
	Unreachable      string
	Servers          []server
	Counts           []count
	Releases         []stored
	Rows             []row
	Total            int
	Query, Next      string
	More, Toggle     string // addresses: of the next page, and of this one with the other Live
	Live             bool
}

type server struct{ Name, Version string }

// stored is a release in the store, and what was decided about it.
type stored struct{ Client, Version, System, Decision string }

type count struct {
	Class, Words string
	N            int
}

// row is one workstation, or one computer below it.
type row struct {
	Name, Client       string
	Installed, Desired string
	Class, Phase, Why  string
	Since, Seen        moment
	Stale              bool
	System, Sessions   string
	Progress           string
	Count              string // of several computers
	Computers          []row
}

// moment is a time as people read it.
type moment struct{ Exact, Ago string }

// maker makes rows in one language at one time.
type maker struct {
	lang     words.Language
	now      time.Time
	view     *current.View
	sessions map[string]string // by computer id
}

func (p *Pages) fleet(w http.ResponseWriter, r *http.Request) {
	view, snapshot := p.Current.View(), p.Source.Current()
	computers := p.Fleet.Computers()
	m := maker{words.Choose(r.Header.Get("Accept-Language")), p.Now().In(p.Zone), view, make(map[string]string, len(computers))}
	for _, c := range computers {
		m.sessions[c.ID] = m.session(c.Sessions)
	}
	body := fleetBody{
		Source: p.Source.String(), Revision: snapshot.Revision,
		Query: strings.TrimSpace(r.URL.Query().Get("q")), Live: r.URL.Query().Has("live"),
	}
	if snapshot.Refused != nil {
		for _, e := range snapshot.Refused.Errors {
			body.Refused = append(body.Refused, e.Error())
		}
	}
	if snapshot.Unreachable != nil {
		body.Unreachable = snapshot.Unreachable.Reason
	}
	for _, name := range slices.Sorted(maps.Keys(snapshot.Set.Servers)) {
		body.Servers = append(body.Servers, server{name, snapshot.Set.Servers[name].Spec.Version.String()})
	}
	body.Releases = m.releases()
	m.fill(&body, overview.Workstations(computers, view, m.now), r.URL.Query().Get("after"))
	body.Toggle = address(r.URL.Query(), "live", !body.Live, "")
	body.More = address(r.URL.Query(), "after", true, body.Next)
	p.show(w, r, http.StatusOK, "fleet.html", body)
}

// address is that of the page with what the reader chose, and one parameter set or left out.
func address(chosen url.Values, name string, set bool, value string) string {
	chosen.Del(name)
	if set {
		chosen.Set(name, value)
	}
	return "/?" + chosen.Encode()
}

// releases lists what is stored, the newest version first.
func (m maker) releases() []stored {
	if m.view == nil {
		return nil
	}
	var list []stored
	for _, ref := range slices.Backward(m.view.Releases) {
		s := stored{Client: ref.Client, Version: ref.Version.String(), System: ref.System}
		for _, manifest := range m.view.Set.Releases {
			switch spec := manifest.Spec; {
			case spec.Client != ref.Client || !spec.Version.Equal(ref.Version):
			case spec.Withdrawn != nil:
				s.Decision = words.Text(m.lang, "withdrawn")
			case spec.Approved != nil:
				s.Decision = words.Text(m.lang, "approved")
			}
		}
		list = append(list, s)
	}
	return list
}

// fill adds the counts of all workstations, and the rows of those that the query and the position select.
func (m maker) fill(body *fleetBody, all []wire.Workstation, after string) {
	body.Total = len(all)
	counts, last := map[reconciler.Phase]int{}, ""
	for _, w := range all {
		counts[w.Phase]++
		if overview.Key(w) <= after || body.Next != "" {
			continue
		}
		made := m.workstation(w)
		if !made.matches(body.Query) {
			continue
		}
		if len(body.Rows) == rowsPerPage {
			body.Next = last
			continue
		}
		body.Rows, last = append(body.Rows, made), overview.Key(w)
	}
	for _, phase := range slices.Sorted(maps.Keys(counts)) {
		body.Counts = append(body.Counts, count{class(phase), words.Phase(m.lang, phase), counts[phase]})
	}
	slices.SortStableFunc(body.Counts, func(a, b count) int { return cmp.Compare(b.N, a.N) })
}

func (r row) matches(query string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(strings.ToLower(r.Name+" "+r.Client+" "+r.Phase+" "+r.Installed), word) {
			return false
		}
	}
	return true
}

func (m maker) workstation(w wire.Workstation) row {
	versions := make([]string, len(w.Versions))
	for i, v := range w.Versions {
		versions[i] = v.String()
	}
	r := m.row(w.Name, w.Client, w.Phase, w.Reason, w.Desired, w.Since, w.Seen)
	r.Installed = cmp.Or(strings.Join(versions, ", "), "–")
	for _, i := range w.Installs {
		s := i.Status
		c := m.row(i.Host, "", s.Phase, s.Reason, i.Desired, s.Since, i.Seen)
		c.Installed = cmp.Or(s.Observed.Version.String(), "–")
		c.System, c.Sessions = i.System, m.sessions[i.Computer]
		if s.Progress != nil && s.Progress.Total > 0 {
			c.Progress = fmt.Sprintf("%d %% %s", 100*s.Progress.Done/s.Progress.Total, words.Text(m.lang, "progress"))
		} else if v := s.Observed.Staged; !v.IsZero() && s.Phase != reconciler.UpToDate {
			c.Progress = v.String() + " " + words.Text(m.lang, "staged")
		}
		r.Computers = append(r.Computers, c)
	}
	if n := len(r.Computers); n > 1 {
		r.Count = fmt.Sprintf("%d %s", n, words.Text(m.lang, "computers"))
	}
	return r
}

func (m maker) row(name, client string, phase reconciler.Phase, why reconciler.Reason, desired reconciler.Desired, since, seen time.Time) row {
	return row{
		Name: name, Client: client, Desired: want(desired), Class: class(phase),
		Phase: words.Phase(m.lang, phase), Why: words.Reason(m.lang, m.now.Location(), why),
		Since: m.moment(since), Seen: m.moment(seen), Stale: m.now.Sub(seen) > stale,
	}
}

// want is the desired version, and the rule that chose it where that says more.
func want(d reconciler.Desired) string {
	if !d.Managed {
		return "–"
	}
	if d.Version.IsZero() {
		return d.Rule
	}
	if v, err := schema.ParseVersion(d.Rule); err == nil && v.Equal(d.Version) {
		return d.Version.String()
	}
	return d.Version.String() + " (" + d.Rule + ")"
}

func (m maker) session(sessions []wire.UserSession) string {
	parts := make([]string, len(sessions))
	for i, s := range sessions {
		parts[i] = strings.Join(slices.DeleteFunc([]string{fmt.Sprint(s.ID), s.User, s.Device, words.Text(m.lang, s.State)},
			func(text string) bool { return text == "" }), " ")
	}
	return strings.Join(parts, ", ")
}

func (m maker) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{Ago: "–"}
	}
	d := max(m.now.Sub(t), 0)
	var ago string
	switch {
	case d < time.Minute:
		ago = fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		ago = fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		ago = fmt.Sprintf("%d h", d/time.Hour)
	default:
		ago = fmt.Sprintf("%d %s", d/(24*time.Hour), words.Text(m.lang, "day"))
	}
	return moment{t.In(m.now.Location()).Format(time.RFC3339), ago}
}

// class is the style of a phase.
func class(p reconciler.Phase) string {
	switch p {
	case reconciler.UpToDate:
		return "good"
	case reconciler.Staging, reconciler.Updating:
		return "work"
	case reconciler.WaitingForIdle, reconciler.WaitingForWindow, reconciler.WaitingForRollout, reconciler.Suspended:
		return "wait"
	case reconciler.Blocked, reconciler.Failed, reconciler.RolledBack:
		return "bad"
	}
	return "plain"
}
