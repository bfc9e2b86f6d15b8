package command

import (
	"fmt"
	"slices"
)

// This file judges what Windows tells about a file, on every system, so that the rules can be tested without one.

// accessList is the owner of a file or folder and who may do what with it. Names are security identifiers as text.
type accessList struct {
	owner   string
	none    bool // there is no list at all, which lets everybody in
	entries []accessEntry
}

// accessEntry is one entry as Windows keeps it: ACE type, flags, access mask, and whom it is about.
type accessEntry struct {
	kind, flags uint8
	mask        uint32
	who         string
}

// The kinds and the flag of [MS-DTYP] 2.4.4.1. A denial only takes away, so that looking past it errs on the safe side.
const (
	allow          = 0x00
	deny           = 0x01
	allowCallback  = 0x09
	denyCallback   = 0x0a
	inheritOnly    = 0x08
	genericAll     = 0x10000000
	genericWrite   = 0x40000000
	maximumAllowed = 0x02000000
	writeOwner     = 0x00080000
	writeList      = 0x00040000
	deleteSelf     = 0x00010000
	deleteChild    = 0x00000040
	writeExtra     = 0x00000010 // extended attributes
	appendData     = 0x00000004 // of a folder: add a folder
	writeData      = 0x00000002 // of a folder: add a file
)

// Who is as good as the service on every computer: SYSTEM, the administrators, TrustedInstaller, and whoever the owner
// or the creator is, since owners are looked at themselves and nobody else can create anything.
func serviceAccounts() []string {
	return []string{
		"S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
		"S-1-3-0", "S-1-3-4",
	}
}

// harmful are the rights with which the program could be exchanged. Whoever may only add to a folder on the way replaces
// nothing in it, as everybody may at the root of a volume, and that root itself cannot be replaced.
func harmful(at position) uint32 {
	const exchange = genericAll | maximumAllowed | writeOwner | writeList | deleteChild
	switch at {
	case volume:
		return exchange
	case above:
		return exchange | deleteSelf
	}
	return exchange | deleteSelf | genericWrite | writeExtra | appendData | writeData
}

// others says who beside the service and the user self could exchange what has this list, "" if nobody could. In the tree
// an entry that is only inherited counts too: a new release's files will inherit it.
func (l accessList) others(at position, self string) string {
	trusted := append(serviceAccounts(), self)
	if !slices.Contains(trusted, l.owner) {
		return l.owner + " owns it"
	}
	if l.none {
		return "it has no access list"
	}
	for _, e := range l.entries {
		switch {
		case e.kind == deny || e.kind == denyCallback:
		case e.kind != allow && e.kind != allowCallback:
			return fmt.Sprintf("its access list has an entry of the unknown kind %d", e.kind)
		case e.flags&inheritOnly != 0 && at != inside:
		case e.mask&harmful(at) != 0 && !slices.Contains(trusted, e.who):
			return e.who + " may change it"
		}
	}
	return ""
}
