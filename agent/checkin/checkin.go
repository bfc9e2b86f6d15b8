// Package checkin is an agent's conversation with Lull's server: enrol once, open a session, check in.
//
// The computer is known by an Ed25519 key that the agent makes itself and flushes to disk before it asks to be let in, so
// that a power cut can never leave the server with a key that nobody holds. The key signs once for a session; after that a
// random bearer token that the server forgets within the hour is shown. The server is known by its CA's public key, which
// the enrolment string pins; no other certificate is believed. What the server answers is bounded before it is read.
package checkin

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"lull/internal/wire"
)

// Client talks to one server as one computer. It may be used by many goroutines.
type Client struct {
	server wire.Enrolment
	host   string
	key    ed25519.PrivateKey
	now    func() time.Time
	http   *http.Client

	mu      sync.Mutex
	session wire.Token
}

// Config says where the server is and who the computer is.
type Config struct {
	Enrolment string           // "lull1:…"
	Data      string           // the agent's folder, where its key lies
	Host      string           // for people to recognise the computer
	Agent     string           // version of the agent, for the server's log
	Now       func() time.Time // default: time.Now
}

// Refused is an answer of the server that more tries will not change by themselves.
type Refused struct {
	Status int
	Detail string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the server refused: %s (status %d)", r.Detail, r.Status)
}

// Unavailable means that the server cannot answer now; After is how long it asks to be left alone, if it says so.
type Unavailable struct {
	Status int
	After  time.Duration
}

func (u *Unavailable) Error() string {
	return fmt.Sprintf("the server is not available: status %d", u.Status)
}

// Open loads the computer's key, or makes and flushes one.
func Open(c Config) (*Client, error) {
	server, err := wire.ParseEnrolment(c.Enrolment)
	if err != nil {
		return nil, err
	}
	server.URL = strings.TrimRight(server.URL, "/")
	key, err := loadKey(c.Data)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	transport, err := newTransport(server)
	if err != nil {
		return nil, err
	}
	return &Client{
		server: server, host: c.Host, key: key, now: c.Now,
		http: &http.Client{Transport: named{transport, "lull-agent/" + c.Agent}, CheckRedirect: noRedirect},
	}, nil
}

// noRedirect: a server never sends its agents elsewhere, so that a token cannot be lured away.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// HTTP is the client that trusts this server and no other.
func (c *Client) HTTP() *http.Client { return c.http }

// Releases is the address below which the server's releases lie.
func (c *Client) Releases() string { return c.server.URL + strings.TrimRight(wire.PathReleases, "/") }

// Authorize puts the session's token on a request, opening a session first where there is none.
func (c *Client) Authorize(r *http.Request) error {
	token, err := c.token(r.Context())
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return err
}

// Checkin sends what the agent has seen. Without news, the reply is zero and news is false. The server may hold the
// request for as long as the check-in's Wait says; ending ctx ends it early.
func (c *Client) Checkin(ctx context.Context, request wire.Checkin) (reply wire.Reply, news bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(request.Wait)*time.Second+answerTime)
	defer cancel()
	token, err := c.token(ctx)
	if err != nil {
		return wire.Reply{}, false, err
	}
	status, err := c.post(ctx, wire.PathCheckin, token, request, &reply)
	if unknown(err) {
		c.forget(token)
	}
	if err != nil {
		return wire.Reply{}, false, fmt.Errorf("check in: %w", err)
	}
	return reply, status != http.StatusNotModified, nil
}

// answerTime is how long the server may take beyond the time that it was asked to wait.
const answerTime = 30 * time.Second

// margin is how long before its end a session is renewed.
const margin = 2 * time.Minute

func (c *Client) token(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session.Token != "" && c.now().Add(margin).Before(c.session.Expires) {
		return c.session.Token, nil
	}
	if err := c.openSession(ctx); err != nil {
		return "", err
	}
	return c.session.Token, nil
}

func (c *Client) forget(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session.Token == token {
		c.session = wire.Token{}
	}
}

// openSession asks for a token, first with the key alone, so that an agent that was restarted needs no valid enrolment
// string. Where the server does not know the key, because it is new, was retired or was lost with a database, the agent
// enrols with it.
func (c *Client) openSession(ctx context.Context) error {
	signed := c.sign(ctx)
	if !unknown(signed) {
		return signed
	}
	enrol := wire.Enrol{Token: c.server.Token, PublicKey: c.key.Public().(ed25519.PublicKey), Host: c.host}
	if _, err := c.post(ctx, wire.PathEnrol, "", enrol, &wire.Enrolled{}); err != nil {
		return fmt.Errorf("enrol: %w (before that: %w)", err, signed)
	}
	return c.sign(ctx)
}

// unknown reports whether an answer says that the server does not know the key or the token.
func unknown(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Status == http.StatusUnauthorized
}

func (c *Client) sign(ctx context.Context) error {
	id := wire.ComputerID(c.key.Public().(ed25519.PublicKey))
	nonce := make([]byte, 16)
	rand.Read(nonce)
	at := c.now().Unix()
	request := wire.Session{
		Computer: id, Time: at, Nonce: nonce,
		Signature: ed25519.Sign(c.key, wire.SessionPayload(id, at, nonce)),
	}
	var token wire.Token
	if _, err := c.post(ctx, wire.PathSession, "", request, &token); err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	c.session = token
	return nil
}

// post sends one JSON request and reads one bounded JSON answer.
func (c *Client) post(ctx context.Context, path, token string, body, answer any) (status int, err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server.URL+path, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	limited := io.LimitReader(response.Body, wire.MaxReply)
	switch {
	case response.StatusCode == http.StatusNotModified:
		return response.StatusCode, nil
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500:
		return response.StatusCode, &Unavailable{response.StatusCode, retryAfter(response)}
	case response.StatusCode != http.StatusOK:
		return response.StatusCode, &Refused{response.StatusCode, detail(limited)}
	}
	if err := json.NewDecoder(limited).Decode(answer); err != nil {
		return response.StatusCode, fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return response.StatusCode, nil
}

// longestAway bounds how long a server can keep its agents away.
const longestAway = 10 * time.Minute

func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestAway)
}

// detail is the sentence in a problem document (RFC 9457).
func detail(body io.Reader) string {
	var problem struct{ Title, Detail string }
	if err := json.NewDecoder(body).Decode(&problem); err != nil {
		return "no reason given"
	}
	if problem.Detail != "" {
		return problem.Detail
	}
	return problem.Title
}
