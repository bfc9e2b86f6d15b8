package agent

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"lull/internal/wire"
)

// Classes of WTSQuerySessionInformation (wtsapi32.h).
const (
	wtsUserName   = 5
	wtsClientName = 10
)

// listSessions lists the sessions of people. Services live in session 0, which is left out.
func listSessions() ([]wire.UserSession, error) {
	var first *windows.WTS_SESSION_INFO
	var count uint32
	if err := windows.WTSEnumerateSessions(0, 0, 1, &first, &count); err != nil {
		return nil, err
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(first)))
	var all []wire.UserSession
	for _, s := range unsafe.Slice(first, count) {
		state, people := sessionState(s.State)
		if s.SessionID == 0 || !people {
			continue
		}
		all = append(all, wire.UserSession{
			ID: int(s.SessionID), State: state,
			User: sessionText(s.SessionID, wtsUserName), Device: sessionText(s.SessionID, wtsClientName),
		})
	}
	return all, nil
}

func sessionState(state uint32) (name string, people bool) {
	switch state {
	case windows.WTSActive:
		return "active", true
	case windows.WTSDisconnected:
		return "disconnected", true
	}
	return "", false
}

// sessionText asks for one text about a session; "" where the system does not tell.
func sessionText(session, class uint32) string {
	query := windows.NewLazySystemDLL("wtsapi32.dll").NewProc("WTSQuerySessionInformationW")
	var text *uint16
	var size uint32
	ok, _, _ := query.Call(0, uintptr(session), uintptr(class), uintptr(unsafe.Pointer(&text)), uintptr(unsafe.Pointer(&size)))
	if ok == 0 || text == nil {
		return ""
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(text)))
	return windows.UTF16PtrToString(text)
}
