package server

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/server/access"
)

// expected is who may use a route: written down a second time, so that a slip in the table is seen. Everything under
// /api/v1 that changes something is for admins, but for two routes of operators.
func expected(pattern string, role access.Role) bool {
	method, path, _ := strings.Cut(pattern, " ")
	switch {
	case path == "/agent/v1/enrol", path == "/agent/v1/session", path == "/healthz", path == "/readyz",
		path == "/signin", path == "/signout", path == "/static/{name}":
		return true
	case strings.HasPrefix(path, "/agent/"):
		return role == access.Agent
	case role == access.Everybody, role == access.Agent:
		return false
	case strings.HasPrefix(path, "/api/v1/tokens"):
		return role == access.Admin
	case path == "/api/v1/version", path == "/api/v1/actions":
		return role == access.Operator || role == access.Admin
	case method != http.MethodGet && path != "/api/v1/plan": // that one reads a body and changes nothing
		return role == access.Admin
	}
	return true
}

// Every route with every kind of caller, through the real mux.
func TestWhoMayUseWhat(t *testing.T) {
	r := start(t, Config{})
	tokens := map[access.Role]string{access.Everybody: "", access.Admin: r.admin, access.Agent: r.agent(r.enrolment(), "pc-1").token}
	for _, role := range []access.Role{access.Viewer, access.Operator} {
		var made wire.MadeToken
		r.do(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.NewToken{Kind: "person", Name: string(role), Role: string(role)}, &made)
		tokens[role] = made.Secret
	}
	mux, err := r.mux()
	if err != nil {
		t.Fatal(err)
	}
	registered := slices.Sorted(slices.Values(mux.Patterns()))
	if rules := slices.Sorted(maps.Keys(access.Rules())); !slices.Equal(registered, rules) {
		t.Fatalf("routes and rules differ:\nroutes %v\nrules  %v", registered, rules)
	}
	for _, pattern := range registered {
		for role, token := range tokens {
			if got := admitted(mux, pattern, token); got != expected(pattern, role) {
				t.Errorf("%s as %s: admitted %v", pattern, role, got)
			}
		}
	}
}

// admitted reports whether a request came through to its handler. What the handler then says does not matter.
func admitted(mux http.Handler, pattern, token string) bool {
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{path...}", "blobs/x", "{kind}", "group", "{name}", "none", "{id}", "none",
		"{client}", "none", "{version}", "1.0", "{system}", "linux").Replace(path)
	req := httptest.NewRequest(method, path, bytes.NewReader(nil))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, req)
	body, _ := io.ReadAll(w.Body) // a recorder's body always reads
	refused := bytes.Contains(body, []byte("a valid token is needed")) || bytes.Contains(body, []byte("role is not enough")) ||
		w.Code == http.StatusSeeOther && w.Header().Get("Location") == "/signin" && path != "/signout"
	return !refused
}

func TestUnknownRouteIsRefused(t *testing.T) {
	r := start(t, Config{})
	mux := access.NewMux(r.keeper, "lull")
	mux.HandleFunc("GET /new", func(http.ResponseWriter, *http.Request) { t.Error("a route without a rule ran") })
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/new", nil)
	req.Header.Set("Authorization", "Bearer "+r.admin)
	mux.ServeHTTP(w, req)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d", w.Code)
	}
}

// Names are authors of commits, and tell tokens apart where they are listed.
func TestTokenNamesAreUnique(t *testing.T) {
	now := time.Now()
	r := start(t, Config{Now: func() time.Time { return now }})
	make := func(want int, in wire.NewToken) (made wire.MadeToken) {
		t.Helper()
		r.do(want, http.MethodPost, "/api/v1/tokens", in, &made)
		return made
	}
	berger := wire.NewToken{Kind: "person", Name: "A. Berger", Role: "viewer", Days: 1}
	make(http.StatusCreated, berger)
	make(http.StatusConflict, berger)
	make(http.StatusConflict, wire.NewToken{Kind: "person", Name: "ADMIN", Role: "viewer"})
	make(http.StatusConflict, wire.NewToken{Kind: "agents", Name: "a. berger"})
	make(http.StatusUnprocessableEntity, wire.NewToken{Kind: "person", Role: "viewer"})
	for _, want := range []string{"agents", "agents-2"} {
		if made := make(http.StatusCreated, wire.NewToken{Kind: "agents"}); made.Name != want {
			t.Errorf("agents without a name are %q, want %q", made.Name, want)
		}
	}
}

// A name is free again when its token serves no more; and an administrator is let in whatever the names are.
func TestTokenNamesAreFreedAgain(t *testing.T) {
	data, now := t.TempDir(), time.Now()
	clock := func() time.Time { return now }
	open := func() *Server {
		s, err := New(t.Context(), Config{Data: data, Listen: "127.0.0.1:0", PlainHTTP: true, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for _, admin := range s.keeper.Tokens() {
		if err := s.keeper.Revoke(t.Context(), admin.ID); err != nil {
			t.Fatal(err)
		}
	}
	add := func(s *Server) error {
		_, err := s.keeper.Add(t.Context(), access.Token{Name: "Admin", Kind: access.KindPerson, Role: access.Viewer, Expires: now.Add(time.Hour)}, access.NewSecret())
		return err
	}
	if err := add(s); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open()
	defer s.Close()
	if !s.keeper.HasAdmin() {
		t.Error("nobody is let in as an administrator")
	}
	if err := add(s); !errors.Is(err, access.ErrTaken) {
		t.Errorf("a second token of a name: %v", err)
	}
	now = now.Add(2 * time.Hour)
	if err := add(s); err != nil {
		t.Errorf("after the first one has expired: %v", err)
	}
}

func TestRevokedTokensStop(t *testing.T) {
	r := start(t, Config{})
	var made wire.MadeToken
	r.do(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.NewToken{Kind: "person", Name: "x", Role: "viewer"}, &made)
	cookie, _, err := r.keeper.SignIn(made.Secret)
	if err != nil {
		t.Fatal(err)
	}
	r.do(http.StatusNoContent, http.MethodDelete, "/api/v1/tokens/"+made.ID, nil, nil)
	for _, secret := range []string{made.Secret, cookie} {
		if _, ok := r.keeper.Identify(secret); ok {
			t.Error("a revoked token, or a session that came from it, still serves")
		}
	}
	r.do(http.StatusNotFound, http.MethodDelete, "/api/v1/tokens/"+made.ID, nil, nil)

	a := r.agent(r.enrolment(), "pc-1")
	r.do(http.StatusNoContent, http.MethodDelete, "/api/v1/computers/"+a.computer, nil, nil)
	a.post(http.StatusUnauthorized, wire.PathCheckin, a.report("pc-1", "5.8.0"), nil)
}
