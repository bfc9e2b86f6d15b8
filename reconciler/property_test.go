package reconciler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"
	"time"

	"lull/schema"
)

// Each property is tried on revisions drawn by lot. A failure names the seed, with which draw makes the same again.

// The order of manifests and releases does not matter.
func TestOrderDoesNotMatter(t *testing.T) {
	holds(t, func(seed uint64) bool {
		l := draw(seed)
		before := l.decide(t)
		shuffle(l.Rand, l.set.Releases)
		shuffle(l.Rand, l.set.Groups)
		shuffle(l.Rand, l.set.Workstations)
		shuffle(l.Rand, l.available)
		return before == l.decide(t)
	})
}

// A group that matches nobody changes nothing, whatever it says.
func TestGroupOfNobodyChangesNothing(t *testing.T) {
	holds(t, func(seed uint64) bool {
		l := draw(seed)
		before := l.decide(t)
		nobody := l.group("nobody")
		nobody.Spec.Members = schema.Members{Names: []string{"nobody-*"}, Labels: nobody.Spec.Members.Labels}
		l.set.Groups = append(l.set.Groups, nobody)
		return before == l.decide(t)
	})
}

// A chosen release is in the store, not withdrawn, within the bound, and approved unless it was named.
func TestChosenReleaseMayRun(t *testing.T) {
	chosen := 0
	holds(t, func(seed uint64) bool {
		l := draw(seed)
		resolver := NewResolver(l.set, l.available)
		for _, subject := range l.subjects {
			d := resolver.Resolve(subject)
			if d.Managed != (d.Problem != nil || !d.Version.IsZero()) || d.Problem != nil && !d.Version.IsZero() {
				return false
			}
			if d.Version.IsZero() {
				continue
			}
			chosen++
			if !l.mayRun(d) {
				t.Logf("%s shall run %s by %s, the server has %q", d.Workstation, d.Version, d.Rule, d.Ceiling)
				return false
			}
		}
		return true
	})
	if chosen == 0 {
		t.Error("no release was ever chosen: the property says nothing")
	}
}

// A plan changes nothing that is suspended, blocked, or set to report only; the swap never comes before the tree is
// staged or while the client is in use; and what is done leads to UpToDate.
func TestPlanIsSafeAndLeadsToTheGoal(t *testing.T) {
	changed := 0
	holds(t, func(seed uint64) bool {
		l := draw(seed)
		resolver := NewResolver(l.set, l.available)
		for _, subject := range l.subjects {
			desired, observed := resolver.Resolve(subject), l.observed()
			d := Plan(desired, observed, noon)
			if !d.Changes() {
				continue
			}
			changed++
			if desired.Problem != nil || observed.Problem != nil || observed.ReportOnly || observed.Version.Equal(desired.Version) {
				return false
			}
			verbs := make([]Verb, len(d.Steps))
			for i, step := range d.Steps {
				verbs[i] = step.Verb
			}
			if slices.Contains(verbs, Stage) == observed.Staged.Equal(desired.Version) ||
				slices.Contains(verbs, AwaitIdle) != (observed.Busy != nil) ||
				!slices.IsSortedFunc(verbs, inOrder) || !slices.Contains(verbs, Swap) || !slices.Contains(verbs, Check) {
				return false
			}
			observed.Version = desired.Version
			if Plan(desired, observed, noon).Phase != UpToDate {
				return false
			}
		}
		return true
	})
	if changed == 0 {
		t.Error("no plan ever changed anything: the property says nothing")
	}
}

func inOrder(a, b Verb) int {
	order := []Verb{Stage, AwaitIdle, Swap, Check}
	return slices.Index(order, a) - slices.Index(order, b)
}

func holds(t *testing.T, property func(seed uint64) bool) {
	t.Helper()
	if err := quick.Check(property, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}

// lot is a revision, a store and a fleet drawn by lot, small enough that manifests often meet.
type lot struct {
	*rand.Rand
	set       *schema.Set
	available []Available
	subjects  []Subject
}

var (
	lotVersions = []string{"5.7", "5.8.0", "5.8.1-rc1", "5.8.1", "5.8.2", "5.9"}
	lotRules    = []string{"5.8", "5.8.0", "5.8.1-rc1", "5.9", "~5.8", "<5.9", "=5.8.1-rc1", "newest", "server", ""}
)

func draw(seed uint64) *lot {
	l := &lot{Rand: rand.New(rand.NewPCG(seed, 1))}
	l.set = viewerSet(l.versionOrNone())
	l.set.Clients["viewer"].Spec.Compatibility = schema.Compatibility(
		l.pick([]string{"not-above-server", "not-above-server", "same-two-parts", "same-version", "unchecked"}))
	for _, text := range lotVersions {
		l.release(version(text))
	}
	for i := range l.IntN(6) {
		l.set.Groups = append(l.set.Groups, l.group(fmt.Sprintf("g%d", i)))
	}
	for i := range 8 {
		name := fmt.Sprintf("CARD-%d", i)
		if l.IntN(4) == 0 {
			l.set.Workstations = append(l.set.Workstations, l.workstation(name))
		}
		l.subjects = append(l.subjects, Subject{
			Client: "viewer", Workstation: name, Computer: fmt.Sprintf("PC-%d", l.IntN(3)), System: "linux",
			Labels: l.labels(), Facts: map[string]string{"arch": l.pick([]string{"amd64", "arm64"})},
		})
	}
	return l
}

func (l *lot) pick(texts []string) string { return texts[l.IntN(len(texts))] }

func (l *lot) versionOrNone() string {
	if l.IntN(7) == 0 {
		return ""
	}
	return l.pick(lotVersions)
}

func (l *lot) labels() map[string]string {
	return map[string]string{"ward": l.pick([]string{"cardiology", "laboratory"})}
}

// release decides about a version and puts it into the store, or does one of the two, or none.
func (l *lot) release(v schema.Version) {
	if l.IntN(4) > 0 {
		l.available = append(l.available, Available{"viewer", v, "linux"})
	}
	if l.IntN(4) > 0 {
		r := approvedRelease(v)
		if l.IntN(4) == 0 {
			r.Spec.Withdrawn = &schema.Decision{By: "B. Kaya"}
		}
		l.set.Releases = append(l.set.Releases, r)
	}
}

func (l *lot) group(name string) *schema.Group {
	members := []schema.Members{
		{All: true},
		{Names: []string{"card-?"}},
		{Names: []string{"card-1*", "c*d-2"}},
		{Labels: l.labels()},
		{Computers: []string{"pc-1"}, Facts: map[string]string{"arch": "amd64"}},
	}
	g := groupOf(name, l.IntN(3), members[l.IntN(len(members))], l.pick(lotRules))
	g.Spec.AllowDowngrade = l.IntN(2) == 0
	g.Spec.Suspend = l.suspension(name)
	return g
}

func (l *lot) workstation(name string) *schema.Workstation {
	w := pin(name, l.pick(lotRules))
	w.Spec.Labels = l.labels()
	w.Spec.Suspend = l.suspension(name)
	if l.IntN(2) == 0 {
		w.Spec.Computers = []string{"pc-0", "pc-2"}
	}
	return w
}

func (l *lot) suspension(by string) *schema.Suspend {
	if l.IntN(6) > 0 {
		return nil
	}
	s := &schema.Suspend{Reason: "freeze", By: by}
	if l.IntN(3) > 0 {
		s.Until.Time = noon.Add(time.Duration(l.IntN(5)-2) * time.Hour)
	}
	return s
}

func (l *lot) observed() Observed {
	o := Observed{Version: version(l.versionOrNone()), Staged: version(l.versionOrNone())}
	switch l.IntN(6) {
	case 0:
		o.Problem = reason(OwnedByInstaller)
	case 1, 2:
		o.Busy = reason(InUse)
	case 3:
		o.Bad = []schema.Version{version(l.pick(lotVersions))}
	case 4:
		o.ReportOnly = true
	}
	return o
}

// mayRun looks at the revision itself, not at what the resolver made of it.
func (l *lot) mayRun(d Desired) bool {
	stored := slices.ContainsFunc(l.available, func(a Available) bool { return a.Version == d.Version })
	rule := versionRule(d.Rule)
	_, exact := rule.Exact()
	approved := exact || rule.Server()
	for _, r := range l.set.Releases {
		if r.Spec.Version.Equal(d.Version) {
			approved = (approved || r.Spec.Approved != nil) && r.Spec.Withdrawn == nil
		}
	}
	server := l.set.Servers["main"].Spec.Version
	unchecked := l.set.Clients["viewer"].Spec.Compatibility == schema.Unchecked
	return stored && approved && (unchecked || !server.IsZero() && d.Version.Compare(server) <= 0)
}

// decide is all that is decided about the fleet, as text.
func (l *lot) decide(t *testing.T) string {
	resolver := NewResolver(l.set, l.available)
	desired := make([]Desired, len(l.subjects))
	for i, subject := range l.subjects {
		desired[i] = resolver.Resolve(subject)
	}
	text, err := json.Marshal(desired)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func shuffle[T any](by *rand.Rand, list []T) {
	by.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}
