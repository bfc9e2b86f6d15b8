package pki

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestAuthorityStays(t *testing.T) {
	folder, c := t.TempDir(), &clock{time.Now()}
	first, err := Open(folder, c.now)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(folder, c.now)
	if err != nil || !again.Certificate().Equal(first.Certificate()) {
		t.Fatalf("a second start made another authority: %v", err)
	}
	// The certificate can be lost, or expire: the key, and with it every agent's pin, stays.
	if err := os.Remove(filepath.Join(folder, CertificateFile)); err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{0, authorityLife} {
		c.at = c.at.Add(later)
		made, err := Open(folder, c.now)
		if err != nil || string(made.Certificate().RawSubjectPublicKeyInfo) != string(first.Certificate().RawSubjectPublicKeyInfo) {
			t.Fatalf("after %s: %v", later, err)
		}
		if !c.at.Before(made.Certificate().NotAfter) {
			t.Errorf("after %s: expired at %s", later, made.Certificate().NotAfter)
		}
	}
}

func TestDamagedKeyIsAnError(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, KeyFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, time.Now); err == nil {
		t.Error("a damaged key was replaced silently, which would lock every agent out")
	}
}

func TestServerCertificateIsReplacedWhileRunning(t *testing.T) {
	c := &clock{time.Now()}
	a, err := Open(t.TempDir(), c.now)
	if err != nil {
		t.Fatal(err)
	}
	config, err := a.ServerConfig([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	first, _ := config.GetCertificate(nil)
	c.at = c.at.Add(serverLife - renewBefore - time.Hour)
	if same, _ := config.GetCertificate(nil); same != first {
		t.Error("replaced too early")
	}
	c.at = c.at.Add(2 * time.Hour)
	next, err := config.GetCertificate(nil)
	if err != nil || next == first || !c.at.Add(renewBefore).Before(next.Leaf.NotAfter) {
		t.Errorf("not replaced a month before its end: %v", err)
	}
}
