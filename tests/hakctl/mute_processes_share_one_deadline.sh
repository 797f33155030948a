#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# However many processes do not answer, who lists all waits for them once, two seconds, shows each
# with what can be read from outside, and tells which they are. Who watches asks again each time.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer

MUTE=8
for _ in $(seq $MUTE); do
	start_fake_preloaded mute
done
mute=$pid
HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB sleep 600 &
pid=$!
started="$started $pid"
wait_until can_be_asked

# One after the other they would take twice as many seconds as there are.
for verb in ps 'ps -j' 'stats --all' 'get --all decay_ms' 'metrics'; do
	began=$(date +%s)
	# shellcheck disable=SC2086 # the verb and its option
	timeout 60 "$HAKCTL" $verb >"$work/output" 2>&1
	took=$(($(date +%s) - began))
	if [ $took -gt $((MUTE + 2)) ]; then
		echo "$verb: took $took s beside $MUTE that do not answer"
		failures=$((failures + 1))
	fi
	if ! grep -q "$pid" "$work/output"; then
		echo "$verb: the one that answers is missing"
		sed 's/^/  | /' "$work/output"
		failures=$((failures + 1))
	fi
done
# Its ledger is not what is seen from outside. A round waits for half of what it lasts, two seconds at most.
start_fake_preloaded once
"$HAKCTL" stats -j -w 4 -n 2 "$pid" "$mute" >"$work/output" 2>&1
if [ "$(grep -c "\"pid\":$pid,.*\"live_bytes\":2508193792,\"populated_bytes\":2956984320" "$work/output")" -ne 2 ]; then
	echo "stats -w: one that answers again is not asked"
	sed 's/^/  | /' "$work/output"
	failures=$((failures + 1))
fi
kill -KILL "$pid"
"$HAKCTL" ps >"$work/output"
told=$(grep -c 'does not answer' "$work/output")
if [ "$told" -ne $MUTE ]; then
	echo "ps tells of $told that they do not answer, of $MUTE"
	sed 's/^/  | /' "$work/output"
	failures=$((failures + 1))
fi
expect_end
