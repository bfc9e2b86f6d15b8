package inventory

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"lull/internal/wire"
	"lull/reconciler"
)

// Limits of what an agent may report, far above what a real computer has.
const (
	maxPairs    = 64   // facts, labels
	maxClients  = 64   // installations on one computer
	maxSessions = 1024 // a terminal server
	maxDone     = 4 * maxActions
	maxName     = 64   // a registered name, as the manifests allow it
	maxText     = 256  // a fact, a label, a host or user name
	maxArg      = 1024 // an argument of a reason: a path, an error
	maxArgs     = 16
)

// Check refuses a check-in that no agent of ours would send, tidies its free text, and drops what privacy forbids.
func Check(in *wire.Checkin, privacy wire.Privacy) error {
	if err := checkPairs("facts", in.Facts); err != nil {
		return err
	}
	if err := checkPairs("labels", in.Labels); err != nil {
		return err
	}
	if len(in.Clients) > maxClients || len(in.Sessions) > maxSessions || len(in.Done) > maxDone {
		return fmt.Errorf("too many clients, sessions or finished actions: at most %d, %d and %d", maxClients, maxSessions, maxDone)
	}
	if in.Mode != "" && in.Mode != "apply" && in.Mode != "report" {
		return fmt.Errorf("mode %q: want apply or report", in.Mode)
	}
	in.Agent = tidy(in.Agent, maxName)
	seen := make(map[string]bool, len(in.Clients))
	for i := range in.Clients {
		if err := checkStatus(&in.Clients[i]); err != nil {
			return err
		}
		name := in.Clients[i].Client
		if seen[name] {
			return fmt.Errorf("client %s comes twice", name)
		}
		seen[name] = true
	}
	for i := range in.Sessions {
		checkSession(&in.Sessions[i], privacy)
	}
	return nil
}

func checkPairs(what string, pairs map[string]string) error {
	if len(pairs) > maxPairs {
		return fmt.Errorf("%d %s: at most %d are allowed", len(pairs), what, maxPairs)
	}
	for name, value := range pairs {
		if !Printable(name, maxName) || value != "" && !Printable(value, maxText) {
			return fmt.Errorf("%s: %.80q = %.80q: want printable text of at most %d and %d characters", what, name, value, maxName, maxText)
		}
	}
	return nil
}

func checkStatus(s *wire.Status) error {
	if !Printable(s.Client, maxName) || !Printable(s.Workstation, maxName) {
		return fmt.Errorf("client %.80q on workstation %.80q: want printable names of at most %d characters", s.Client, s.Workstation, maxName)
	}
	if !known(s.Phase) {
		return fmt.Errorf("client %s: phase %.80q is not known", s.Client, s.Phase)
	}
	s.Revision = tidy(s.Revision, maxText)
	for _, r := range []*reconciler.Reason{&s.Reason, s.Observed.Problem, s.Observed.Busy} {
		if err := checkReason(r); err != nil {
			return fmt.Errorf("client %s: %w", s.Client, err)
		}
	}
	if len(s.Observed.Bad) > maxPairs {
		return fmt.Errorf("client %s: %d bad releases: at most %d are allowed", s.Client, len(s.Observed.Bad), maxPairs)
	}
	return nil
}

func known(p reconciler.Phase) bool {
	switch p {
	case reconciler.UpToDate, reconciler.Staging, reconciler.WaitingForIdle, reconciler.WaitingForWindow,
		reconciler.WaitingForRollout, reconciler.Suspended, reconciler.Updating, reconciler.Blocked, reconciler.Failed,
		reconciler.RolledBack, reconciler.Unmanaged:
		return true
	}
	return false
}

func checkReason(r *reconciler.Reason) error {
	if r == nil {
		return nil
	}
	if len(r.Args) > maxArgs || len(r.Code) > maxName {
		return fmt.Errorf("a reason has a code of at most %d characters and at most %d arguments", maxName, maxArgs)
	}
	r.Code = reconciler.Code(tidy(string(r.Code), maxName))
	tidied := make(map[string]string, len(r.Args))
	for name, value := range r.Args {
		tidied[tidy(name, maxName)] = tidy(value, maxArg)
	}
	if len(tidied) > 0 {
		r.Args = tidied
	}
	return nil
}

func checkSession(s *wire.UserSession, privacy wire.Privacy) {
	if s.State != "disconnected" {
		s.State = "active"
	}
	s.User, s.Device = tidy(s.User, maxText), tidy(s.Device, maxText)
	if privacy.Users != wire.PrivacyName {
		s.User = ""
	}
	if privacy.Devices != wire.PrivacyName {
		s.Device = ""
	}
}

// Printable reports whether text is 1 to limit printable characters without white space at its ends.
func Printable(text string, limit int) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= limit &&
		strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// tidy makes text printable and at most limit characters long.
func tidy(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "�"))
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit])
	}
	return text
}
