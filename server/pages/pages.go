// Package pages is what administrators see in a browser: one page with every workstation, and a form to sign in.
//
// The page is plain HTML made on the server, in German or English, with one style sheet whose name carries its hash. It
// runs no script and loads nothing from elsewhere, and a strict content policy says so to the browser. Everything that
// agents sent passes html/template as text. Signing in exchanges a person's token for a session in a cookie; the table
// in package access decides who sees the page.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"lull/internal/words"
	"lull/manifests"
	"lull/server/access"
	"lull/server/current"
	"lull/server/inventory"
)

//go:embed assets
var assets embed.FS

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Cookie returns the name of the session's cookie. Browsers accept the prefix only with TLS, and then bind the cookie
// to this one host.
func Cookie(secure bool) string {
	if secure {
		return "__Host-lull"
	}
	return "lull"
}

// Config is what the pages show and whom they ask.
type Config struct {
	Fleet   *inventory.Fleet
	Current *current.Keeper
	Source  *manifests.Source
	Keeper  *access.Keeper
	Secure  bool           // whether the server speaks TLS
	Zone    *time.Location // in which times are shown
	Log     *slog.Logger
	Now     func() time.Time
}

// Pages answers the routes of the pages.
type Pages struct {
	Config
	templates *template.Template
	style     []byte
	styleName string
	failures  *rate.Limiter // of signing in
}

// New parses the templates.
func New(c Config) (*Pages, error) {
	style, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	templates, err := template.ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	sum := sha256.Sum256(style)
	return &Pages{
		Config: c, templates: templates, style: style,
		styleName: "style." + hex.EncodeToString(sum[:6]) + ".css",
		failures:  rate.NewLimiter(rate.Every(time.Second), 20),
	}, nil
}

// Register adds the routes.
func (p *Pages) Register(mux *access.Mux) {
	mux.HandleFunc("GET /{$}", p.fleet)
	mux.HandleFunc("GET /signin", p.form)
	mux.HandleFunc("POST /signin", p.signIn)
	mux.HandleFunc("POST /signout", p.signOut)
	mux.HandleFunc("GET /static/{name}", p.static)
}

func (p *Pages) static(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") != p.styleName {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(p.style) // the browser is gone if this fails
}

// page is what every template gets.
type page struct {
	Lang    words.Language
	Style   string
	Name    string // who is signed in
	Refresh bool   // by itself
	Body    any
}

// T is a label in the reader's language.
func (p page) T(key string) string { return words.Text(p.Lang, key) }

// show renders a template completely before it sends anything.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, name string, body any) {
	data := page{
		Lang:    words.Choose(r.Header.Get("Accept-Language")),
		Style:   "/static/" + p.styleName,
		Name:    access.From(r.Context()).Name,
		Refresh: r.URL.Query().Has("live"),
		Body:    body,
	}
	var out bytes.Buffer
	if err := p.templates.ExecuteTemplate(&out, name, data); err != nil {
		p.Log.Error("a page could not be made", "page", name, "error", err)
		http.Error(w, "the page could not be made; the server's log has the cause", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// form shows the form to sign in.
func (p *Pages) form(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "signin.html", "")
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	secret, expires, err := p.Keeper.SignIn(strings.TrimSpace(r.PostFormValue("token")))
	if err != nil && !p.failures.Allow() { // a token that is known is let in all the same: nobody can lock others out
		p.show(w, r, http.StatusTooManyRequests, "signin.html", "tooMany")
		return
	}
	if err != nil {
		p.Log.Warn("refused", "route", r.Pattern, "from", r.RemoteAddr)
		p.show(w, r, http.StatusUnauthorized, "signin.html", "tokenWrong")
		return
	}
	p.setCookie(w, secret, expires)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(Cookie(p.Secure)); err == nil {
		p.Keeper.SignOut(c.Value)
	}
	p.setCookie(w, "", time.Unix(1, 0))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

func (p *Pages) setCookie(w http.ResponseWriter, value string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: Cookie(p.Secure), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	})
}
