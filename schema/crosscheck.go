package schema

import (
	"fmt"
	"slices"
	"strings"
)

// crossCheck finds what is wrong between manifests. What a broken manifest declares counts as declared, and what
// a file that could not be read declares is unknown, so that one mistake is never reported as two.
type crossCheck struct {
	declared     map[identity]Position // where each manifest was declared first
	releases     map[versionOf]*Release
	workstations map[registered]*Workstation
	blind        bool // some documents could not be read at all
	errors       Errors
}

type identity struct {
	kind Kind
	name string
}

// versionOf is one version of a client in its one spelling. registered is a workstation name of a client and one
// of its computers, "" for all of them, or anyComputer. Both names are in lower case.
type (
	versionOf struct {
		client  string
		version Version
	}
	registered struct{ client, name, computer string }
)

// anyComputer stands for whichever computers a Workstation manifest is about. No computer is called so.
const anyComputer = "*"

func newCrossCheck(files []*File) *crossCheck {
	c := &crossCheck{
		declared:     make(map[identity]Position),
		releases:     make(map[versionOf]*Release),
		workstations: make(map[registered]*Workstation),
	}
	for _, f := range files {
		c.blind = c.blind || f.cut
		for _, d := range f.documents {
			m := meta(d.object)
			id := identity{d.kind, m.Name}
			if first, ok := c.declared[id]; ok {
				c.fail(m.At, "metadata.name", fmt.Sprintf("there are two manifests of kind %s with the name %s; the other is at %s", d.kind, m.Name, first), "rename or remove one")
				continue
			}
			c.declared[id] = m.At
		}
	}
	return c
}

func (c *crossCheck) fail(at Position, path, message, hint string) {
	c.errors = append(c.errors, &Error{At: at, Path: path, Message: message, Hint: hint})
}

// document checks what a whole manifest says about others.
func (c *crossCheck) document(d *document) {
	if d.broken {
		return
	}
	switch o := d.object.(type) {
	case *Client:
		if o.Spec.Server != "" {
			c.refer(d, KindServer, o.Spec.Server)
		}
	case *Release:
		c.refer(d, KindClient, o.Spec.Client)
		c.release(o, d.subject)
	case *Group:
		c.refer(d, KindClient, o.Spec.Client)
	case *Workstation:
		c.refer(d, KindClient, o.Spec.Client)
		c.workstation(o, d.subject)
	}
}

func (c *crossCheck) refer(d *document, kind Kind, name string) {
	if _, ok := c.declared[identity{kind, name}]; ok || c.blind {
		return
	}
	names := c.names(kind)
	hint := didYouMean(name, names)
	switch {
	case len(names) == 0:
		hint = fmt.Sprintf("no %s is declared at all", kind)
	case hint == "" && len(names) <= few:
		hint = "known: " + strings.Join(names, ", ")
	}
	c.fail(d.refers, "spec."+reference(d.kind), fmt.Sprintf("there is no %s with the name %s", kind, name), hint)
}

func (c *crossCheck) release(r *Release, at Position) {
	key := versionOf{r.Spec.Client, r.Spec.Version.Canonical()}
	if first := c.releases[key]; first != nil {
		c.fail(at, "spec.version", fmt.Sprintf("version %s of %s is decided about twice; the other is %s at %s", r.Spec.Version, r.Spec.Client, first.Meta.Name, first.Meta.At), "remove one")
		return
	}
	c.releases[key] = r
}

func (c *crossCheck) workstation(w *Workstation, at Position) {
	key := registered{client: w.Spec.Client, name: strings.ToLower(w.Spec.Name)}
	about, clash := []string{anyComputer}, []string{anyComputer} // a manifest without computers is about all of them
	if len(w.Spec.Computers) == 0 {
		about = append(about, "")
	} else {
		clash = []string{""}
	}
	for _, computer := range w.Spec.Computers {
		computer = strings.ToLower(computer)
		about, clash = append(about, computer), append(clash, computer)
	}
	for _, key.computer = range clash {
		if first := c.workstations[key]; first != nil {
			c.fail(at, "spec.name", fmt.Sprintf("workstation %s of %s is described twice; the other is %s at %s", w.Spec.Name, w.Spec.Client, first.Meta.Name, first.Meta.At), "remove one, or give them different computers")
			return
		}
	}
	for _, key.computer = range about {
		if c.workstations[key] == nil {
			c.workstations[key] = w
		}
	}
}

// names lists the manifests of a kind that others can refer to.
func (c *crossCheck) names(kind Kind) []string {
	var names []string
	for key := range c.declared {
		if key.kind == kind {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	return names
}
