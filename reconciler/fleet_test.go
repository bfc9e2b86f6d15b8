package reconciler

import (
	"time"

	"lull/schema"
)

// noon is the moment at which the tests decide.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// The makers below build sets for what no manifest on paper could: fleets of thousands and fleets drawn by lot.

func viewerSet(server string) *schema.Set {
	client := &schema.Client{Meta: schema.Meta{Name: "viewer"}}
	client.Spec.Server = "main"
	client.Spec.Compatibility = schema.NotAboveServer
	client.Spec.Platforms.Linux = &schema.Platform{}
	return &schema.Set{
		Servers: map[string]*schema.Server{
			"main": {Meta: schema.Meta{Name: "main"}, Spec: schema.ServerSpec{Version: version(server)}},
		},
		Clients: map[string]*schema.Client{"viewer": client},
	}
}

func groupOf(name string, priority int, members schema.Members, rule string) *schema.Group {
	g := &schema.Group{Meta: schema.Meta{Name: name}}
	g.Spec.Client, g.Spec.Priority, g.Spec.Members = "viewer", priority, members
	g.Spec.Version = versionRule(rule)
	return g
}

func pin(workstation, rule string) *schema.Workstation {
	w := &schema.Workstation{Meta: schema.Meta{Name: workstation}}
	w.Spec.Client, w.Spec.Name = "viewer", workstation
	w.Spec.Version = versionRule(rule)
	return w
}

func approvedRelease(v schema.Version) *schema.Release {
	r := &schema.Release{Meta: schema.Meta{Name: "viewer-" + v.String()}}
	r.Spec.Client, r.Spec.Version = "viewer", v
	r.Spec.Approved = &schema.Decision{By: "A. Berger"}
	return r
}

// version is the version that text means; empty text is the unknown one.
func version(text string) (v schema.Version) {
	if err := v.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return v
}

// versionRule is the rule that text means; empty text is none.
func versionRule(text string) *schema.VersionRule {
	if text == "" {
		return nil
	}
	rule, err := schema.ParseVersionRule(text)
	if err != nil {
		panic(err)
	}
	return &rule
}
