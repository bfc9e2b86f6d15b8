package checkin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"lull/internal/wire"
)

// newTransport makes connections to the server alone: over TLS with the pinned CA, over TLS with the system's CAs where
// the enrolment string pins none, or without TLS to this very computer.
func newTransport(server wire.Enrolment) (*http.Transport, error) {
	address, err := url.Parse(server.URL)
	if err != nil {
		return nil, fmt.Errorf("address of the server: %w", err)
	}
	if address.Scheme != "https" && !(address.Scheme == "http" && loopback(address.Hostname())) {
		return nil, fmt.Errorf("address of the server: %s is not https; plain http is for loopback addresses only", server.URL)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: wire.MaxWait + answerTime,
		IdleConnTimeout:       2 * time.Minute,
		MaxConnsPerHost:       4,
		ForceAttemptHTTP2:     false, // one long-held request and now and then a download need no more
	}
	if server.CA != "" {
		transport.TLSClientConfig = pinned(server.CA, address.Hostname())
	}
	return transport, nil
}

// pinned believes certificates of one CA only, which is known by the hash of its public key and shown by the server as
// the end of its chain. Go's own verification needs the whole CA certificate beforehand, which an enrolment string has no
// room for; this does the same verification with the CA taken from the chain once its key was compared with the pin.
func pinned(pin, host string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // verified below, against the pin instead of the system's CAs
		VerifyConnection: func(state tls.ConnectionState) error {
			return verifyPinned(state.PeerCertificates, pin, host)
		},
	}
}

var errPin = errors.New("the server is not the one that the enrolment string names: no certificate in its chain has the pinned key")

func verifyPinned(chain []*x509.Certificate, pin, host string) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, cert := range chain {
		if cert.IsCA && wire.KeyPin(cert) == pin {
			roots.AddCert(cert)
			found = true
		} else {
			between.AddCert(cert)
		}
	}
	if !found {
		return errPin
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
	return err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// named says in every request who asks.
type named struct {
	http.RoundTripper
	agent string
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", n.agent)
	return n.RoundTripper.RoundTrip(r)
}
