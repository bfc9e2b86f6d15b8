package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lull/internal/release"
	"lull/reconciler"
	"lull/schema"
)

func TestEnrolmentRoundTrip(t *testing.T) {
	for _, e := range []Enrolment{
		{URL: "https://lull.example:8440", Token: "s3cret", CA: strings.Repeat("a", 64), Root: strings.Repeat("b", 64)},
		{URL: "http://127.0.0.1:1", Token: "t"},
		{URL: "https://ü.example", Token: "~?>"},
	} {
		text := e.String()
		if strings.ContainsAny(text, "+/= \n") {
			t.Errorf("%s does not survive a command line or a URL", text)
		}
		for _, copied := range []string{text, " " + text + "\r\n"} {
			if got, err := ParseEnrolment(copied); err != nil || got != e {
				t.Errorf("%q: got %+v, %v; want %+v", copied, got, err, e)
			}
		}
	}
}

func TestDamagedEnrolment(t *testing.T) {
	good := Enrolment{URL: "https://lull.example", Token: "t"}.String()
	for _, text := range []string{
		"", "lull1", "lull2:" + good[6:], "LULL1:" + good[6:], good[:len(good)-4], good[:20], good + "=", good + good,
		good[:10] + " " + good[10:], Enrolment{URL: "https://x"}.String(), Enrolment{Token: "t"}.String(), "lull1:", "lull1:bnVsbA",
	} {
		if got, err := ParseEnrolment(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	if _, err := ParseEnrolment("hello"); !errors.Is(err, ErrEnrolment) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseEnrolment(good[:len(good)-4]); err == nil || !strings.Contains(err.Error(), "copied whole") {
		t.Errorf("a string that was cut off: %v", err)
	}
}

// Whatever is taken for an enrolment string says where the server is, and means the same when it is printed again.
func FuzzParseEnrolment(f *testing.F) {
	f.Add(Enrolment{URL: "https://lull.example", Token: "t", CA: "00"}.String())
	f.Add("lull1:e30")
	f.Add("lull1:")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEnrolment(text)
		if err != nil {
			return
		}
		if e.URL == "" || e.Token == "" {
			t.Fatalf("%q: %+v", text, e)
		}
		again, err := ParseEnrolment(e.String())
		if err != nil || again != e {
			t.Fatalf("%q: %+v, then %+v, %v", text, e, again, err)
		}
	})
}

// The payload is part of the protocol: agents and servers of different versions must agree on every byte.
func TestSessionPayload(t *testing.T) {
	got := string(SessionPayload("00ff", 1700000000, []byte{1, 0xab}))
	if want := "lull session 1\n00ff\n1700000000\n01ab\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := map[string]string{}
	for _, computer := range []string{"", "a", "a\n1"} {
		for _, at := range []int64{-1, 1, 11} {
			for _, nonce := range []string{"", "1", "11"} {
				name := fmt.Sprintf("%q %d %q", computer, at, nonce)
				payload := string(SessionPayload(computer, at, []byte(nonce)))
				if other, twice := seen[payload]; twice {
					t.Errorf("%s and %s sign the same", name, other)
				}
				seen[payload] = name
			}
		}
	}
}

func TestKeyPinIsOfTheKeyAlone(t *testing.T) {
	key, other := newKey(t), newKey(t)
	a, b, c := certificate(t, key, "one"), certificate(t, key, "two"), certificate(t, other, "one")
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	if want := hex.EncodeToString(sum[:]); KeyPin(a) != want || KeyPin(b) != want {
		t.Errorf("got %s and %s, want %s", KeyPin(a), KeyPin(b), want)
	}
	if KeyPin(c) == KeyPin(a) {
		t.Error("two keys have one pin")
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificate(t *testing.T, key *ecdsa.PrivateKey, name string) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestComputerID(t *testing.T) {
	if got, want := ComputerID([]byte("abc")), "ba7816bf8f01cfea414140de5dae2223"; got != want { // FIPS 180-2, appendix B.1
		t.Errorf("got %s, want %s", got, want)
	}
}

const manifests = `apiVersion: lull/v1
kind: Client
metadata: {name: viewer}
spec:
  compatibility: unchecked
  platforms:
    linux: {install: [/opt/viewer], version: {file: VERSION}}
---
apiVersion: lull/v1
kind: Client
metadata: {name: alpha}
spec:
  compatibility: unchecked
  platforms:
    linux: {install: [/opt/alpha], version: {file: VERSION}}
    windows: {install: ['C:\alpha'], version: {file: VERSION}}
---
apiVersion: lull/v1
kind: Group
metadata: {name: all}
spec: {client: viewer, members: {all: true}, version: "5.8.2"}
---
apiVersion: lull/v1
kind: Group
metadata: {name: cardiology}
spec: {client: viewer, priority: 1, version: "5.8.1", members: {names: ['CARD*'], computers: ['PC-*'], labels: {ward: c}, facts: {arch: amd64}}}
`

func revision(t *testing.T, text string) *Revision {
	t.Helper()
	set, errs := schema.NewSet([]*schema.File{schema.ParseFile("all.yaml", []byte(text))})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var refs []release.Ref
	for _, r := range []release.Ref{
		{Client: "viewer", System: "linux", Version: schema.MustVersion("5.8.1")},
		{Client: "viewer", System: "linux", Version: schema.MustVersion("5.8.2")},
		{Client: "viewer", System: "windows", Version: schema.MustVersion("5.8.2")},
		{Client: "alpha", System: "linux", Version: schema.MustVersion("1.0")},
	} {
		r.SHA256 = strings.Repeat("0", 64)
		refs = append(refs, r)
	}
	return NewRevision("revision 1", set, refs)
}

func asking(statuses ...Status) Checkin {
	return Checkin{
		Facts:  map[string]string{FactHost: "PC-7", FactSystem: "linux", FactArch: "amd64"},
		Labels: map[string]string{"ward": "c"}, Clients: statuses,
	}
}

func TestAnswerToTheFirstCheckinSaysWhereToLook(t *testing.T) {
	r := revision(t, manifests)
	for system, want := range map[string][]string{"linux": {"alpha", "viewer"}, "windows": {"alpha"}, "plan9": nil, "": nil} {
		reply := r.Answer(Checkin{Facts: map[string]string{FactSystem: system}})
		var names []string
		for _, c := range reply.Clients {
			names = append(names, c.Name)
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", system, diff)
		}
		if len(reply.Desired)+len(reply.Releases) > 0 || reply.Revision != "revision 1" {
			t.Errorf("%s: got %+v", system, reply)
		}
	}
}

func TestAnswerToTheSecondCheckinSaysWhatShallBeThere(t *testing.T) {
	r := revision(t, manifests)
	reply := r.Answer(asking(Status{Client: "viewer", Workstation: "card ecg 01"}, Status{Client: "gone", Workstation: "x"}))
	if len(reply.Desired) != 2 || reply.Desired[0].Version.String() != "5.8.1" || reply.Desired[0].Workstation != "card ecg 01" || reply.Desired[1].Managed {
		t.Errorf("got %+v", reply.Desired)
	}
	var versions []string
	for _, ref := range reply.Releases {
		if ref.Client != "viewer" || ref.System != "linux" {
			t.Errorf("release %+v is of no use here", ref)
		}
		versions = append(versions, ref.Version.String())
	}
	if diff := cmp.Diff([]string{"5.8.1"}, versions); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	without := asking(Status{Client: "viewer", Workstation: "CARD 1"})
	without.Labels = nil
	if got := r.Answer(without).Desired[0].Version.String(); got != "5.8.2" {
		t.Errorf("without the label: %s", got)
	}
}

// An agent is woken by what concerns it and by nothing else.
func TestDigest(t *testing.T) {
	ask := asking(Status{Client: "viewer", Workstation: "CARD 1"})
	seal := func(text string, change func(*Reply)) string {
		reply := revision(t, text).Answer(ask)
		change(&reply)
		reply.Seal()
		return reply.Digest
	}
	same := func(*Reply) {}
	first := seal(manifests, same)
	if len(first) != 32 {
		t.Errorf("digest %q", first)
	}
	for name, digest := range map[string]string{
		"again":                    seal(manifests, same),
		"manifests moved":          seal("# a comment\n\n"+manifests, same),
		"had a digest before":      seal(manifests, func(r *Reply) { r.Digest = "x" }),
		"something about others":   seal(strings.Replace(manifests, "members: {all: true}", "members: {names: [nobody]}", 1), same),
		"came over the wire twice": seal(manifests, func(r *Reply) { *r = roundTrip(t, *r) }),
	} {
		if digest != first {
			t.Errorf("%s: the digest differs", name)
		}
	}
	for name, digest := range map[string]string{
		"another version": seal(strings.Replace(manifests, `"5.8.1"`, `"5.8.2"`, 1), same),
		"another folder":  seal(strings.Replace(manifests, "/opt/viewer", "/opt/other", 1), same),
		"an action":       seal(manifests, func(r *Reply) { r.Actions = []Action{{ID: "1", Verb: Look}} }),
		"privacy":         seal(manifests, func(r *Reply) { r.Privacy.Users = PrivacyName }),
		"a revision":      seal(manifests, func(r *Reply) { r.Revision = "revision 2" }),
		"a release":       seal(manifests, func(r *Reply) { r.Releases = nil }),
	} {
		if digest == first {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func roundTrip(t *testing.T, r Reply) (back Reply) {
	t.Helper()
	data, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestAnswerLeavesTheRevisionAlone(t *testing.T) {
	r := revision(t, manifests)
	ask := asking(Status{Client: "viewer", Workstation: "CARD 1"})
	r.Answer(ask)
	if origins := r.Resolver.Resolve(ask.Subjects()[0]).Origins; len(origins) == 0 {
		t.Error("people cannot see any more where a desired state comes from")
	}
}

func TestSubjects(t *testing.T) {
	want := []reconciler.Subject{{
		Client: "viewer", Workstation: "CARD 1", Computer: "PC-7", System: "linux",
		Labels: map[string]string{"ward": "c"}, Facts: map[string]string{FactHost: "PC-7", FactSystem: "linux", FactArch: "amd64"},
	}}
	if diff := cmp.Diff(want, asking(Status{Client: "viewer", Workstation: "CARD 1"}).Subjects()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
