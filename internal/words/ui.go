package words

// Text is a label of the pages; the key itself if there is none, which a test of the pages refuses.
func Text(l Language, key string) string {
	if text, ok := labels()[key]; ok {
		return text.in(l)
	}
	return key
}

func labels() map[string]pair {
	return map[string]pair{
		"title":         {"Workstations", "Arbeitsstationen"},
		"workstation":   {"Workstation", "Arbeitsstation"},
		"computers":     {"computers", "Computer"},
		"installed":     {"Installed", "Ist"},
		"desired":       {"Desired", "Soll"},
		"state":         {"State", "Zustand"},
		"since":         {"Since", "Seit"},
		"seen":          {"Last seen", "Zuletzt gesehen"},
		"sessions":      {"Sessions", "Sitzungen"},
		"active":        {"active", "aktiv"},
		"disconnected":  {"disconnected", "getrennt"},
		"serverVersion": {"Server version", "Server-Version"},
		"revision":      {"Revision", "Stand"},
		"noRevision":    {"no manifests yet", "noch keine Manifeste"},
		"refused":       {"The newest revision was refused; the last good one stays in force.", "Der neueste Stand wurde abgelehnt; der letzte gute gilt weiter."},
		"unreachable":   {"The manifests cannot be read at the moment; the last good revision stays in force.", "Die Manifeste können gerade nicht gelesen werden; der letzte gute Stand gilt weiter."},
		"releases":      {"Stored releases", "Gespeicherte Versionen"},
		"none":          {"No workstation has reported yet.", "Noch keine Arbeitsstation hat sich gemeldet."},
		"noMatch":       {"No workstation matches.", "Keine Arbeitsstation passt."},
		"search":        {"Find by name, client or state", "Nach Name, Client-Programm oder Zustand suchen"},
		"find":          {"Find", "Suchen"},
		"live":          {"Refresh every 5 seconds", "Alle 5 Sekunden aktualisieren"},
		"still":         {"Stop refreshing", "Nicht mehr aktualisieren"},
		"more":          {"More", "Weitere"},
		"signIn":        {"Sign in", "Anmelden"},
		"signOut":       {"Sign out", "Abmelden"},
		"token":         {"Token", "Token"},
		"tokenHint":     {"The first start of the server has written the administrator's token to the file admin.token in its data folder.", "Der erste Start des Servers hat das Token des Administrators in die Datei admin.token in seinem Datenordner geschrieben."},
		"tokenWrong":    {"This token is not known, has expired or was revoked.", "Dieses Token ist nicht bekannt, abgelaufen oder widerrufen."},
		"tooMany":       {"Too many attempts. Wait a moment.", "Zu viele Versuche. Bitte kurz warten."},
		"progress":      {"downloaded", "geladen"},
		"staged":        {"prepared", "vorbereitet"},
		"approved":      {"approved", "freigegeben"},
		"withdrawn":     {"withdrawn", "zurückgezogen"},
		"day":           {"d", "T"},
	}
}
