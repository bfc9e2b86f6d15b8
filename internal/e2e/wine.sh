#!/usr/bin/env bash
# Runs Windows programs and tests on Linux, in a Wine prefix of its own that is kept in the user's cache folder.
#
#   wine.sh start    prepares the prefix once, starts Wine's server and prints the environment to evaluate:
#                    WINEPREFIX and the like, LULL_WINE (the program that runs an .exe, for go test -exec) and
#                    LULL_OVERLAY (for go build -overlay and go test -overlay)
#   wine.sh stop     ends the server of that prefix, and no other
#
# The server is started apart from the caller's output: else the services that it starts would hold the output of the
# first test open, which go test takes for a failure.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/lull-wine
source=$(cd "$(dirname "$0")/testdata" && pwd)
export WINEPREFIX=$cache/prefix WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='

fail() {
	echo "wine.sh: $*" >&2
	exit 1
}

# first prints the first of the given programs that there is. Debian's wine64 lies outside the search path and, unlike
# wine, does not complain about the lack of 32-bit support.
first() {
	local program
	for program; do
		command -v "$program" && return
	done
	fail "none of $* was found: on Debian, apt-get install wine wine64"
}

wine=$(first /usr/lib/wine/wine64 wine64 wine)
server=$(first wineserver /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver)

# prepare makes the prefix. It works on another name, so that an interrupted attempt is never taken for a prefix.
prepare() {
	local final=$WINEPREFIX
	export WINEPREFIX=$final.new
	rm -rf "$WINEPREFIX"
	mkdir -p "$cache"
	"$wine" wineboot -i </dev/null >"$cache/wineboot.log" 2>&1 || fail "wineboot failed: see $cache/wineboot.log"
	"$wine" winecfg -v win10 </dev/null >>"$cache/wineboot.log" 2>&1 || fail "winecfg failed: see $cache/wineboot.log"
	"$server" -w
	local system=$WINEPREFIX/drive_c/windows/system32
	if [ ! -e "$system/bcryptprimitives.dll" ]; then
		x86_64-w64-mingw32-gcc -shared -O2 -o "$system/bcryptprimitives.dll" "$source/bcryptprimitives.c" -ladvapi32
	fi
	mv "$WINEPREFIX" "$final"
	export WINEPREFIX=$final
}

# overlay replaces one line of Go's library, in a copy: Wine before 9 answers a question of os.RemoveAll with "not
# implemented", which Go takes for a failure instead of asking in the old way.
overlay() {
	local original copy
	original=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
	copy=$cache/at_windows.go
	sed 's/^\([[:space:]]*\)STATUS_NOT_SUPPORTED\([,:]\)/\1STATUS_NOT_SUPPORTED, NTStatus(0xC0000002)\2/' "$original" >"$copy.$$"
	grep -q 0xC0000002 "$copy.$$" || fail "this version of Go needs another overlay: STATUS_NOT_SUPPORTED is not in $original"
	mv "$copy.$$" "$copy"
	printf '{"Replace": {"%s": "%s"}}\n' "$original" "$copy" >"$cache/overlay.json"
}

start() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	[ -d "$WINEPREFIX" ] || prepare 9>&-
	overlay
	"$server" -p </dev/null >/dev/null 2>&1 9>&- || true # it fails if it runs already
	"$wine" cmd /c exit </dev/null >/dev/null 2>&1 9>&- || fail "Wine does not start a program in $WINEPREFIX: remove that folder and try again"
	printf 'export %s=%q\n' WINEPREFIX "$WINEPREFIX" WINEARCH "$WINEARCH" WINEDEBUG "$WINEDEBUG" \
		WINEDLLOVERRIDES "$WINEDLLOVERRIDES" LULL_WINE "$wine" LULL_OVERLAY "$cache/overlay.json"
}

case ${1:-} in
start) start ;;
stop) [ ! -d "$WINEPREFIX" ] || "$server" -k || true ;; # it fails if none runs
*) fail 'usage: wine.sh start|stop' ;;
esac
