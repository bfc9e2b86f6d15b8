//go:build !windows

package agent

import "lull/internal/wire"

// listSessions knows no sessions here: who is logged on is a matter of Windows and its terminal servers.
func listSessions() ([]wire.UserSession, error) { return nil, nil }
