#!/bin/sh
# SPDX-License-Identifier: MIT
# The command runs with the library in it, and with everything else as it was given.
# shellcheck disable=SC2016 # the inner shells expand these
set -u
. "$(dirname "$0")/expect.sh"
skip_if_library_has_a_sanitizer
library=$(realpath "$HAKMEM_LIB")

expect 0 "$library" "$HAKCTL" run -- cat /proc/self/maps
expect 0 "$library" "$HAKCTL" run cat /proc/self/maps

# Arguments, exit code, descriptors.
expect 0 '[a b] [--lib] [-v] []' "$HAKCTL" run -- \
	sh -c 'printf "[%s] [%s] [%s] [%s]\n" "$@"' sh 'a b' --lib -v ''
expect 42 '' "$HAKCTL" run -- sh -c 'exit 42'
expect 0 'through a pipe' sh -c 'echo through a pipe | "$1" run -- cat' sh "$HAKCTL"

# It becomes the command: no process stands between.
expect 0 'the same process' sh -c \
	'echo $$ >"$2/pid"; exec "$1" run -- sh -c '\''[ $$ = "$(cat "$1/pid")" ] &&
		echo the same process'\'' sh "$2"' sh "$HAKCTL" "$work"

# What LD_PRELOAD held stays, behind.
libc=$(ldd /bin/sh | sed -nE 's/.*=> (.*libc\.so\.6) .*/\1/p')
expect 0 "libhakmem.so:$libc" env LD_PRELOAD="$libc" "$HAKCTL" run -- sh -c 'echo "$LD_PRELOAD"'
expect 0 'libhakmem.so.' env LD_PRELOAD= "$HAKCTL" run -- sh -c 'echo "$LD_PRELOAD."'

# Options: several times, and behind those of the environment.
expect 0 '<confirm:true,cache_max:1M>' "$HAKCTL" run -o confirm:true --options=cache_max:1M -- \
	sh -c 'echo "<$HAKMEM_OPTIONS>"'
expect 0 '<huge_pages:never,cache_max:1M>' env HAKMEM_OPTIONS=huge_pages:never \
	"$HAKCTL" run -o cache_max:1M -- sh -c 'echo "<$HAKMEM_OPTIONS>"'
expect 0 '<none>' "$HAKCTL" run -- sh -c 'echo "<${HAKMEM_OPTIONS-none}>"'

# The children of the command have it too.
expect 0 "$library" "$HAKCTL" run -- sh -c 'cat /proc/self/maps; true'

# A program that is started by a link, with its library beside it and not beside the link, as Debian's java is.
if command -v "${CC:-cc}" >/dev/null; then
	mkdir "$work/program" "$work/links"
	echo 'int beside(void) { return 7; }' | compile "$work/program/libbeside.so" -shared -fPIC
	echo 'int beside(void); int main(void) { return beside(); }' |
		compile "$work/program/start" '-Wl,-rpath,$ORIGIN' -x none "$work/program/libbeside.so"
	ln -s "$work/program/start" "$work/links/start"
	expect 7 '' "$HAKCTL" run -- "$work/links/start"
fi

expect 0 'starting with' "$HAKCTL" run -v -- true
expect_end
