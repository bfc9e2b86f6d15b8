// Package enrolment lets agents in: once with an enrolment string, and then, about every hour, with a signature.
//
// An agent proves itself by its own key and by nothing else: host names and serial numbers are no credentials. A known
// key that comes again with a valid string is answered as the first time, so that a lost reply costs nothing. A signed
// request is good for five minutes either way and once; what was signed is wire.SessionPayload.
//
// Both routes can be reached without a token and are therefore bounded: the body, the rate per address, and the number
// of signatures that are remembered. Failures of one address are soon answered, and logged, no more; whoever succeeds is
// heard all the same, because a whole hospital may share that address.
package enrolment

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"lull/internal/wire"
	"lull/server/access"
	"lull/server/inventory"
	"lull/server/problem"
)

const (
	clockDifference = 5 * time.Minute
	bodyTime        = 10 * time.Second
	maxBody         = 8 << 10
	maxHost         = 255 // characters of a host name
)

// Handler answers the two routes.
type Handler struct {
	keeper *access.Keeper
	fleet  *inventory.Fleet
	log    *slog.Logger
	now    func() time.Time
	gate   *gate
	seen   *nonces
}

// New makes a Handler.
func New(keeper *access.Keeper, fleet *inventory.Fleet, log *slog.Logger, now func() time.Time) *Handler {
	return &Handler{keeper: keeper, fleet: fleet, log: log, now: now, gate: newGate(), seen: newNonces(now)}
}

// Enrol answers POST /agent/v1/enrol.
func (h *Handler) Enrol(w http.ResponseWriter, r *http.Request) {
	var in wire.Enrol
	if !h.read(w, r, &in) {
		return
	}
	token, err := h.keeper.Enrolment(in.Token)
	if err != nil {
		h.fail(w, r, http.StatusUnauthorized, "the enrolment string is not known, has expired or was revoked; print one with: lull token create --agents")
		return
	}
	if len(in.PublicKey) != ed25519.PublicKeySize || !inventory.Printable(in.Host, maxHost) {
		h.fail(w, r, http.StatusUnprocessableEntity, "want a public key of 32 bytes and a printable host name")
		return
	}
	id, err := h.fleet.Enrol(r.Context(), in.PublicKey, in.Host)
	if err != nil {
		h.log.Error("enrolment failed", "host", in.Host, "error", err)
		problem.Write(w, http.StatusInternalServerError, "the computer could not be stored; the server's log has the cause")
		return
	}
	h.log.Info("enrolled", "computer", id, "host", in.Host, "with", token.Name)
	reply(w, wire.Enrolled{Computer: id})
}

// Session answers POST /agent/v1/session.
func (h *Handler) Session(w http.ResponseWriter, r *http.Request) {
	var in wire.Session
	if !h.read(w, r, &in) {
		return
	}
	if status, detail := h.verify(in); detail != "" {
		h.fail(w, r, status, detail)
		return
	}
	secret, expires := h.keeper.StartAgent(in.Computer)
	reply(w, wire.Token{Token: secret, Expires: expires})
}

// verify says what is wrong with a request for a session; nothing if it is as it should be.
func (h *Handler) verify(in wire.Session) (status int, detail string) {
	computer, ok := h.fleet.Computer(in.Computer)
	if !ok {
		return http.StatusUnauthorized, inventory.ErrUnknown.Error()
	}
	if len(in.Nonce) != nonceSize || !ed25519.Verify(computer.Key, wire.SessionPayload(in.Computer, in.Time, in.Nonce), in.Signature) {
		return http.StatusUnauthorized, "the signature is not this computer's"
	}
	now := h.now()
	if d := now.Sub(time.Unix(in.Time, 0)); d > clockDifference || d < -clockDifference {
		return http.StatusUnauthorized, "the clocks differ by more than five minutes; the server's is at " + now.UTC().Format(time.RFC3339)
	}
	switch err := h.seen.add(in.Nonce); {
	case errors.Is(err, errFull):
		return http.StatusServiceUnavailable, err.Error()
	case err != nil:
		return http.StatusUnauthorized, err.Error()
	}
	return 0, ""
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if !h.gate.enter(r) {
		tooMany(w)
		return false
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer can; then the server's own limits hold
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into)
	_ = control.SetReadDeadline(time.Time{})
	if err != nil {
		h.fail(w, r, http.StatusBadRequest, "the request is no JSON of this protocol")
		return false
	}
	return true
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "10")
	problem.Write(w, http.StatusTooManyRequests, "too many requests from this address")
}

// fail answers a request that should not have been sent, and remembers where it came from.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if !h.gate.fail(r) {
		tooMany(w)
		return
	}
	h.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelWarn, "refused", slog.String("route", r.Pattern),
		slog.String("from", address(r)), slog.String("why", strings.TrimSpace(detail)))
	problem.Write(w, status, detail)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the agent asks again if it did not get this
}
