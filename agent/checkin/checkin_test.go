package checkin

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
)

func opened(t *testing.T, s *server) *Client {
	t.Helper()
	c, err := s.open(t.TempDir(), wire.Enrolment{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func checkin(t *testing.T, c *Client) {
	t.Helper()
	if _, news, err := c.Checkin(t.Context(), wire.Checkin{}); err != nil || news {
		t.Fatalf("check in: news %t, %v", news, err)
	}
}

func expect(t *testing.T, s *server, want ...string) {
	t.Helper()
	if got := s.asked(); !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
}

func TestEnrolOnceThenSessionThenCheckins(t *testing.T) {
	s := newServer(t, nil)
	data := t.TempDir()
	c, err := s.open(data, wire.Enrolment{})
	if err != nil {
		t.Fatal(err)
	}
	checkin(t, c)
	expect(t, s, "session", "enrol", "session", "checkin")
	checkin(t, c)
	expect(t, s, "checkin")

	// A restarted agent is known by its key and needs no valid string.
	c, err = s.open(data, wire.Enrolment{Token: "expired"})
	if err != nil {
		t.Fatal(err)
	}
	checkin(t, c)
	expect(t, s, "session", "checkin")
	if len(s.enrolled) != 1 {
		t.Errorf("%d computers, want one", len(s.enrolled))
	}
}

func TestRequestAndReplyArriveWhole(t *testing.T) {
	s := newServer(t, nil)
	var got wire.Checkin
	var agent string
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		agent = r.Header.Get("User-Agent")
		_ = json.NewDecoder(r.Body).Decode(&got)
		_ = json.NewEncoder(w).Encode(wire.Reply{Digest: "d", Revision: "r"})
	}
	reply, news, err := opened(t, s).Checkin(t.Context(), wire.Checkin{Have: "old", Mode: "report", Wait: 1})
	if err != nil || !news || reply.Digest != "d" || reply.Revision != "r" {
		t.Errorf("got %+v, news %t, %v", reply, news, err)
	}
	if got.Have != "old" || got.Mode != "report" || got.Wait != 1 || agent != "lull-agent/1.2.3" {
		t.Errorf("the server got %+v from %q", got, agent)
	}
}

func TestSessionIsRenewedBeforeItEnds(t *testing.T) {
	s := newServer(t, nil)
	c := opened(t, s)
	now := time.Now()
	c.now = func() time.Time { return now }
	checkin(t, c)
	s.asked()
	now = now.Add(s.life - margin - time.Minute)
	checkin(t, c)
	expect(t, s, "checkin")
	now = now.Add(2 * time.Minute)
	checkin(t, c)
	expect(t, s, "session", "checkin")
}

func TestServerThatForgot(t *testing.T) {
	for _, tt := range []struct {
		name      string
		computers bool
		then      []string
	}{
		{"its sessions", false, []string{"session", "checkin"}},
		{"its computers", true, []string{"session", "enrol", "session", "checkin"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, nil)
			c := opened(t, s)
			checkin(t, c)
			id := wire.ComputerID(c.key.Public().(ed25519.PublicKey))
			s.asked()
			s.forget(tt.computers)
			_, _, err := c.Checkin(t.Context(), wire.Checkin{})
			if refused := (*Refused)(nil); !errors.As(err, &refused) || refused.Detail != "the token is not known" {
				t.Errorf("got %v", err)
			}
			expect(t, s, "checkin")
			checkin(t, c)
			expect(t, s, tt.then...)
			if _, same := s.enrolled[id]; !same {
				t.Error("enrolled with another key")
			}
		})
	}
}

// Both reasons are told: that the key is not known, and that the string is no way in any more.
func TestEnrolmentThatIsRefused(t *testing.T) {
	s := newServer(t, nil)
	c, err := s.open(t.TempDir(), wire.Enrolment{Token: "revoked"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _, err = c.Checkin(t.Context(), wire.Checkin{})
		for _, want := range []string{"has expired", "is not known"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q in it", err, want)
			}
		}
		expect(t, s, "session", "enrol")
	}
}

func TestUnavailable(t *testing.T) {
	for _, tt := range []struct {
		status int
		header string
		after  time.Duration
	}{
		{429, "7", 7 * time.Second},
		{503, "", 0},
		{503, "-5", 0},
		{503, "soon", 0},
		{503, "99999999999999999999", 0},
		{503, "2000000000", longestAway},
		{500, "3", 3 * time.Second},
		{502, "0", 0},
	} {
		s := newServer(t, nil)
		s.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tt.header)
			w.WriteHeader(tt.status)
		}
		_, news, err := opened(t, s).Checkin(t.Context(), wire.Checkin{})
		var away *Unavailable
		if !errors.As(err, &away) || news || away.Status != tt.status || away.After != tt.after {
			t.Errorf("%d, Retry-After %q: got %v (%+v)", tt.status, tt.header, err, away)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{422, `{"title": "Unprocessable", "detail": "too many sessions"}`, "too many sessions"},
		{400, `{"title": "Bad Request"}`, "Bad Request"},
		{404, `<html>`, "no reason given"},
		{200, `{"digest": 5}`, "read the answer of " + wire.PathCheckin},
		{200, `<html>a sign-in page</html>`, "read the answer of " + wire.PathCheckin},
		{200, ``, "read the answer of " + wire.PathCheckin},
	} {
		s := newServer(t, nil)
		s.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}
		_, news, err := opened(t, s).Checkin(t.Context(), wire.Checkin{})
		if err == nil || news || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: news %t, got %v, want %q", tt.status, tt.body, news, err, tt.want)
		}
	}
}

// No server can send its agents, or their tokens, elsewhere.
func TestRedirectIsRefused(t *testing.T) {
	elsewhere := newServer(t, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t, nil)
		s.answer = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+wire.PathCheckin, status)
		}
		_, _, err := opened(t, s).Checkin(t.Context(), wire.Checkin{})
		if refused := (*Refused)(nil); !errors.As(err, &refused) || refused.Status != status {
			t.Errorf("%d: got %v", status, err)
		}
	}
	expect(t, elsewhere)
}

func TestReplyIsBounded(t *testing.T) {
	s := newServer(t, nil)
	sent := 0
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		piece := []byte(strings.Repeat(" ", 64<<10))
		for sent < 10*wire.MaxReply {
			n, err := w.Write(piece)
			if sent += n; err != nil {
				return
			}
		}
	}
	if _, _, err := opened(t, s).Checkin(t.Context(), wire.Checkin{}); err == nil {
		t.Error("an endless reply was read")
	}
	s.Close() // the handler has ended
	if sent >= 10*wire.MaxReply {
		t.Errorf("read %d bytes, want about %d at most", sent, wire.MaxReply)
	}
}

func TestHeldCheckinEndsWithItsContext(t *testing.T) {
	s := newServer(t, nil)
	s.answer = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the end of the connection is noticed behind the body only
		<-r.Context().Done()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, _, err := opened(t, s).Checkin(ctx, wire.Checkin{Wait: 50})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begin))
	}
}

func TestAuthorizeAndReleases(t *testing.T) {
	s := newServer(t, nil)
	c := opened(t, s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Releases()+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Authorize(r); err != nil {
		t.Fatal(err)
	}
	if s.tokens[bearer(r)] == "" {
		t.Errorf("authorized with %q", r.Header.Get("Authorization"))
	}
	if want := s.URL + "/agent/v1/releases"; c.Releases() != want {
		t.Errorf("releases at %s, want %s", c.Releases(), want)
	}
	s.Close()
	c = opened(t, s)
	if err := c.Authorize(r.Clone(t.Context())); err == nil {
		t.Error("authorized with no server there")
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	folder := t.TempDir()
	first, err := loadKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadKey(folder)
	if err != nil || !first.Equal(again) {
		t.Errorf("another key, %v", err)
	}
}

func TestKeyThatIsDamaged(t *testing.T) {
	const rsaLike = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"
	for name, content := range map[string]string{
		"empty": "", "text": "hello", "no key": rsaLike, "PEM of nothing": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, keyFile)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{Enrolment: wire.Enrolment{URL: "https://x", Token: "t"}.String(), Data: folder})
		if err == nil || !strings.Contains(err.Error(), "is damaged; move it away") {
			t.Errorf("%s: got %v", name, err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("%s: the file was touched", name)
		}
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, keyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKey(folder); err == nil {
		t.Error("a folder is a key")
	}
	if _, err := loadKey(filepath.Join(folder, "missing")); err == nil {
		t.Error("a key was made in a folder that is not there")
	}
}
