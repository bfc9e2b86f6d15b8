// Package problem answers requests that failed, as RFC 9457 problem documents.
//
// Handlers outside the OpenAPI part use it, so that an agent or a program meets one form of error everywhere. Details
// say what to do and never carry an inner error: those go to the log. The package keeps nothing.
package problem

import (
	"encoding/json"
	"net/http"

	"lull/internal/wire"
)

// Write answers with a problem document.
func Write(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(wire.Problem{Title: http.StatusText(status), Status: status, Detail: detail}) // the caller is gone if this fails
}
