// Package access decides who may do what: named tokens of people, enrolment tokens for agents, sessions of both, and
// one table from route to role.
//
// A secret is 32 random bytes. The database holds its SHA-256 hash only, so that a stolen copy opens nothing; a secret
// is shown once, when it is made. Looking a secret up means hashing what was shown and looking for the hash: how long
// that takes tells nothing about any secret, because nobody can steer a hash towards one that he does not know.
//
// Sessions live in memory: an agent's comes from its signature, a person's from signing in to the pages. A restart
// ends them all, which costs each agent one signature. Revoking a token ends the sessions that came from it at once.
//
// Mux wraps every handler when it is registered, and asks Rules: what the table does not name is refused.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Kinds of tokens.
const (
	KindPerson = "person" // a person's or program's own, with a role
	KindAgents = "agents" // lets any number of agents enrol
)

var (
	// ErrUnknown means that a token or what it names is not known, has expired or was revoked.
	ErrUnknown = errors.New("the token is not known, has expired or was revoked")
	// ErrTaken means that a token of this name serves already; names are authors of commits.
	ErrTaken = errors.New("a token of this name is in use: choose another name, or revoke that one first")
)

// Token is everything about a token but its secret.
type Token struct {
	ID      string
	Name    string
	Kind    string
	Role    Role // of a person
	Created time.Time
	Expires time.Time // zero: never
}

func (t Token) valid(now time.Time) bool { return t.Expires.IsZero() || now.Before(t.Expires) }

// Keeper holds tokens and sessions. Tokens are kept in the database and, as a whole, in memory.
type Keeper struct {
	db  *sql.DB
	now func() time.Time

	mu       sync.RWMutex
	tokens   map[digest]Token
	sessions map[digest]session
}

type digest [sha256.Size]byte

// Open reads the tokens from the database.
func Open(ctx context.Context, db *sql.DB, now func() time.Time) (*Keeper, error) {
	k := &Keeper{db: db, now: now, tokens: map[digest]Token{}, sessions: map[digest]session{}}
	rows, err := db.QueryContext(ctx, `SELECT id, name, kind, role, hash, created, expires FROM tokens`)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Token
		var hash []byte
		var created, expires int64
		if err := rows.Scan(&t.ID, &t.Name, &t.Kind, &t.Role, &hash, &created, &expires); err != nil {
			return nil, fmt.Errorf("read tokens: %w", err)
		}
		t.Created, t.Expires = time.Unix(created, 0).UTC(), moment(expires)
		k.tokens[digest(hash)] = t
	}
	return k, rows.Err()
}

func moment(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// NewSecret returns 32 random bytes as base64url.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// FreeName returns a name that no token has: the wanted one, or that with a number.
func (k *Keeper) FreeName(wanted string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	name := wanted
	for i := 2; k.taken(name); i++ {
		name = fmt.Sprintf("%s-%d", wanted, i)
	}
	return name
}

// taken reports whether a token that serves has a name, in any case.
func (k *Keeper) taken(name string) bool {
	for _, t := range k.tokens {
		if strings.EqualFold(t.Name, name) && t.valid(k.now()) {
			return true
		}
	}
	return false
}

// Add stores a token under a secret. ID and Created are filled in. ErrTaken: there is one of this name.
func (k *Keeper) Add(ctx context.Context, t Token, secret string) (Token, error) {
	hash := digest(sha256.Sum256([]byte(secret)))
	t.ID, t.Created = hex.EncodeToString(hash[:6]), k.now().UTC().Truncate(time.Second)
	var expires int64
	if !t.Expires.IsZero() {
		t.Expires = t.Expires.UTC().Truncate(time.Second)
		expires = t.Expires.Unix()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.taken(t.Name) {
		return Token{}, ErrTaken
	}
	_, err := k.db.ExecContext(ctx, `INSERT INTO tokens (id, name, kind, role, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		t.ID, t.Name, t.Kind, string(t.Role), hash[:], t.Created.Unix(), expires)
	if err != nil {
		return Token{}, fmt.Errorf("store token %s: %w", t.Name, err)
	}
	k.tokens[hash] = t
	return t, nil
}

// Revoke removes a token and ends the sessions that came from it. ErrUnknown: there is none.
func (k *Keeper) Revoke(ctx context.Context, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for hash, t := range k.tokens {
		if t.ID != id {
			continue
		}
		if _, err := k.db.ExecContext(ctx, `DELETE FROM tokens WHERE id = ?`, id); err != nil {
			return fmt.Errorf("revoke token %s: %w", id, err)
		}
		delete(k.tokens, hash)
		k.endSessions(func(s session) bool { return s.token == id })
		return nil
	}
	return ErrUnknown
}

// Tokens lists all tokens, also expired ones, in no order.
func (k *Keeper) Tokens() []Token {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]Token, 0, len(k.tokens))
	for _, t := range k.tokens {
		list = append(list, t)
	}
	return list
}

// HasAdmin reports whether somebody can still sign in as an admin.
func (k *Keeper) HasAdmin() bool {
	for _, t := range k.Tokens() {
		if t.Role == Admin && t.valid(k.now()) {
			return true
		}
	}
	return false
}

// Enrolment returns the token for agents that the secret belongs to, or ErrUnknown.
func (k *Keeper) Enrolment(secret string) (Token, error) {
	t, ok := k.token(sha256.Sum256([]byte(secret)))
	if !ok || t.Kind != KindAgents {
		return Token{}, ErrUnknown
	}
	return t, nil
}

func (k *Keeper) token(hash digest) (Token, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	t, ok := k.tokens[hash]
	return t, ok && t.valid(k.now())
}
