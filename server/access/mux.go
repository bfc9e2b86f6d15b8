package access

import (
	"context"
	"net/http"
	"strings"

	"lull/server/problem"
)

// Mux is a ServeMux whose handlers run only for callers whom Rules admits. Huma and plain handlers register alike.
type Mux struct {
	keeper *Keeper
	cookie string
	rules  map[string]Rule
	inner  *http.ServeMux
	known  []string
}

// NewMux makes a Mux that asks keeper for callers; cookie is the name of the pages' cookie.
func NewMux(keeper *Keeper, cookie string) *Mux {
	return &Mux{keeper: keeper, cookie: cookie, rules: Rules(), inner: http.NewServeMux()}
}

// HandleFunc registers a handler for a pattern of Rules. A pattern without a rule answers 403 to everybody.
func (m *Mux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	m.known = append(m.known, pattern)
	rule, ok := m.rules[pattern]
	if !ok {
		handler = func(w http.ResponseWriter, _ *http.Request) {
			problem.Write(w, http.StatusForbidden, "no rule says who may use this route")
		}
		rule = Rule{Role: Everybody}
	}
	m.inner.HandleFunc(pattern, m.Authorize(rule, handler))
}

// ServeHTTP answers a request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.inner.ServeHTTP(w, r) }

// Patterns lists what was registered.
func (m *Mux) Patterns() []string { return m.known }

// Authorize lets a handler run only for callers whom the rule admits, and tells it who called.
func (m *Mux) Authorize(rule Rule, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, known := m.caller(rule, r)
		if !caller.Role.May(rule.Role) {
			refuse(w, r, rule, known)
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	}
}

func (m *Mux) caller(rule Rule, r *http.Request) (Caller, bool) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok && rule.Page {
		if c, err := r.Cookie(m.cookie); err == nil {
			secret, ok = c.Value, true
		}
	}
	if ok {
		if caller, known := m.keeper.Identify(secret); known {
			return caller, true
		}
	}
	return Caller{Role: Everybody}, false
}

func refuse(w http.ResponseWriter, r *http.Request, rule Rule, known bool) {
	switch {
	case known:
		problem.Write(w, http.StatusForbidden, "this token's role is not enough; the route asks for: "+string(rule.Role))
	case rule.Page:
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="lull"`)
		problem.Write(w, http.StatusUnauthorized, "a valid token is needed: send it as Authorization: Bearer TOKEN")
	}
}

type callerKey struct{}

// From returns who sent the request of a handler that Mux runs.
func From(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}
