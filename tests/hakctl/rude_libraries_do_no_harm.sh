#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# A library that is silent, busy, mad, short or hostile: a message and an exit code, within
# seconds, and nothing that a terminal would obey.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"

start_fake busy
expect 1 'serves 4 other clients already; try again' "$HAKCTL" stats "$socket"
start_fake garbage
expect 1 'sent a reply that makes no sense' "$HAKCTL" stats "$socket"
start_fake gone
expect 3 'closed the connection' "$HAKCTL" stats "$socket"
start_fake cut
for verb in stats numa list map stray; do
	expect 1 'sent a reply that makes no sense' "$HAKCTL" $verb "$socket"
done

start_fake mute
before=$(date +%s)
expect 1 'does not answer within 2 s' timeout 20 "$HAKCTL" stats "$socket"
[ $(($(date +%s) - before)) -le 10 ] || { echo "it waited much longer"; failures=$((failures + 1)); }

start_fake hostile
for verb in stats 'stats --classes' numa list map stray 'metrics' 'stats -j' 'metrics --format text'; do
	# shellcheck disable=SC2086 # the verb and its option
	expect 0 '' "$HAKCTL" $verb "$socket"
	if LC_ALL=C grep -q "$(printf '[\033\233]')" "$work/output"; then
		echo "$verb lets an escape sequence through"
		failures=$((failures + 1))
	fi
done

# No socket, no listener, not one of ours.
expect 3 'no such socket' "$HAKCTL" stats "$work/nowhere"
kill -KILL "$pid" && wait "$pid" 2>/dev/null
expect 3 'nobody listens there; its process has ended' "$HAKCTL" stats "$socket"
touch "$work/file"
expect 3 'is no socket' "$HAKCTL" stats "$work/file"
expect_end
