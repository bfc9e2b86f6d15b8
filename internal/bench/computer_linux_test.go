package bench

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"lull/internal/wire"
	"lull/reconciler"
	"lull/schema"
)

// request enrols a computer with the server, makes it report an installation that is where it shall be, and returns the
// bytes of the check-in that it would send from then on: without news, and not to be held.
func request(b *testing.B, server wire.Enrolment, host string) []byte {
	b.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	var enrolled wire.Enrolled
	post(b, http.StatusOK, server.URL+wire.PathEnrol, "", wire.Enrol{Token: server.Token, PublicKey: public, Host: host}, &enrolled)
	var session wire.Token
	post(b, http.StatusOK, server.URL+wire.PathSession, "", signed(enrolled.Computer, key), &session)

	report := wire.Checkin{
		Facts: map[string]string{wire.FactHost: host, wire.FactSystem: "linux", wire.FactArch: "amd64"},
		Mode:  "apply", Agent: "1.0.0",
		Clients: []wire.Status{{
			Client: "viewer", Workstation: host, Installed: true, Observed: reconciler.Observed{Version: schema.MustVersion("5.8.1")},
			Desired: schema.MustVersion("5.8.1"), Phase: reconciler.UpToDate, Since: time.Now(),
		}},
	}
	var reply wire.Reply
	post(b, http.StatusOK, server.URL+wire.PathCheckin, session.Token, report, &reply)
	report.Have = reply.Digest
	body := post(b, http.StatusNotModified, server.URL+wire.PathCheckin, session.Token, report, nil)
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: lull\r\nUser-Agent: lull-agent/1.0.0\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		wire.PathCheckin, session.Token, len(body), body)
}

func signed(computer string, key ed25519.PrivateKey) wire.Session {
	nonce, now := make([]byte, 16), time.Now().Unix()
	rand.Read(nonce)
	return wire.Session{Computer: computer, Time: now, Nonce: nonce, Signature: ed25519.Sign(key, wire.SessionPayload(computer, now, nonce))}
}

// post sends JSON, reads the answer into out unless that is nil, and returns the body that it sent.
func post(b *testing.B, want int, url, token string, in, out any) []byte {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil || resp.StatusCode != want {
		b.Fatalf("POST %s: status %d, want %d (%v): %s", url, resp.StatusCode, want, err, answer)
	}
	return body
}
