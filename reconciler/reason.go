package reconciler

// Phase is where an installation stands between observed and desired. Waiting is not failing.
type Phase string

// The phases.
const (
	UpToDate          Phase = "UpToDate"
	Staging           Phase = "Staging"
	WaitingForIdle    Phase = "WaitingForIdle"
	WaitingForWindow  Phase = "WaitingForWindow"
	WaitingForRollout Phase = "WaitingForRollout"
	Suspended         Phase = "Suspended"
	Updating          Phase = "Updating"
	Blocked           Phase = "Blocked"
	Failed            Phase = "Failed"
	RolledBack        Phase = "RolledBack"
	Unmanaged         Phase = "Unmanaged"
)

// Code names why an installation is in its phase. Programs compare codes; people read what the pages and the command
// line make of a code and its arguments, in their language.
type Code string

// The codes of Blocked: nothing is changed until a person changes something.
const (
	NotInstalled         Code = "NotInstalled"
	SeveralInstallations Code = "SeveralInstallations"
	OutsideRoots         Code = "OutsideRoots"
	NotAccepted          Code = "NotAccepted"
	NotCompatible        Code = "NotCompatible"
	ServerVersionUnknown Code = "ServerVersionUnknown"
	DowngradeNotAllowed  Code = "DowngradeNotAllowed"
	Ambiguous            Code = "Ambiguous"
	ReleaseMissing       Code = "ReleaseMissing"
	ReleaseWithdrawn     Code = "ReleaseWithdrawn"
	ReleaseRefused       Code = "ReleaseRefused"
	ReleaseBad           Code = "ReleaseBad"
	OwnedByInstaller     Code = "OwnedByInstaller"
	OtherUpdater         Code = "OtherUpdater"
	ForeignFiles         Code = "ForeignFiles"
	UnknownBaseline      Code = "UnknownBaseline"
	InsecureFolder       Code = "InsecureFolder"
	GateUnavailable      Code = "GateUnavailable"
	NoSpace              Code = "NoSpace"
	FileLocked           Code = "FileLocked"
	RemovedAfterStaging  Code = "RemovedAfterStaging"
	Contested            Code = "Contested"
	PlatformMissing      Code = "PlatformMissing"
	ReportMode           Code = "ReportMode" // the agent observes and never changes anything
)

// The codes of the other phases.
const (
	InUse          Code = "InUse"          // WaitingForIdle: processes of the client run
	ScanIncomplete Code = "ScanIncomplete" // WaitingForIdle: not every process could be looked at
	SuspendedBy    Code = "SuspendedBy"    // Suspended: a manifest says so
	NotResolved    Code = "NotResolved"    // Unmanaged: what shall run here is being asked for
	NoManifest     Code = "NoManifest"     // Unmanaged: no manifest sets a version
	ChangeWanted   Code = "ChangeWanted"   // Staging, Updating: observed differs from desired
	NotReported    Code = "NotReported"    // Staging: the agent has not answered to what is desired now
	FetchFailed    Code = "FetchFailed"    // Failed: a download did not succeed
	StepFailed     Code = "StepFailed"     // Failed: a step of the pass did not succeed
	CheckFailed    Code = "CheckFailed"    // RolledBack: the new installation did not pass its check
)

// Reason is a code with its named arguments, such as {InUse, {process: "viewer.exe", session: "3"}}. It carries no prose.
type Reason struct {
	Code Code              `json:"code"`
	Args map[string]string `json:"args,omitempty"`
}

// Why makes a reason from a code and its arguments, given as name, value, name, value.
func Why(code Code, args ...string) Reason {
	r := Reason{Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = make(map[string]string, len(args)/2)
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}
