package words

import "lull/reconciler"

func phases() map[reconciler.Phase]pair {
	return map[reconciler.Phase]pair{
		reconciler.UpToDate:          {"up to date", "aktuell"},
		reconciler.Staging:           {"preparing", "wird vorbereitet"},
		reconciler.WaitingForIdle:    {"waiting until it is not in use", "wartet, bis es nicht in Benutzung ist"},
		reconciler.WaitingForWindow:  {"waiting for its maintenance window", "wartet auf das Wartungsfenster"},
		reconciler.WaitingForRollout: {"waiting for its turn", "wartet, bis es an der Reihe ist"},
		reconciler.Suspended:         {"suspended", "angehalten"},
		reconciler.Updating:          {"updating", "wird aktualisiert"},
		reconciler.Blocked:           {"blocked", "blockiert"},
		reconciler.Failed:            {"failed, will be tried again", "fehlgeschlagen, wird wiederholt"},
		reconciler.RolledBack:        {"rolled back", "zurückgesetzt"},
		reconciler.Unmanaged:         {"not managed", "nicht verwaltet"},
	}
}

func reasons() map[reconciler.Code]pair {
	return map[reconciler.Code]pair{
		reconciler.NotInstalled:         {"The client is not installed[ in {candidates}], and Lull never installs one anew.", "Das Client-Programm ist nicht installiert[ (gesucht in {candidates})], und Lull installiert keines neu."},
		reconciler.SeveralInstallations: {"The client is installed more than once[: {folders}]; leave one installation.", "Das Client-Programm ist mehrfach installiert[: {folders}]; es darf nur eine Installation geben."},
		reconciler.OutsideRoots:         {"The installation lies outside the folders that the agent may change[: {candidates}].", "Die Installation liegt außerhalb der Ordner, die der Agent ändern darf[: {candidates}]."},
		reconciler.NotAccepted:          {"Version {installed} is installed, and only {accepts} may be updated.", "Installiert ist {installed}; aktualisiert werden darf nur {accepts}."},
		reconciler.NotCompatible:        {"Version {version} does not fit server version {server}[ (rule {rule})].", "Version {version} passt nicht zur Server-Version {server}[ (Regel {rule})]."},
		reconciler.ServerVersionUnknown: {"The server version[ of {server}] is not known.", "Die Server-Version[ von {server}] ist nicht bekannt."},
		reconciler.DowngradeNotAllowed:  {"Version {installed} is installed, which is above {desired}, and no manifest allows a downgrade.", "Installiert ist {installed}, das ist neuer als {desired}, und kein Manifest erlaubt ein Downgrade."},
		reconciler.Ambiguous:            {"Manifests of equal precedence disagree[: group {group}][: workstation {workstation}][ and {other}].", "Gleichrangige Manifeste widersprechen sich[: Gruppe {group}][: Arbeitsstation {workstation}][ und {other}]."},
		reconciler.ReleaseMissing:       {"There is no release[ {version}][ that is approved and satisfies “{rule}”][ for {system}][ up to server version {server}].", "Es gibt keine Version[ {version}][, die freigegeben ist und „{rule}“ erfüllt][ für {system}][ bis zur Server-Version {server}]."},
		reconciler.ReleaseWithdrawn:     {"Release {version} was withdrawn[ by {by}][: {reason}].", "Version {version} wurde zurückgezogen[ von {by}][: {reason}]."},
		reconciler.ReleaseRefused:       {"Release {version} was refused[: {error}].", "Version {version} wurde abgelehnt[: {error}]."},
		reconciler.ReleaseBad:           {"Release {version} failed its check here.", "Version {version} hat hier ihre Prüfung nicht bestanden."},
		reconciler.OwnedByInstaller:     {"The installation belongs to an installer[ ({owner})], and is not changed as a folder.", "Die Installation gehört einem Installationsprogramm[ ({owner})] und wird nicht als Ordner geändert."},
		reconciler.OtherUpdater:         {"Another updater is enabled[: {service}]. Disable it first.", "Ein anderes Update-Programm ist aktiv[: {service}]. Bitte zuerst abschalten."},
		reconciler.ForeignFiles:         {"There are[ {count}] files that no release knows[: {files}].", "Es gibt[ {count}] Dateien, die zu keiner Version gehören[: {files}]."},
		reconciler.UnknownBaseline:      {"The installed version[ {version}] is not known to the release store, or its files were changed[: {changed}][; missing: {missing}].", "Die installierte Version[ {version}] ist im Versionsspeicher nicht bekannt, oder ihre Dateien wurden geändert[: {changed}][; es fehlen: {missing}]."},
		reconciler.InsecureFolder:       {"The folder is a link, or does not belong to the service alone[: {folders}].", "Der Ordner ist eine Verknüpfung oder gehört nicht allein dem Dienst[: {folders}]."},
		reconciler.GateUnavailable:      {"Starts cannot be held back on this computer[: {error}].", "Auf diesem Computer lassen sich Programmstarts nicht zurückhalten[: {error}]."},
		reconciler.NoSpace:              {"There is not enough space on the disk[: {needed} are needed][, {available} are free].", "Auf der Festplatte ist zu wenig Platz[: benötigt werden {needed}][, frei sind {available}]."},
		reconciler.FileLocked:           {"A file is held by another program[: {path}].", "Eine Datei wird von einem anderen Programm gehalten[: {path}]."},
		reconciler.RemovedAfterStaging:  {"A prepared file of release {version} was changed or removed; look into the virus scanner's quarantine.", "Eine vorbereitete Datei der Version {version} wurde geändert oder entfernt; bitte in der Quarantäne des Virenscanners nachsehen."},
		reconciler.Contested:            {"Something else keeps changing the installed version.", "Etwas anderes ändert die installierte Version immer wieder."},
		reconciler.PlatformMissing:      {"The client has no description for {system}.", "Für {system} ist das Client-Programm nicht beschrieben."},
		reconciler.InUse:                {"In use: {process}[ and {others} more][ in session {session}][, since {since}].", "In Benutzung: {process}[ und {others} weitere][ in Sitzung {session}][, seit {since}]."},
		reconciler.ScanIncomplete:       {"Not every process could be looked at, which counts as in use[: {error}].", "Nicht jeder Prozess konnte geprüft werden; das gilt als in Benutzung[: {error}]."},
		reconciler.ReportMode:           {"The agent only reports; {installed} would become {desired}.", "Der Agent berichtet nur; aus {installed} würde {desired}."},
		reconciler.SuspendedBy:          {"Suspended[ by {by}][ until {until}]: {reason}", "Angehalten[ von {by}][ bis {until}]: {reason}"},
		reconciler.NotResolved:          {"What shall run here is being asked for.", "Es wird gerade erfragt, was hier laufen soll."},
		reconciler.NoManifest:           {"No manifest sets a version.", "Kein Manifest legt eine Version fest."},
		reconciler.ChangeWanted:         {"{installed} becomes {desired}.", "Aus {installed} wird {desired}."},
		reconciler.NotReported:          {"{installed} shall become {desired}; the agent has not answered to that yet.", "Aus {installed} soll {desired} werden; der Agent hat darauf noch nicht geantwortet."},
		reconciler.FetchFailed:          {"The download[ of {version}] did not succeed[: {error}].", "Das Herunterladen[ von {version}] ist nicht gelungen[: {error}]."},
		reconciler.StepFailed:           {"The step {step} did not succeed[: {error}].", "Der Schritt {step} ist nicht gelungen[: {error}]."},
		reconciler.CheckFailed:          {"Release[ {version}] did not pass its check and was undone[: {error}].", "Version[ {version}] hat ihre Prüfung nicht bestanden und wurde zurückgenommen[: {error}]."},
	}
}
