// Package api is /api/v1: everything that people and programs see and steer.
//
// Routes are declared with huma, so that the OpenAPI document is made from the types that the handlers use; the types
// themselves stand in package wire, where the command line finds them, too. Who may call what is decided before a
// handler runs, by the table in package access. Errors are RFC 9457 problems; one function turns an error of the domain
// into a status, and what it does not know goes to the log and becomes a 500 without details.
//
// Everything that changes what is desired is a commit in the server's own repository, with the caller's name as its
// author and a reason, or with dryRun a preview and nothing else. Where an outside repository rules, it is refused.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"lull/internal/release"
	"lull/internal/wire"
	"lull/manifests"
	"lull/server/access"
	"lull/server/current"
	"lull/server/inventory"
	"lull/server/releases"
	"lull/server/steering"
)

// Config is what the routes work on.
type Config struct {
	Fleet    *inventory.Fleet
	Current  *current.Keeper
	Source   *manifests.Source
	Store    *manifests.Store // nil where an outside source rules
	Releases *release.Store
	Keeper   *access.Keeper
	Enrol    func(secret string) wire.Enrolment // what an agent needs to find this server
	Log      *slog.Logger
	Now      func() time.Time
}

type api struct{ Config }

// Register adds all routes to mux.
func Register(mux *access.Mux, c Config) {
	settings := huma.DefaultConfig("Lull", "1")
	settings.OpenAPIPath = wire.PathAPI + "/openapi"
	settings.DocsPath, settings.SchemasPath = "", "" // a page of documentation would load scripts from elsewhere
	settings.CreateHooks = nil
	settings.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", typeName)
	settings.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	settings.Security = []map[string][]string{{"token": {}}}
	h := humago.New(mux, settings)
	a := &api{c}
	a.registerFleet(h)
	a.registerManifests(h)
	a.registerReleases(h)
	a.registerTokens(h)
}

// typeName names a type in the OpenAPI document; the same name in two packages is told apart by the package.
func typeName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); pkg == "schema" || pkg == "reconciler" || pkg == "release" {
		return pkg + "." + name
	}
	return name
}

// bodyTime is how long a request's body may take, and with it its answer: a whole revision may come over a slow line.
const bodyTime = 2 * time.Minute

// route declares an operation.
func route(method, path, summary string) huma.Operation {
	return huma.Operation{
		Method: method, Path: wire.PathAPI + path, Summary: summary, OperationID: operationID(method, path), BodyReadTimeout: bodyTime,
	}
}

var notLetters = regexp.MustCompile(`[^a-z]+`)

// operationID names an operation for programs that are generated from the document, such as get-workstations-name.
func operationID(method, path string) string {
	return strings.Trim(notLetters.ReplaceAllString(strings.ToLower(method+path), "-"), "-")
}

// body is an answer with nothing but a body.
type body[T any] struct{ Body T }

func answer[T any](v T) *body[T] { return &body[T]{v} }

// Paging is how a list is read in pages.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"items of one page"`
	After string `query:"after" doc:"the value of next of the page before"`
}

// page returns the items behind the key after, and the key for the next page.
func page[T any](items []T, p Paging, key func(T) string) (some []T, next string) {
	some = []T{}
	for _, item := range items {
		if p.After != "" && key(item) <= p.After {
			continue
		}
		if len(some) == p.Limit {
			return some, key(some[len(some)-1])
		}
		some = append(some, item)
	}
	return some, ""
}

var (
	errNothing = errors.New("there is no such thing here")
	errReason  = errors.New("a reason is required: send it as the header " + wire.HeaderReason + " or the parameter reason")
	errLong    = fmt.Errorf("the reason is longer than %d characters", maxReason)
	errUnread  = errors.New("the manifests were not read yet: try again shortly")
)

// checkReason says what is wrong with a reason, whose ends are trimmed.
func checkReason(reason string) error {
	switch {
	case reason == "":
		return errReason
	case utf8.RuneCountInString(reason) > maxReason:
		return errLong
	}
	return nil
}

// outside means that manifests are written elsewhere.
type outside struct{ where string }

func (o outside) Error() string {
	return "the manifests live in " + o.where + ": change them there; this server only reads them"
}

// problem turns an error of the domain into one of HTTP. It is the only table of statuses.
func (a *api) problem(ctx context.Context, err error) error {
	var invalid *manifests.Invalid
	var elsewhere outside
	var status huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return err
	case errors.As(err, &invalid):
		return huma.Error422UnprocessableEntity(a.invalid(), details(invalid)...)
	case errors.As(err, &elsewhere):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, access.ErrTaken), errors.Is(err, inventory.ErrFull):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, manifests.ErrConflict):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, errReason), errors.Is(err, errLong):
		return huma.Error400BadRequest(err.Error())
	case errors.Is(err, errUnread):
		return huma.Error503ServiceUnavailable(err.Error())
	case errors.Is(err, steering.ErrAsk), errors.Is(err, releases.ErrUpload):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, errNothing), errors.Is(err, release.ErrNotFound), errors.Is(err, access.ErrUnknown),
		errors.Is(err, inventory.ErrUnknown), errors.Is(err, manifests.ErrNoRevision):
		return huma.Error404NotFound(err.Error())
	}
	a.Log.ErrorContext(ctx, "a request failed", "error", err)
	if diskFull(err) {
		return huma.Error507InsufficientStorage("the server's disk is full: make room there and try again")
	}
	return huma.NewError(http.StatusInternalServerError, "the server's log has the cause")
}

// invalid says that manifests have errors, and whose some of them may be: a change is made upon the newest revision.
func (a *api) invalid() string {
	text := "the manifests have errors; nothing was changed"
	if r := a.Source.Current().Refused; r != nil {
		text += "; revision " + r.Revision + " was refused before, and its errors count: push a repaired revision, or revert it"
	}
	return text
}

func details(invalid *manifests.Invalid) []error {
	list := make([]error, len(invalid.Errors))
	for i, e := range problems(invalid.Errors) {
		list[i] = &huma.ErrorDetail{Message: e.Message, Location: e.Location}
	}
	return list
}

// view is the current view, or the reason why there is none.
func (a *api) view() (*current.View, error) {
	if v := a.Current.View(); v != nil {
		return v, nil
	}
	return nil, errUnread
}
