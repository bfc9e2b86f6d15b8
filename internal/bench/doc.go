// Package bench measures the real programs against what was promised about them.
//
// Its benchmarks start the programs that `make bench` has built with the flags of a release: a server that answers
// check-ins beside an nginx that answers the same requests with the same status, and agents at rest among two hundred
// other processes. What counts is the processor time that the kernel charges to a process, read to the nanosecond,
// because it hardly depends on what else the computer does meanwhile; wall-clock time is never compared. Whatever shall
// be compared with each other is measured in the same run, in turns.
//
// TestTargets reads what all benchmarks of the tree have printed and sets it beside the targets, which are written down
// there and nowhere else. It fails if one is missed or was not measured. The package holds nothing but tests, and they
// run on Linux with two processors or more.
package bench
