#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# The recipe "Slow allocations" of hakctl(1), on a program whose allocations are: it grows fast, and
# may use one processor only, so that no page comes ahead. doctor says so, and the counters that the
# recipe names tell that all was taken plain; of the same program with two processors they do not.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v taskset >/dev/null || skip "no taskset"
[ "$(nproc)" -gt 1 ] || skip "there is one processor"
first=$(taskset -cp $$ | sed -E 's/.*: ([0-9]+).*/\1/')

start_growing() # COMMAND...: sets pid
{
	rm -f "$work/truth"
	HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB "$@" \
		"${top_builddir:?}/tests/hakctl/growing_heap" 4000 400 1 "$work/truth" &
	pid=$!
	started="$started $pid"
	wait_until can_be_asked
	sleep 1.5
}

counter() # NAME
{
	"$HAKCTL" get -j "$1" "$pid" | sed -nE 's/.*"value": *([0-9]+).*/\1/p'
}

start_growing taskset -c "$first"
expect 0 'may use one processor only' "$HAKCTL" doctor "$pid"
plain=$(counter taken_plain_bytes)
ahead=$(counter taken_ahead_bytes)
if [ "${plain:-0}" -lt 100000000 ] || [ "${ahead:-1}" -ne 0 ]; then
	echo "on one processor $plain bytes were taken plain, $ahead ahead"
	failures=$((failures + 1))
fi
expect 0 'waits for pages' "$HAKCTL" stats "$pid"
expect 0 '' "$HAKCTL" get helper_lag_max_ns "$pid"

start_growing env
"$HAKCTL" doctor "$pid" >"$work/doctor"
if grep -q 'one processor only' "$work/doctor"; then
	echo "with all processors doctor says the same"
	cat "$work/doctor"
	failures=$((failures + 1))
fi
expect_end
