package checkin

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"lull/internal/wire"
)

// server is Lull's server as far as agents can see it.
type server struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex
	enrolled map[string]ed25519.PublicKey // by computer
	tokens   map[string]string            // computer by token
	log      []string                     // what was asked for, by the last part of its path
	answer   http.HandlerFunc             // of a check-in; by default no news
	enrol    http.HandlerFunc             // instead of letting agents in
	life     time.Duration                // of a session
}

const enrolToken = "let me in"

func newServer(t *testing.T, config *tls.Config) *server {
	s := &server{t: t, enrolled: map[string]ed25519.PublicKey{}, tokens: map[string]string{}, life: time.Hour}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathEnrol, s.serveEnrol)
	mux.HandleFunc("POST "+wire.PathSession, s.serveSession)
	mux.HandleFunc("POST "+wire.PathCheckin, s.serveCheckin)
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	if config != nil {
		s.TLS = config
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *server) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

// asked is what was asked for since the last call.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(wire.Problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func (s *server) serveEnrol(w http.ResponseWriter, r *http.Request) {
	s.note("enrol")
	if s.enrol != nil {
		s.enrol(w, r)
		return
	}
	var in wire.Enrol
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Token != enrolToken || in.Host != "PC-1" {
		refuse(w, http.StatusUnauthorized, "the enrolment string has expired")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := wire.ComputerID(in.PublicKey)
	s.enrolled[id] = in.PublicKey
	_ = json.NewEncoder(w).Encode(wire.Enrolled{Computer: id})
}

func (s *server) serveSession(w http.ResponseWriter, r *http.Request) {
	s.note("session")
	s.mu.Lock()
	defer s.mu.Unlock()
	var in wire.Session
	err := json.NewDecoder(r.Body).Decode(&in)
	key, known := s.enrolled[in.Computer]
	if err != nil || !known || len(in.Nonce) != 16 || !ed25519.Verify(key, wire.SessionPayload(in.Computer, in.Time, in.Nonce), in.Signature) {
		refuse(w, http.StatusUnauthorized, "the computer is not known")
		return
	}
	token := fmt.Sprintf("token %x", in.Nonce)
	s.tokens[token] = in.Computer
	_ = json.NewEncoder(w).Encode(wire.Token{Token: token, Expires: time.Now().Add(s.life)})
}

func (s *server) serveCheckin(w http.ResponseWriter, r *http.Request) {
	s.note("checkin")
	s.mu.Lock()
	_, known := s.tokens[bearer(r)]
	answer := s.answer
	s.mu.Unlock()
	switch {
	case !known:
		refuse(w, http.StatusUnauthorized, "the token is not known")
	case answer != nil:
		answer(w, r)
	default:
		w.WriteHeader(http.StatusNotModified)
	}
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// forget makes the server one that has lost its database, or only its sessions.
func (s *server) forget(computers bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
	if computers {
		clear(s.enrolled)
	}
}

func (s *server) open(data string, e wire.Enrolment) (*Client, error) {
	s.t.Helper()
	if e.URL == "" {
		e.URL = s.URL
	}
	if e.Token == "" {
		e.Token = enrolToken
	}
	c, err := Open(Config{Enrolment: e.String(), Data: data, Host: "PC-1", Agent: "1.2.3"})
	if err == nil {
		s.t.Cleanup(c.http.CloseIdleConnections)
	}
	return c, err
}

// authority is a certificate authority of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	a.cert = a.sign(template, template, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// leaf is a certificate for an address that ends at a time.
func (a *authority) leaf(address string, end time.Time, usage x509.ExtKeyUsage) (tls.Certificate, *x509.Certificate) {
	key := newKey(a.t)
	cert := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.ParseIP(address)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: end,
	}, a.cert, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, cert
}

func (a *authority) pin() string { return wire.KeyPin(a.cert) }
