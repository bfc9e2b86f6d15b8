// Package checkin answers the one request that every agent sends all the time.
//
// A check-in that repeats what the last one of that computer said, while nothing has changed here, is recognised by its
// bytes: it is not parsed, nothing is resolved, and no disk is touched. Any other one is parsed, checked, kept in the
// inventory and answered from the current view. An agent that has the answer already is held until there is news, or
// until the time that it named is over, and then gets the status 304.
package checkin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"lull/internal/wire"
	"lull/server/access"
	"lull/server/current"
	"lull/server/inventory"
	"lull/server/problem"
)

const (
	bodyTime  = 15 * time.Second // to send a request of a few hundred bytes
	replyTime = 30 * time.Second
	retry     = 5 // seconds, while the manifests are not read yet
)

// Handler answers check-ins.
type Handler struct {
	Fleet   *inventory.Fleet
	Current *current.Keeper
	Privacy wire.Privacy
	Log     *slog.Logger
	Now     func() time.Time

	heard sync.Map // computer id to *heard: its last check-in without news
}

// heard is a check-in that was answered with "no news", and what it was answered from.
type heard struct {
	body     []byte
	in       *wire.Checkin
	computer *inventory.Computer
	view     uint64
}

// ServeHTTP answers POST /agent/v1/checkin. Mux has made sure that an agent sent it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	id := access.From(r.Context()).Computer
	computer := h.Fleet.Seen(id)
	if computer == nil {
		problem.Write(w, http.StatusUnauthorized, inventory.ErrUnknown.Error())
		return
	}
	view := h.Current.View()
	if view == nil {
		w.Header().Set("Retry-After", strconv.Itoa(retry))
		problem.Write(w, http.StatusServiceUnavailable, "the manifests were not read yet")
		return
	}
	in, news := h.known(id, body, computer, view)
	if !news && in.Wait <= 0 {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if news {
		if in = h.take(w, id, body); in == nil {
			return
		}
	}
	h.answer(w, r, id, body, in)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer can; then the server's own limits hold
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return body, true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		problem.Write(w, http.StatusRequestEntityTooLarge, "a check-in has at most "+strconv.Itoa(wire.MaxRequest)+" bytes")
	} else {
		problem.Write(w, http.StatusBadRequest, "the check-in did not arrive whole")
	}
	return nil, false
}

// known returns the parsed form of a check-in that the last one already said, with nothing new here.
func (h *Handler) known(id string, body []byte, computer *inventory.Computer, view *current.View) (in *wire.Checkin, news bool) {
	found, ok := h.heard.Load(id)
	if !ok {
		return nil, true
	}
	last := found.(*heard)
	if last.view != view.Number || last.computer != computer || !bytes.Equal(last.body, body) {
		return nil, true
	}
	return last.in, false
}

// take parses a check-in, checks it and keeps it. It has answered if it returns nil.
func (h *Handler) take(w http.ResponseWriter, id string, body []byte) *wire.Checkin {
	in := new(wire.Checkin)
	if err := json.Unmarshal(body, in); err != nil {
		problem.Write(w, http.StatusBadRequest, "the check-in is no JSON of this protocol: "+err.Error())
		return nil
	}
	if err := inventory.Check(in, h.Privacy); err != nil {
		problem.Write(w, http.StatusUnprocessableEntity, err.Error())
		return nil
	}
	if err := h.Fleet.Report(id, in); err != nil {
		problem.Write(w, http.StatusUnauthorized, err.Error())
		return nil
	}
	return in
}

// answer sends the reply that the agent does not have, at once or when there is one.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, id string, body []byte, in *wire.Checkin) {
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(max(in.Wait, 0))*time.Second, wire.MaxWait))
	defer cancel()
	for {
		view := h.Current.View()
		computer, asked := h.Fleet.Watch(id)
		if computer == nil {
			h.heard.Delete(id)
			problem.Write(w, http.StatusUnauthorized, inventory.ErrUnknown.Error())
			return
		}
		if _, news := h.known(id, body, computer, view); news {
			if reply := h.reply(view, computer, in); reply.Digest != in.Have {
				h.send(w, reply)
				return
			}
			if len(in.Clients) == 0 && len(computer.Clients) > 0 {
				h.Fleet.NoClients(id) // it knows where to look, and names none
				continue
			}
			h.heard.Store(id, &heard{body, in, computer, view.Number})
		}
		select {
		case <-view.Over():
		case <-asked:
		case <-ctx.Done():
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
}

func (h *Handler) reply(view *current.View, computer *inventory.Computer, in *wire.Checkin) wire.Reply {
	reply := view.Answer(*in)
	reply.Privacy = h.Privacy
	now := h.Now()
	for _, a := range computer.Actions {
		if a.Until.IsZero() || now.Before(a.Until) {
			reply.Actions = append(reply.Actions, a)
		}
	}
	reply.Seal()
	return reply
}

func (h *Handler) send(w http.ResponseWriter, reply wire.Reply) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(replyTime)) // as for reading
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		h.Log.Debug("a reply was not sent", "error", err)
	}
}
