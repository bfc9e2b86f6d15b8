// Package steering turns what an administrator asks for into edits of manifests.
//
// An Edit collects changes of one Draft, so that everything a person does becomes one commit or, as a preview, none. It
// keeps the bytes that it does not have to touch: comments, order and layout are the author's. Which manifests there
// are comes from the set that was in force when the edit began; the store judges the result as a whole.
package steering

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"lull/internal/wire"
	"lull/manifests"
	"lull/schema"
)

// ErrAsk means that what was asked for makes no sense; what it wraps says why.
var ErrAsk = errors.New("this cannot be done")

// Edit is a change of manifests in the making.
type Edit struct {
	Draft   *manifests.Draft
	Set     *schema.Set // in force when the edit began
	Changed []string    // manifests that were written or removed, such as "Group all"

	noted map[string]bool                  // what Changed holds
	named map[string][]*schema.Workstation // the Workstation manifests of one client by folded name
}

func (e *Edit) note(kind schema.Kind, name string) {
	text := string(kind) + " " + name
	if e.noted == nil {
		e.noted = map[string]bool{}
	}
	if !e.noted[text] {
		e.noted[text] = true
		e.Changed = append(e.Changed, text)
	}
}

// index sets named.
func (e *Edit) index(client string) {
	e.named = map[string][]*schema.Workstation{}
	for _, w := range e.Set.Workstations {
		if w.Spec.Client == client {
			key := strings.ToLower(w.Spec.Name)
			e.named[key] = append(e.named[key], w)
		}
	}
}

// file returns the file in which a manifest stands or belongs, and what is in it.
func (e *Edit) file(kind schema.Kind, name string) (string, []byte, error) {
	path := e.Draft.Place(kind, name)
	data, err := e.Draft.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return path, data, err
}

// Put writes one manifest.
func (e *Edit) Put(kind schema.Kind, name string, doc []byte) error {
	path, data, err := e.file(kind, name)
	if err != nil {
		return err
	}
	if data, err = schema.PutDocument(data, kind, name, doc); err != nil {
		return fmt.Errorf("%w: %w", ErrAsk, err)
	}
	e.note(kind, name)
	return e.Draft.Write(path, data)
}

// Remove removes one manifest, and its file if nothing else is in it. It reports whether there was one.
func (e *Edit) Remove(kind schema.Kind, name string) (bool, error) {
	if _, ok := e.Draft.Find(kind, name); !ok {
		return false, nil
	}
	return true, e.apply(kind, name, func(data []byte) ([]byte, error) { return schema.RemoveDocument(data, kind, name) })
}

// apply edits the file of a manifest.
func (e *Edit) apply(kind schema.Kind, name string, edit func([]byte) ([]byte, error)) error {
	path, data, err := e.file(kind, name)
	if err != nil {
		return err
	}
	if data, err = edit(data); err != nil {
		return fmt.Errorf("%w: %w", ErrAsk, err)
	}
	e.note(kind, name)
	if len(bytes.TrimSpace(data)) == 0 {
		return e.Draft.Remove(path)
	}
	return e.Draft.Write(path, data)
}

// separator is what cuts a file into documents, as package schema cuts it: YAML allows no such line inside of one. What
// follows on the line belongs to the next document.
var separator = regexp.MustCompile(`(?m)^(---|\.\.\.)([ \t]|\r?$)`)

// PutAll writes every manifest of a file with one or more documents.
func (e *Edit) PutAll(data []byte) error {
	if errs := schema.ParseFile("request", data).Errors; len(errs) > 0 {
		return &manifests.Invalid{Errors: errs}
	}
	count := 0
	for _, doc := range separator.Split(string(data), -1) {
		var head struct {
			Kind     schema.Kind
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
			return fmt.Errorf("%w: %w", ErrAsk, err)
		}
		if head.Kind == "" {
			continue // comments only
		}
		if err := e.Put(head.Kind, head.Metadata.Name, []byte(doc)); err != nil {
			return err
		}
		count++
	}
	if count == 0 {
		return fmt.Errorf("%w: the request holds no manifest", ErrAsk)
	}
	return nil
}

// SetVersion carries out a request to set a version.
func (e *Edit) SetVersion(in wire.SetVersion) error {
	rule, err := schema.ParseVersionRule(in.Version)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAsk, err)
	}
	if e.Set.Clients[in.Client] == nil {
		return fmt.Errorf("%w: there is no Client manifest %q", ErrAsk, in.Client)
	}
	switch {
	case in.All && in.Group == "" && len(in.Workstations) == 0:
		return e.all(in.Client, rule, in.KeepPins)
	case !in.All && in.Group != "" && len(in.Workstations) == 0:
		return e.group(in.Client, in.Group, rule)
	case !in.All && in.Group == "" && len(in.Workstations) > 0:
		e.index(in.Client)
		done := make(map[string]bool, len(in.Workstations))
		for _, name := range in.Workstations {
			key := strings.ToLower(name)
			if done[key] {
				continue // named twice
			}
			done[key] = true
			if err := e.workstation(in.Client, name, rule); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%w: say for whom: exactly one of workstations, group and all", ErrAsk)
}

func (e *Edit) pin(kind schema.Kind, name string, rule schema.VersionRule) error {
	return e.apply(kind, name, func(data []byte) ([]byte, error) {
		return schema.SetPolicyVersion(data, kind, name, rule.String())
	})
}

// workstation sets the version in every manifest about a workstation, and makes one if there is none. Where there are
// manifests about some of its computers, there can be none about all of them, and the others follow their groups.
func (e *Edit) workstation(client, name string, rule schema.VersionRule) error {
	known := e.named[strings.ToLower(name)]
	for _, w := range known {
		if err := e.pin(schema.KindWorkstation, w.Meta.Name, rule); err != nil {
			return err
		}
	}
	if len(known) > 0 {
		return nil
	}
	manifest := &schema.Workstation{Meta: schema.Meta{Name: e.free(schema.KindWorkstation, slug(name), client)}}
	manifest.Spec.Name, manifest.Spec.Client, manifest.Spec.Version = name, client, &rule
	return e.marshal(schema.KindWorkstation, manifest.Meta.Name, manifest)
}

func (e *Edit) group(client, name string, rule schema.VersionRule) error {
	i := slices.IndexFunc(e.Set.Groups, func(g *schema.Group) bool { return g.Meta.Name == name && g.Spec.Client == client })
	if i < 0 {
		return fmt.Errorf("%w: there is no Group manifest %q of client %s", ErrAsk, name, client)
	}
	return e.pin(schema.KindGroup, name, rule)
}

// all sets the version of the group of everybody, and removes what pins other workstations to an exact version.
func (e *Edit) all(client string, rule schema.VersionRule, keepPins bool) error {
	i := slices.IndexFunc(e.Set.Groups, func(g *schema.Group) bool {
		return g.Spec.Client == client && g.Spec.Members.All && g.Spec.Priority == 0
	})
	name := ""
	if i >= 0 {
		name = e.Set.Groups[i].Meta.Name
		if err := e.pin(schema.KindGroup, name, rule); err != nil {
			return err
		}
	} else {
		name = e.free(schema.KindGroup, "all", client)
		group := &schema.Group{Meta: schema.Meta{Name: name}}
		group.Spec.Client, group.Spec.Members.All, group.Spec.Version = client, true, &rule
		if err := e.marshal(schema.KindGroup, name, group); err != nil {
			return err
		}
	}
	if keepPins {
		return nil
	}
	return e.unpin(client, name)
}

func (e *Edit) unpin(client, except string) error {
	remove := func(kind schema.Kind, name string) error {
		return e.apply(kind, name, func(data []byte) ([]byte, error) { return schema.RemovePolicyVersion(data, kind, name) })
	}
	for _, w := range e.Set.Workstations {
		if w.Spec.Client == client && exact(w.Spec.Version) {
			if err := remove(schema.KindWorkstation, w.Meta.Name); err != nil {
				return err
			}
		}
	}
	for _, g := range e.Set.Groups {
		if g.Spec.Client == client && exact(g.Spec.Version) && g.Meta.Name != except {
			if err := remove(schema.KindGroup, g.Meta.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func exact(rule *schema.VersionRule) bool {
	if rule == nil {
		return false
	}
	_, ok := rule.Exact()
	return ok
}

func (e *Edit) marshal(kind schema.Kind, name string, manifest any) error {
	doc, err := schema.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAsk, err)
	}
	return e.Put(kind, name, doc)
}

// free is a name for a new manifest: the wanted one, else with the client's name, else with a number.
func (e *Edit) free(kind schema.Kind, wanted, client string) string {
	name := wanted
	for i := 1; ; i++ {
		if _, taken := e.Draft.Find(kind, name); !taken {
			return name
		}
		suffix := "-" + client
		if i > 1 {
			suffix = fmt.Sprintf("-%s-%d", client, i)
		}
		name = wanted[:max(0, min(len(wanted), maxName-len(suffix)))] + suffix
	}
}

const maxName = 63 // characters of a manifest's name

var unsafe = regexp.MustCompile(`[^a-z0-9._-]+`)

// slug is a manifest's name for a workstation's name.
func slug(name string) string {
	s := strings.Trim(unsafe.ReplaceAllString(strings.ToLower(name), "-"), "-._")
	if s = s[:min(len(s), maxName)]; s == "" {
		return "workstation"
	}
	return s
}
