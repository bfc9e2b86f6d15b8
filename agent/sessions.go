package agent

import "lull/internal/wire"

// redacted leaves in a list of sessions only what may leave the computer: their numbers and states always, names of
// users and of remote devices where the server's configuration says so.
func redacted(sessions []wire.UserSession, p wire.Privacy) []wire.UserSession {
	for i := range sessions {
		if p.Users != wire.PrivacyName {
			sessions[i].User = ""
		}
		if p.Devices != wire.PrivacyName {
			sessions[i].Device = ""
		}
	}
	return sessions
}

// userSessions lists the logged-on sessions as far as they may be known. A list that the system refuses to give is empty:
// it informs people and decides nothing.
func (a *Agent) userSessions(p wire.Privacy) []wire.UserSession {
	sessions, err := listSessions()
	if err != nil {
		a.log.Debug("list sessions", "error", err)
		return nil
	}
	return redacted(sessions, p)
}
