package checkin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"lull/internal/wire"
)

// A server is believed exactly if the pinned authority signed its certificate, for this address and time.
func TestPin(t *testing.T) {
	mine, other := newAuthority(t), newAuthority(t)
	hour := time.Now().Add(time.Hour)
	chain := func(cert tls.Certificate, roots ...*authority) tls.Certificate {
		for _, a := range roots {
			cert.Certificate = append(cert.Certificate, a.cert.Raw)
		}
		return cert
	}
	good, _ := mine.leaf("127.0.0.1", hour, x509.ExtKeyUsageServerAuth)
	forged, _ := other.leaf("127.0.0.1", hour, x509.ExtKeyUsageServerAuth)
	elsewhere, _ := mine.leaf("127.0.0.2", hour, x509.ExtKeyUsageServerAuth)
	expired, _ := mine.leaf("127.0.0.1", time.Now().Add(-time.Minute), x509.ExtKeyUsageServerAuth)
	person, _ := mine.leaf("127.0.0.1", hour, x509.ExtKeyUsageClientAuth)
	var (
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	for _, tt := range []struct {
		name string
		cert tls.Certificate
		pin  string
		ok   bool
		want func(error) bool
	}{
		{"right", chain(good, mine), mine.pin(), true, nil},
		{"other pin", chain(good, mine), other.pin(), false, func(err error) bool { return errors.Is(err, errPin) }},
		{"pin in capitals", chain(good, mine), strings.ToUpper(mine.pin()), false, func(err error) bool { return errors.Is(err, errPin) }},
		{"other authority", chain(forged, other), mine.pin(), false, func(err error) bool { return errors.Is(err, errPin) }},
		{"other authority, shown with the pinned one", chain(forged, mine), mine.pin(), false, func(err error) bool { return errors.As(err, &unknown) }},
		{"other authority, shown with both", chain(forged, other, mine), mine.pin(), false, func(err error) bool { return errors.As(err, &unknown) }},
		{"authority is not shown", good, mine.pin(), false, func(err error) bool { return errors.Is(err, errPin) }},
		{"pin of the certificate itself", good, leafPin(t, good), false, func(err error) bool { return errors.Is(err, errPin) }},
		{"other address", chain(elsewhere, mine), mine.pin(), false, func(err error) bool { return errors.As(err, &host) }},
		{"expired", chain(expired, mine), mine.pin(), false, func(err error) bool { return errors.As(err, &invalid) && invalid.Reason == x509.Expired }},
		{"not a server's", chain(person, mine), mine.pin(), false, func(err error) bool { return errors.As(err, &invalid) }},
		{"no pin and not known to the system", chain(good, mine), "", false, func(err error) bool { return errors.As(err, &unknown) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, &tls.Config{Certificates: []tls.Certificate{tt.cert}})
			c, err := s.open(t.TempDir(), wire.Enrolment{CA: tt.pin})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = c.Checkin(t.Context(), wire.Checkin{})
			switch {
			case tt.ok && err != nil:
				t.Errorf("not believed: %v", err)
			case !tt.ok && (err == nil || !tt.want(err)):
				t.Errorf("got %v (%T)", err, err)
			case !tt.ok && len(s.asked()) > 0:
				t.Error("something was sent to a server that is not believed")
			}
		})
	}
}

func leafPin(t *testing.T, c tls.Certificate) string {
	t.Helper()
	cert, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return wire.KeyPin(cert)
}

func TestOldTLSIsRefused(t *testing.T) {
	a := newAuthority(t)
	cert, _ := a.leaf("127.0.0.1", time.Now().Add(time.Hour), x509.ExtKeyUsageServerAuth)
	cert.Certificate = append(cert.Certificate, a.cert.Raw)
	s := newServer(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	c, err := s.open(t.TempDir(), wire.Enrolment{CA: a.pin()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Checkin(t.Context(), wire.Checkin{}); err == nil {
		t.Error("TLS 1.1 is believed")
	}
}

func TestAddress(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://lull.example":   true,
		"https://10.0.0.1:8440/": true,
		"http://127.0.0.1:8440":  true,
		"http://127.9.9.9":       true,
		"http://[::1]:8440":      true,
		"http://localhost:8440":  true,
		"http://lull.example":    false,
		"http://10.0.0.1":        false,
		"http://127.0.0.1.nip":   false,
		"http://localhost.evil":  false,
		"ftp://127.0.0.1":        false,
		"127.0.0.1:8440":         false,
		"lull.example":           false,
		"https://a b":            false,
	} {
		_, err := Open(Config{Enrolment: wire.Enrolment{URL: address, Token: "t"}.String(), Data: t.TempDir()})
		if (err == nil) != ok {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if _, err := Open(Config{Enrolment: "hello", Data: t.TempDir()}); !errors.Is(err, wire.ErrEnrolment) {
		t.Errorf("no enrolment string: %v", err)
	}
}

// A request is the caller's: what is put on it goes on a copy.
func TestNamedLeavesTheRequestAlone(t *testing.T) {
	s := newServer(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := opened(t, s).HTTP().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if len(r.Header) != 0 {
		t.Errorf("the request has now %v", r.Header)
	}
}
