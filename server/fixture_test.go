package server

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
)

// running is a server that serves, with the administrator's token.
type running struct {
	t testing.TB
	*Server
	admin string
	http  *http.Client
}

// start runs a server until the test ends.
func start(t testing.TB, c Config) *running {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	c.Listen, c.PlainHTTP = "127.0.0.1:0", true
	s, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run did not end")
		}
	})
	token, err := os.ReadFile(filepath.Join(c.Data, AdminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, Server: s, admin: strings.TrimSpace(string(token)), http: &http.Client{Timeout: 20 * time.Second}}
	r.awaitReady()
	return r
}

func (r *running) awaitReady() {
	r.t.Helper()
	for range 200 {
		if status, _ := r.call("", http.MethodGet, "/readyz", nil); status == http.StatusOK {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.t.Fatal("the server did not become ready")
}

// call sends a request; headers are name, value, name, value.
func (r *running) call(token, method, path string, body io.Reader, headers ...string) (int, []byte) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, data
}

// do is call as the administrator, with JSON in and out, and a status that must come.
func (r *running) do(want int, method, path string, in, out any, headers ...string) {
	r.t.Helper()
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		data, err := json.Marshal(v)
		if err != nil {
			r.t.Fatal(err)
		}
		body = bytes.NewReader(data)
		headers = append(headers, "Content-Type", "application/json")
	}
	status, data := r.call(r.admin, method, path, body, headers...)
	if status != want {
		r.t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			r.t.Fatalf("%s %s: %v: %s", method, path, err, data)
		}
	}
}

const manifestsYAML = `apiVersion: lull/v1
kind: Server
metadata: {name: main}
spec: {version: "5.8.2"}
---
# the client
apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  displayName: The viewer
  server: main
  platforms:
    linux:
      install: [/opt/viewer]
      version: {file: VERSION}
`

// apply posts manifests.
func (r *running) apply(yaml string) (plan wire.Plan) {
	r.t.Helper()
	r.do(http.StatusOK, http.MethodPost, "/api/v1/manifests", yaml, &plan, wire.HeaderReason, "a test")
	return plan
}

// agent is a computer that enrols and checks in.
type agent struct {
	*running
	key      ed25519.PrivateKey
	host     string
	computer string
	token    string
}

func (r *running) enrolment() wire.Enrolment {
	r.t.Helper()
	var made wire.MadeToken
	r.do(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.NewToken{Kind: "agents"}, &made)
	e, err := wire.ParseEnrolment(made.Secret)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// agent enrols a new computer and opens its session.
func (r *running) agent(e wire.Enrolment, host string) *agent {
	r.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	a := &agent{running: r, key: key, host: host}
	var enrolled wire.Enrolled
	a.post(http.StatusOK, wire.PathEnrol, wire.Enrol{Token: e.Token, PublicKey: public, Host: host}, &enrolled)
	a.computer = enrolled.Computer
	var token wire.Token
	a.post(http.StatusOK, wire.PathSession, a.session(time.Now()), &token)
	a.token = token.Token
	return a
}

func (a *agent) session(at time.Time) wire.Session {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	return wire.Session{
		Computer: a.computer, Time: at.Unix(), Nonce: nonce,
		Signature: ed25519.Sign(a.key, wire.SessionPayload(a.computer, at.Unix(), nonce)),
	}
}

func (a *agent) post(want int, path string, in, out any) {
	a.t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		a.t.Fatal(err)
	}
	status, body := a.call(a.token, http.MethodPost, path, bytes.NewReader(data))
	if status != want {
		a.t.Fatalf("POST %s: status %d, want %d: %s", path, status, want, body)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			a.t.Fatal(err)
		}
	}
}

// report is a check-in about one installation.
func (a *agent) report(workstation, installed string) wire.Checkin {
	return wire.Checkin{
		Facts: map[string]string{wire.FactHost: a.host, wire.FactSystem: "linux", wire.FactArch: "amd64"},
		Clients: []wire.Status{{
			Client: "viewer", Workstation: workstation, Installed: true,
			Observed: reconciler.Observed{Version: schema.MustVersion(installed)}, Phase: reconciler.UpToDate,
		}},
	}
}

func (a *agent) checkin(in wire.Checkin) (reply wire.Reply) {
	a.t.Helper()
	a.post(http.StatusOK, wire.PathCheckin, in, &reply)
	return reply
}
