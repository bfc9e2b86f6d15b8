package enrolment

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	nonceSize    = 16
	maxNonces    = 200_000 // sessions in one period: 100,000 agents after a restart, twice
	maxAddresses = 20_000

	requests     = 100 // a second from one address: a whole hospital may sit behind one
	requestBurst = 2000
	failures     = 0.5 // a second from one address
	failureBurst = 20
)

var (
	errReplayed = errors.New("this signature was used before")
	errFull     = errors.New("too many sessions were opened lately: try again in some minutes")
)

// gate bounds what one address may ask for.
type gate struct {
	mu      sync.Mutex
	callers map[string]*caller
}

type caller struct{ requests, failures *rate.Limiter }

func newGate() *gate { return &gate{callers: map[string]*caller{}} }

func (g *gate) caller(r *http.Request) *caller {
	g.mu.Lock()
	defer g.mu.Unlock()
	from := address(r)
	c := g.callers[from]
	if c == nil {
		if len(g.callers) >= maxAddresses {
			clear(g.callers) // whoever sends from so many addresses is not stopped by counting them
		}
		c = &caller{rate.NewLimiter(requests, requestBurst), rate.NewLimiter(failures, failureBurst)}
		g.callers[from] = c
	}
	return c
}

// enter reports whether the address may send a request now.
func (g *gate) enter(r *http.Request) bool { return g.caller(r).requests.Allow() }

// fail reports whether a request of the address may fail now and hear why. Others of the same address are not held up by
// it: one computer that cannot sign must not keep out those that share its address.
func (g *gate) fail(r *http.Request) bool { return g.caller(r).failures.Allow() }

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// nonces remembers every nonce for at least twice the time in which its signature is good.
type nonces struct {
	now      func() time.Time
	mu       sync.Mutex
	turned   time.Time
	new, old map[[nonceSize]byte]struct{}
}

func newNonces(now func() time.Time) *nonces {
	return &nonces{now: now, turned: now(), new: map[[nonceSize]byte]struct{}{}}
}

// add remembers a nonce, or says why it may not be used.
func (n *nonces) add(nonce []byte) error {
	key := [nonceSize]byte(nonce)
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := n.now(); now.Sub(n.turned) > 2*clockDifference {
		n.turned, n.old, n.new = now, n.new, map[[nonceSize]byte]struct{}{}
	}
	_, isNew := n.new[key]
	_, isOld := n.old[key]
	switch {
	case isNew || isOld:
		return errReplayed
	case len(n.new) >= maxNonces:
		return errFull
	}
	n.new[key] = struct{}{}
	return nil
}
