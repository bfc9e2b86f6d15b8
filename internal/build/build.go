// Package build says which build of Lull this is.
//
// The Makefile sets the three variables when it links; they are the only ones in the whole tree that are set that way,
// and nothing changes them later. A program that was built by other means, such as go run or a test, calls itself
// "devel" and takes what Go itself recorded about the commit.
package build

import (
	"cmp"
	"runtime/debug"
	"strings"
)

// Set when the programs are linked.
var (
	Version = "devel" // as git describes the commit
	Commit  = ""      // the whole hash
	Date    = ""      // of the commit, RFC 3339, so that equal sources give equal programs
)

// shortCommit is how much of a hash people read.
const shortCommit = 12

// String is the version with commit and date as far as they are known, for instance
// "1.2.0 (28afe38d0f4c, 2026-11-22T14:18:00Z)".
func String() string {
	commit, date := recorded()
	commit, date = cmp.Or(Commit, commit), cmp.Or(Date, date)
	var known []string
	for _, text := range []string{commit[:min(len(commit), shortCommit)], date} {
		if text != "" {
			known = append(known, text)
		}
	}
	if len(known) == 0 {
		return Version
	}
	return Version + " (" + strings.Join(known, ", ") + ")"
}

// recorded is what Go wrote into the program about the commit, if it did.
func recorded() (commit, date string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.time":
			date = s.Value
		}
	}
	return commit, date
}
