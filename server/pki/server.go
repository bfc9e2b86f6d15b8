package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"sync"
)

// ServerConfig is the TLS configuration of a server that is reached under names, which are host names or addresses. It
// speaks TLS 1.3, and 1.2 with what older systems have, and replaces its certificate a month before it expires.
func (a *Authority) ServerConfig(names []string) (*tls.Config, error) {
	h := &holder{authority: a, names: names}
	if _, err := h.certificate(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: h.certificate, NextProtos: []string{"http/1.1"}}, nil
}

// holder holds the server's certificate of the time.
type holder struct {
	authority *Authority
	names     []string
	mu        sync.Mutex
	current   *tls.Certificate
}

func (h *holder) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != nil && h.authority.now().Before(h.current.Leaf.NotAfter.Add(-renewBefore)) {
		return h.current, nil
	}
	made, err := h.authority.issue(h.names)
	if err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	h.current = made
	return made, nil
}

func (a *Authority) issue(names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "Lull server"},
		NotBefore:    a.now().Add(-clockSlack),
		NotAfter:     a.now().Add(serverLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	// The chain carries the authority too: agents know it by its hash only.
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}
