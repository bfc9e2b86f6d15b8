package server

import (
	"crypto/ed25519"
	"net/http"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
)

func TestEnrolAgain(t *testing.T) {
	r := start(t, Config{})
	e := r.enrolment()
	a := r.agent(e, "pc-1")
	var again wire.Enrolled
	a.post(http.StatusOK, wire.PathEnrol, wire.Enrol{Token: e.Token, PublicKey: a.key.Public().(ed25519.PublicKey), Host: "pc-1"}, &again)
	if again.Computer != a.computer {
		t.Errorf("a known key was answered with %s, at first with %s", again.Computer, a.computer)
	}
	a.post(http.StatusUnauthorized, wire.PathEnrol, wire.Enrol{Token: "x", PublicKey: a.key.Public().(ed25519.PublicKey), Host: "pc-1"}, nil)
	a.post(http.StatusUnauthorized, wire.PathEnrol, wire.Enrol{Token: r.admin, PublicKey: a.key.Public().(ed25519.PublicKey), Host: "pc-1"}, nil)
	a.post(http.StatusUnprocessableEntity, wire.PathEnrol, wire.Enrol{Token: e.Token, PublicKey: []byte("short"), Host: "pc-1"}, nil)
}

func TestSessionsAreBoundToKeyClockAndNonce(t *testing.T) {
	r := start(t, Config{})
	e := r.enrolment()
	a, b := r.agent(e, "pc-1"), r.agent(e, "pc-2")

	once := a.session(time.Now())
	a.post(http.StatusOK, wire.PathSession, once, nil)
	a.post(http.StatusUnauthorized, wire.PathSession, once, nil)                                  // replayed
	a.post(http.StatusUnauthorized, wire.PathSession, a.session(time.Now().Add(-time.Hour)), nil) // old
	a.post(http.StatusUnauthorized, wire.PathSession, a.session(time.Now().Add(time.Hour)), nil)  // of tomorrow
	stolen := b.session(time.Now())
	stolen.Computer = a.computer
	a.post(http.StatusUnauthorized, wire.PathSession, stolen, nil) // another's key
	unknown := a.session(time.Now())
	unknown.Computer = strings.Repeat("0", 32)
	a.post(http.StatusUnauthorized, wire.PathSession, unknown, nil)
}

// Failures are soon answered no more, and hold nobody else up who comes from the same address.
func TestWhoFailsIsSlowedDown(t *testing.T) {
	r := start(t, Config{})
	a := r.agent(r.enrolment(), "pc-1")
	slowed := func() bool {
		status, _ := r.call("", http.MethodPost, wire.PathSession, strings.NewReader("{}"))
		return status == http.StatusTooManyRequests
	}
	for i := 0; !slowed(); i++ {
		if i == 40 {
			t.Fatal("40 failures from one address were all heard")
		}
	}
	a.post(http.StatusOK, wire.PathSession, a.session(time.Now()), nil)
}

func TestCheckinsAreChecked(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	a := r.agent(r.enrolment(), "pc-1")
	refused := map[string]func(*wire.Checkin){
		"a name with a line break": func(c *wire.Checkin) { c.Clients[0].Workstation = "a\nb" },
		"a name that is too long":  func(c *wire.Checkin) { c.Clients[0].Workstation = strings.Repeat("x", 65) },
		"an unknown phase":         func(c *wire.Checkin) { c.Clients[0].Phase = "Fine" },
		"an unknown mode":          func(c *wire.Checkin) { c.Mode = "x" },
		"a fact that is too long":  func(c *wire.Checkin) { c.Facts["x"] = strings.Repeat("x", 300) },
		"a label with a tab":       func(c *wire.Checkin) { c.Labels = map[string]string{"a": "b\tc"} },
		"a client twice":           func(c *wire.Checkin) { c.Clients = append(c.Clients, c.Clients[0]) },
		"too many sessions":        func(c *wire.Checkin) { c.Sessions = make([]wire.UserSession, 2000) },
	}
	for name, spoil := range refused {
		t.Run(name, func(t *testing.T) {
			in := a.report("pc-1", "5.8.0")
			spoil(&in)
			a.post(http.StatusUnprocessableEntity, wire.PathCheckin, in, nil)
		})
	}
	large := strings.NewReader(`{"agent":"` + strings.Repeat("x", wire.MaxRequest) + `"}`)
	if status, _ := r.call(a.token, http.MethodPost, wire.PathCheckin, large); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a check-in that is too large: status %d", status)
	}
}

func TestPrivacy(t *testing.T) {
	r := start(t, Config{})
	r.apply(manifestsYAML)
	a := r.agent(r.enrolment(), "pc-1")
	in := a.report("pc-1", "5.8.0")
	in.Sessions = []wire.UserSession{{ID: 3, State: "active", User: "mueller", Device: "THIN-7"}}
	if reply := a.checkin(in); reply.Privacy != (wire.Privacy{}) {
		t.Errorf("privacy in the reply: %+v", reply.Privacy)
	}
	var list wire.Computers
	r.do(http.StatusOK, http.MethodGet, "/api/v1/computers", nil, &list)
	if s := list.Items[0].Sessions; len(s) != 1 || s[0] != (wire.UserSession{ID: 3, State: "active"}) {
		t.Errorf("what privacy forbids was kept: %+v", s)
	}
}
