package server

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"lull/internal/wire"
	"lull/server/pki"
)

// An agent knows the authority by its pin only, and must find it in the chain that the server shows.
func TestTLS(t *testing.T) {
	data := t.TempDir()
	s, err := New(t.Context(), Config{Data: data, Listen: "127.0.0.1:0", Names: []string{"lull.example.test"}, URL: "https://fleet.example.test:8440/"})
	if err != nil {
		t.Fatal(err)
	}
	serve := http.Server{Handler: s.handler}
	go serve.Serve(s.listener)
	defer func() {
		serve.Close()
		s.Close()
	}()
	if e := s.enrolment("x"); e.URL != "https://fleet.example.test:8440" {
		t.Errorf("agents are sent to %s", e.URL)
	}
	pem, err := os.ReadFile(filepath.Join(data, pki.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, name := range []string{"127.0.0.1", "localhost", "lull.example.test", "fleet.example.test"} {
		conn, err := tls.Dial("tcp", s.listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Fatalf("as %s: %v", name, err)
		}
		state := conn.ConnectionState()
		conn.Close()
		chain := state.PeerCertificates
		if pin := wire.KeyPin(chain[len(chain)-1]); state.Version != tls.VersionTLS13 || pin != s.enrolment("x").CA {
			t.Errorf("as %s: version %x, pin %s", name, state.Version, pin)
		}
	}
	if _, err := tls.Dial("tcp", s.listener.Addr().String(), &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}); err == nil {
		t.Error("whoever does not trust the authority was let in")
	}
	if _, err := tls.Dial("tcp", s.listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "localhost", MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	for _, secret := range []string{AdminTokenFile, pki.KeyFile} {
		if info, err := os.Stat(filepath.Join(data, secret)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", secret, info.Mode(), err)
		}
	}
}
