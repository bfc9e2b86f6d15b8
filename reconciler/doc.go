// Package reconciler decides: what the manifests want for an installation, and what to do next about it.
//
// It is pure. Everything that it needs comes in as values, everything that it decides goes out as values; it reads no
// file, asks no clock and prints nothing, so that the agent, the server's preview and `lull plan` come to the same
// decision from the same manifests and the same facts. Read it in three steps:
//
//   - NewResolver takes a schema.Set and the releases that are available, and Resolve says what one Subject shall run:
//     which manifest decides (Workstation before Group, groups by priority), which release its rule chooses within the
//     bound of the program's server, and where each field came from.
//   - Plan compares a Desired with what was Observed and lists the steps between them, or says in a Reason why there
//     are none. Waiting is a phase like any other and not a failure.
//   - Preview does both for a whole inventory, before and after a change, for people to read before they agree.
//
// A Reason is a code with named arguments. Words are made of it elsewhere, in the language of the reader.
package reconciler
