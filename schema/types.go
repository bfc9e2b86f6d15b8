package schema

// APIVersion is the only version of the language so far; every document names it.
const APIVersion = "lull/v1"

// Kind names what a document declares.
type Kind string

// The kinds of the language.
const (
	KindServer      Kind = "Server"
	KindClient      Kind = "Client"
	KindRelease     Kind = "Release"
	KindGroup       Kind = "Group"
	KindWorkstation Kind = "Workstation"
)

// Kinds lists every kind in the order in which documentation introduces them.
func Kinds() []Kind {
	return []Kind{KindServer, KindClient, KindRelease, KindGroup, KindWorkstation}
}

// Meta is what every document carries beside its spec. Name is unique per kind.
type Meta struct {
	// Name of the manifest, unique per kind: 1 to 63 of A-Z a-z 0-9 . _ -
	Name string `yaml:"name" check:"required,name"`
	// At is where the name stands.
	At Position `yaml:"-"`
}

// Server is the program's own server, whose version bounds its clients. It is never Lull's server.
type Server struct {
	Meta Meta       `yaml:"metadata" check:"required"`
	Spec ServerSpec `yaml:"spec" check:"required"`
}

// ServerSpec says which version the program's server has.
type ServerSpec struct {
	// Version of the program's server, for instance "5.8.2".
	Version Version `yaml:"version" check:"required"`
	// From reads the version from somewhere else.
	From *ServerSource `yaml:"from" later:"a version that Lull's server reads itself"`
}

// ServerSource is where Lull's server will read the version of the program's server.
type ServerSource struct {
	URL   string `yaml:"url"`
	Field string `yaml:"field"`
	File  string `yaml:"file"`
}

// Client describes one desktop program: how to find it, when it is in use and how it is changed.
type Client struct {
	Meta Meta       `yaml:"metadata" check:"required"`
	Spec ClientSpec `yaml:"spec" check:"required"`
}

// ClientSpec is the description of a Client.
type ClientSpec struct {
	// DisplayName is what people read.
	DisplayName string `yaml:"displayName"`
	// Accepts is the range of installed versions that may be updated. Default: every version.
	Accepts Range `yaml:"accepts"`
	// Server names the Server manifest that bounds this client. Required unless compatibility is unchecked.
	Server string `yaml:"server" check:"name"`
	// Compatibility is the rule between a client's version and its server's. Default: not-above-server.
	Compatibility Compatibility `yaml:"compatibility" enum:"not-above-server,same-two-parts,same-version,unchecked" default:"not-above-server"`
	// Platforms holds one description for each system that the client runs on.
	Platforms Platforms `yaml:"platforms" check:"required"`
}

// Compatibility is the rule between the version of a client and that of the program's server S.
type Compatibility string

// The compatibility rules.
const (
	NotAboveServer Compatibility = "not-above-server" // v ≤ S
	SameTwoParts   Compatibility = "same-two-parts"   // v ≤ S and the first two parts are equal
	SameVersion    Compatibility = "same-version"     // v = S
	Unchecked      Compatibility = "unchecked"        // no bound
)

// Platforms holds what a Client is on each operating system; at least one is required.
type Platforms struct {
	// Windows describes the client on Windows; its folders start with a drive or a %VARIABLE%.
	Windows *Platform `yaml:"windows" json:"windows,omitempty"`
	// Linux describes the client on Linux; its folders start with a slash or a %VARIABLE%.
	Linux *Platform `yaml:"linux" json:"linux,omitempty"`
}

// On returns the description for a system as runtime.GOOS names it, or nil.
func (p Platforms) On(system string) *Platform {
	switch system {
	case "windows":
		return p.Windows
	case "linux":
		return p.Linux
	}
	return nil
}

// Platform describes a client on one operating system.
//
// It crosses the wire to agents, hence the JSON names.
type Platform struct {
	// Install lists the folders in which the client may be installed; exactly one may exist. %VARIABLE% is taken from the agent's environment.
	Install []string `yaml:"install" json:"install" check:"required"`
	// Version says how the installed version is read.
	Version VersionSource `yaml:"version" json:"version" check:"required"`
	// Name says where the workstation's registered name is written. Default: the computer's host name.
	Name *NameSource `yaml:"name" json:"name,omitempty"`
	// Start lists what people start, relative to the installation.
	Start []string `yaml:"start" json:"start,omitempty" check:"relative"`
	// Busy names processes that mean "in use" beyond every image below the installation.
	Busy Busy `yaml:"busy" json:"busy"`
	// Services of the client.
	Services []Service `yaml:"services" json:"services,omitempty" later:"services of a client"`
	// Replaces names other updaters.
	Replaces *Replaces `yaml:"replaces" json:"replaces,omitempty" later:"detection of another updater"`
	// Keep lists patterns (*, ?, and ** for any folders) of user data below the installation, which no update changes.
	Keep []string `yaml:"keep" json:"keep,omitempty" check:"pattern"`
	// Method is how the installation is changed. Default: tree, a folder that no installer owns.
	Method Method `yaml:"method" json:"method,omitempty" enum:"tree" laterEnum:"msi,exe" default:"tree"`
	// Installer configures method exe.
	Installer *Installer `yaml:"installer" json:"installer,omitempty" later:"method exe"`
	// Check is a program of the release that says whether it works here.
	Check *Check `yaml:"check" json:"check,omitempty"`
	// Foreign says what happens with files that no release knows. Default: block.
	Foreign Foreign `yaml:"foreign" json:"foreign,omitempty" enum:"block" laterEnum:"carry" default:"block"`
	// Drift says what happens when installed files were changed.
	Drift string `yaml:"drift" json:"drift,omitempty" later:"drift detection"`
	// UserWritable accepts an installation that users may write to.
	UserWritable string `yaml:"userWritable" json:"userWritable,omitempty" later:"the check for folders that users may write to"`
}

// VersionSource says how the installed version is read: exactly one of FileVersion, File and Command.
type VersionSource struct {
	// FileVersion is a program below the installation whose version resource is read (Windows programs, on every system).
	FileVersion string `yaml:"fileVersion" json:"fileVersion,omitempty" check:"relative"`
	// File is a text file below the installation whose first line holds the version.
	File string `yaml:"file" json:"file,omitempty" check:"relative"`
	// Command is a program of the release and its arguments; it prints the version in its first line.
	Command []string `yaml:"command" json:"command,omitempty" check:"command"`
	// Parts cuts what was read to its first 1 to 4 parts. Default: all of them.
	Parts int `yaml:"parts" json:"parts,omitempty" check:"min=1,max=4"`
}

// NameSource says where the registered name of a workstation stands.
type NameSource struct {
	// Ini is the ini file: relative to the installation, or absolute; its case does not matter.
	Ini string `yaml:"ini" json:"ini" check:"required,ini"`
	// Key of the name, in any section; its case does not matter.
	Key string `yaml:"key" json:"key" check:"required,printable"`
}

// Busy names processes, by file name pattern without case, that count as "in use" wherever their image lies.
type Busy struct {
	// Processes are file names or patterns (* and ?) of programs.
	Processes []string `yaml:"processes" json:"processes,omitempty" check:"required,process"`
}

// Method is how an installation is changed.
type Method string

// The methods.
const (
	MethodTree Method = "tree"
	MethodMSI  Method = "msi"
	MethodEXE  Method = "exe"
)

// Foreign says what happens with files that no release knows.
type Foreign string

// The rules for foreign files.
const (
	ForeignBlock Foreign = "block"
	ForeignCarry Foreign = "carry"
)

// Service is a service of the client and what happens to it during an update.
type Service struct {
	Name   string `yaml:"name" json:"name"`
	During string `yaml:"during" json:"during"`
}

// Replaces names other updaters that must be disabled before Lull changes anything.
type Replaces struct {
	Services []string `yaml:"services" json:"services"`
}

// Installer configures a vendor's installer.
type Installer struct {
	Arguments []string `yaml:"arguments" json:"arguments"`
	Success   []int    `yaml:"success" json:"success"`
	Reboot    []int    `yaml:"reboot" json:"reboot"`
}

// Check is a program of the release that exits with 0 if the installation works.
type Check struct {
	// Command is a file of the release and its arguments, run without a shell.
	Command []string `yaml:"command" json:"command" check:"required,command"`
	// Timeout of the command. Default: 30s.
	Timeout Duration `yaml:"timeout" json:"timeout,omitzero" default:"30s"`
	// OnTimeout says whether a timeout alone undoes the update. Default: report.
	OnTimeout OnTimeout `yaml:"onTimeout" json:"onTimeout,omitempty" enum:"report,rollback" default:"report"`
}

// OnTimeout says what a check that did not end in time means.
type OnTimeout string

// What a timeout of a check may mean.
const (
	TimeoutReport   OnTimeout = "report"
	TimeoutRollback OnTimeout = "rollback"
)

// Release says what people decided about one version of a client. What it contains lies in the release store.
type Release struct {
	Meta Meta        `yaml:"metadata" check:"required"`
	Spec ReleaseSpec `yaml:"spec" check:"required"`
}

// ReleaseSpec is the decision about a release.
type ReleaseSpec struct {
	// Client that this is a release of.
	Client string `yaml:"client" check:"required,name"`
	// Version of the release.
	Version Version `yaml:"version" check:"required"`
	// Approved lets `newest` and ranges choose this release.
	Approved *Decision `yaml:"approved"`
	// Withdrawn forbids this release, also where a manifest names it exactly.
	Withdrawn *Decision `yaml:"withdrawn"`
}

// Decision is who decided something, and why.
type Decision struct {
	// By is who decided.
	By string `yaml:"by" check:"required"`
	// Reason that people read.
	Reason string `yaml:"reason"`
}

// Group gives a policy to every workstation that its members select.
type Group struct {
	Meta Meta      `yaml:"metadata" check:"required"`
	Spec GroupSpec `yaml:"spec" check:"required"`
}

// GroupSpec is the policy of a Group and whom it is for.
type GroupSpec struct {
	// Client that this policy is about.
	Client string `yaml:"client" check:"required,name"`
	// Members selects workstations; everything that is given must match.
	Members Members `yaml:"members" check:"required"`
	// Priority decides between groups: the highest wins. Default: 0.
	Priority int `yaml:"priority"`
	Policy   `yaml:",inline"`
}

// Members selects workstations. At least one field is given, and all that are given must match.
type Members struct {
	// All selects every workstation; it stands alone.
	All bool `yaml:"all"`
	// Names are patterns (* and ?, without case) of which one must match the workstation's name.
	Names []string `yaml:"names" check:"printable"`
	// Computers are patterns (* and ?, without case) of which one must match the computer's host name.
	Computers []string `yaml:"computers" check:"printable"`
	// Labels that Workstation manifests or agents give must all be equal.
	Labels map[string]string `yaml:"labels" check:"printable"`
	// Facts that the computer reports must all be equal: host, system, arch.
	Facts map[string]string `yaml:"facts" check:"printable" keys:"host,system,arch"`
}

// Workstation gives a policy to one workstation by its registered name.
type Workstation struct {
	Meta Meta            `yaml:"metadata" check:"required"`
	Spec WorkstationSpec `yaml:"spec" check:"required"`
}

// WorkstationSpec is the policy of one workstation.
type WorkstationSpec struct {
	// Name is the registered name, up to 64 printable characters, without regard to case. Default: the manifest's name.
	Name string `yaml:"name" check:"printable"`
	// Client that this policy is about.
	Client string `yaml:"client" check:"required,name"`
	// Labels that groups may select on.
	Labels map[string]string `yaml:"labels" check:"printable"`
	// Computers narrows this manifest to computers by host name, where one workstation name covers several.
	Computers []string `yaml:"computers" check:"host"`
	Policy    `yaml:",inline"`
}

// Policy is what Group and Workstation may say. The unit of version (version, allowDowngrade, rollout, deadline) is
// taken whole from the manifest of highest precedence that sets version.
type Policy struct {
	// Version: exact ("5.8.1"), a range ("~5.8"), server or newest.
	Version *VersionRule `yaml:"version"`
	// AllowDowngrade permits an installed version to be replaced by a lower one.
	AllowDowngrade bool `yaml:"allowDowngrade"`
	// Rollout in waves.
	Rollout *Later `yaml:"rollout" later:"rollout in waves"`
	// Deadline by which the version shall be there.
	Deadline *Later `yaml:"deadline" later:"a deadline"`
	// Window in which changes are allowed.
	Window *Later `yaml:"window" later:"a maintenance window"`
	// Suspend stops changes; it holds if any matching manifest says so.
	Suspend *Suspend `yaml:"suspend"`
}

// Later stands for a field of the language that this build does not carry out yet.
type Later struct{}

// Suspend stops all changes of the workstations that it is about.
type Suspend struct {
	// Reason that people read.
	Reason string `yaml:"reason" json:"reason" check:"required"`
	// By is who asked for it.
	By string `yaml:"by" json:"by,omitempty"`
	// Until is when it ends by itself. Default: never.
	Until Time `yaml:"until" json:"until,omitzero"`
}
