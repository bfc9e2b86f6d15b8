package agent

import (
	"slices"
	"testing"

	"lull/internal/wire"
)

func TestRedacted(t *testing.T) {
	for _, users := range []string{"", wire.PrivacyNone, wire.PrivacyName, "NAME", wire.PrivacyDaily} {
		for _, devices := range []string{"", wire.PrivacyNone, wire.PrivacyName, "NAME", wire.PrivacyDaily} {
			sessions := []wire.UserSession{{ID: 1, State: "active", User: "ada", Device: "TABLET"}, {ID: 2, State: "disconnected"}}
			want := slices.Clone(sessions)
			if users != wire.PrivacyName {
				want[0].User = ""
			}
			if devices != wire.PrivacyName {
				want[0].Device = ""
			}
			if got := redacted(sessions, wire.Privacy{Users: users, Devices: devices}); !slices.Equal(got, want) {
				t.Errorf("users %q, devices %q: %+v", users, devices, got)
			}
		}
	}
	if got := redacted(nil, wire.Privacy{}); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
