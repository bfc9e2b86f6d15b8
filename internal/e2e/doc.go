// Package e2e tests the programs themselves, as people and service managers run them.
//
// Each script in testdata/script tells one behaviour: it has real programs on its PATH (lull, lull-agent and
// lull-demo-client, built once for the whole run), a folder of its own as $WORK, and the language of
// rogpeppe/go-internal/testscript, whose own commands are described there. The scripts in testdata/wine run
// lull-agent.exe and lull-demo-client.exe under Wine beside a native server; they need the environment that
// `wine.sh start` prints, which `make test-windows` sets. This package adds these commands:
//
//	serve NAME PROGRAM ARG…       start a program that stays until `end NAME` or the end of the script; its output goes
//	                              to $WORK/NAME.log, which is shown if the script fails
//	end NAME                      ask it to end, and wait until it has; `end -kill NAME` ends it at once, as a power cut.
//	                              A program that has ended by itself fails the script, here or at its end
//	wait-end [-t TIME] NAME       wait until a served program has ended by itself
//	wait-for [-t TIME] REGEXP PROGRAM ARG…   repeat a command until its standard output matches, 20s unless told
//	wait-log [-t TIME] NAME REGEXP           wait until the log of a served program matches
//	free-port NAME                set $NAME to a port of the loopback interface that nobody listens on
//	json PATH VALUE               check a field of the last command's standard output, such as `json items.0.phase UpToDate`;
//	                              with `!` the field is missing or has another value
//	setenv-file NAME FILE         set $NAME to the content of a file, without white space around it
//	zip FILE NAME=CONTENT…        make an archive, whatever its names are; NAME=>TARGET is a symbolic link
//
// A script never waits longer than it says, and nothing that it started outlives it.
package e2e
