package wire

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Enrolment is what an agent needs to find its server and to be let in. As text it is "lull1:" and base64url of JSON.
type Enrolment struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	CA    string `json:"ca,omitempty"`   // hexadecimal SHA-256 of the CA's public key (SubjectPublicKeyInfo); empty with plain HTTP
	Root  string `json:"root,omitempty"` // hexadecimal SHA-256 of the TUF root, once there is one
}

const enrolmentPrefix = "lull1:"

// ErrEnrolment means that a text is no enrolment string.
var ErrEnrolment = errors.New(`an enrolment string starts with "lull1:"; print one with: lull token create --agents`)

// String is the enrolment string.
func (e Enrolment) String() string {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err) // four strings always encode
	}
	return enrolmentPrefix + base64.RawURLEncoding.EncodeToString(data)
}

// ParseEnrolment reads an enrolment string.
func ParseEnrolment(text string) (Enrolment, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), enrolmentPrefix)
	if !ok {
		return Enrolment{}, ErrEnrolment
	}
	var e Enrolment
	data, err := base64.RawURLEncoding.DecodeString(rest)
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err != nil {
		return Enrolment{}, fmt.Errorf("read enrolment string: %w (was it copied whole?)", err)
	}
	if e.URL == "" || e.Token == "" {
		return Enrolment{}, fmt.Errorf("read enrolment string: url or token is missing: %w", ErrEnrolment)
	}
	return e, nil
}

// KeyPin is the pin of a certificate's public key, as Enrolment.CA holds it.
func KeyPin(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// ComputerID is the id of the computer that holds the key.
func ComputerID(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	return hex.EncodeToString(sum[:16])
}
