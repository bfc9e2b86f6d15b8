package access

import (
	"crypto/sha256"
	"maps"
	"time"
)

// How long sessions last.
const (
	AgentSession = time.Hour      // then the agent signs again
	PageSession  = 12 * time.Hour // a working day
)

// Caller is who sent a request.
type Caller struct {
	Name     string // of the token; a computer's id for an agent
	Role     Role
	Computer string // the id of the agent's computer; empty for people
}

type session struct {
	caller  Caller
	token   string // id of the token that it came from; empty for an agent's
	expires time.Time
}

// Identify returns who a bearer token belongs to: a person's own token or a session of either.
func (k *Keeper) Identify(secret string) (Caller, bool) {
	hash := digest(sha256.Sum256([]byte(secret)))
	k.mu.RLock()
	s, isSession := k.sessions[hash]
	t, isToken := k.tokens[hash]
	k.mu.RUnlock()
	switch {
	case isSession:
		return s.caller, k.now().Before(s.expires)
	case isToken && t.Kind == KindPerson:
		return Caller{Name: t.Name, Role: t.Role}, t.valid(k.now())
	}
	return Caller{}, false
}

// StartAgent opens a session for a computer that has proved its key. Its earlier session ends by itself, so that a
// reply that was lost costs nothing.
func (k *Keeper) StartAgent(computer string) (secret string, expires time.Time) {
	expires = k.now().Add(AgentSession).UTC().Truncate(time.Second)
	caller := Caller{Name: computer, Role: Agent, Computer: computer}
	return k.start(session{caller: caller, expires: expires}), expires
}

// SignIn opens a page's session from a person's token. ErrUnknown: it is no such token.
func (k *Keeper) SignIn(secret string) (cookie string, expires time.Time, err error) {
	t, ok := k.token(sha256.Sum256([]byte(secret)))
	if !ok || t.Kind != KindPerson {
		return "", time.Time{}, ErrUnknown
	}
	expires = k.now().Add(PageSession)
	if !t.Expires.IsZero() && t.Expires.Before(expires) {
		expires = t.Expires
	}
	caller := Caller{Name: t.Name, Role: t.Role}
	return k.start(session{caller: caller, token: t.ID, expires: expires}), expires, nil
}

func (k *Keeper) start(s session) string {
	secret := NewSecret()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sessions[sha256.Sum256([]byte(secret))] = s
	return secret
}

// SignOut ends the session of a secret.
func (k *Keeper) SignOut(secret string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sessions, sha256.Sum256([]byte(secret)))
}

// EndComputer ends every session of a computer.
func (k *Keeper) EndComputer(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endSessions(func(s session) bool { return s.caller.Computer == id })
}

// Sweep forgets sessions that have ended; called now and then so that memory stays bounded.
func (k *Keeper) Sweep() {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endSessions(func(s session) bool { return !now.Before(s.expires) })
}

func (k *Keeper) endSessions(which func(session) bool) {
	maps.DeleteFunc(k.sessions, func(_ digest, s session) bool { return which(s) })
}
