// Package pki is the server's own certificate authority, so that TLS works on the first start without anybody's help.
//
// The authority is an ECDSA P-256 key with a certificate for ten years: DATA/ca.key never leaves the server, and
// DATA/ca.pem is for people and programs to trust. Agents know it from their enrolment string by the hash of its public
// key. The server's own certificate is short-lived, exists in memory only, is made at each start and replaced while the
// server runs, so that nobody ever has to renew one.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"lull/internal/durable"
)

// File names in the data folder.
const (
	CertificateFile = "ca.pem"
	KeyFile         = "ca.key"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 90 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
	clockSlack    = 24 * time.Hour // a workstation's clock may be behind
)

// Authority signs the server's certificates.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	now  func() time.Time
}

// Open reads the authority in folder, and makes it if there is none.
func Open(folder string, now func() time.Time) (*Authority, error) {
	key, err := openKey(filepath.Join(folder, KeyFile))
	if err != nil {
		return nil, fmt.Errorf("open certificate authority: %w", err)
	}
	cert, err := openCertificate(filepath.Join(folder, CertificateFile), key, now)
	if err != nil {
		return nil, fmt.Errorf("open certificate authority: %w", err)
	}
	return &Authority{cert: cert, key: key, now: now}, nil
}

// Certificate of the authority.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

func openKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block: restore it from a backup", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds no ECDSA key", path)
	}
	return key, nil
}

func makeKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// openCertificate reads the certificate of key. It is made again if it is missing or not of this key: a pin is of the
// key, so that agents do not notice.
func openCertificate(path string, key crypto.Signer, now func() time.Time) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if key.Public().(*ecdsa.PublicKey).Equal(cert.PublicKey) && now().Before(cert.NotAfter.Add(-serverLife)) {
			return cert, nil
		}
	}
	der, err := selfSign(key, now())
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func selfSign(key crypto.Signer, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Lull server authority"},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.Add(authorityLife),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] = b[0]&0x7f | 0x40 // positive and never zero
	return new(big.Int).SetBytes(b[:])
}
