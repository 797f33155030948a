#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2317 # functions are called by name
# A redis-server under load, preloaded, end to end: the ledger adds up to what the kernel says,
# a purge gives back what a flush freed, a hard limit is kept, metrics and map tell of it,
# and the data is right in the end.
set -u
# shellcheck source=tests/hakctl/expect.sh
. "$(dirname "$0")/expect.sh"
# shellcheck source=tests/hakctl/fake.sh
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
for program in redis-server redis-cli redis-benchmark python3; do
	command -v $program >/dev/null || skip "no $program (Debian: redis-server, redis-tools, python3)"
done

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])') || exit 99
cli()
{
	redis-cli -h 127.0.0.1 -p "$port" "$@"
}
answers()
{
	[ "$(cli ping 2>/dev/null)" = PONG ]
}
LD_PRELOAD=$HAKMEM_LIB HAKMEM_OPTIONS=helpers:always,control:always redis-server --port "$port" --bind 127.0.0.1 \
	--save '' --appendonly no --dir "$work" >"$work/redis.log" 2>&1 &
pid=$!
started="$started $pid"
wait_until answers
grep -q '/libhakmem\.so' "/proc/$pid/maps" || { echo "the library is not in redis-server"; exit 1; }
has_socket()
{
	"$HAKCTL" get decay_ms "$pid" >/dev/null 2>"$work/errors"
}
wait_until has_socket

fill() # KEYS
{
	redis-benchmark -h 127.0.0.1 -p "$port" -n "$1" -r 200000 -d 600 -t set -P 16 -q >/dev/null
}
number() # NAME: of the ledger
{
	"$HAKCTL" stats -j "$pid" | python3 -c '
import json, sys
process = json.load(sys.stdin)["processes"][0]
assert sum(term["bytes"] for term in process["terms"]) == process["populated_bytes"]
print(process[sys.argv[1]])' "$1"
}
at_least() # WHAT NUMBER LEAST
{
	[ "$2" -ge "$3" ] && return
	echo "$1: $2, wanted $3 at least"
	failures=$((failures + 1))
}

# Under load, all verbs that look.
fill 2000000 &
load=$!
started="$started $load"
for verb in ps stats 'stats --classes' 'stats --threads' 'stats --nodes' 'stats -w 0.2 -n 3' numa huge list stray map \
	limit metrics 'stats -j' 'metrics --format text'; do
	# shellcheck disable=SC2086 # the verb and its options
	expect 0 '' "$HAKCTL" $verb "$pid"
done
expect 0 "$pid (redis-server)" "$HAKCTL" stats redis-server
wait $load

# What is live is what redis knows of: some 200 000 keys of 600 bytes and more.
used=$(cli info memory | tr -d '\r' | sed -n 's/^used_memory://p')
live=$(number live_bytes)
at_least 'live bytes by the ledger, in hundredths of those by redis' $((live * 100 / used)) 80
at_least 'live bytes by redis, in hundredths of those by the ledger' $((used * 100 / live)) 70
# The library asks the kernel now and then; by itself it is within a few megabytes of smaps.
sleep 2.5
kernel=$("$HAKCTL" huge -j "$pid" | python3 -c 'import json, sys; print(json.load(sys.stdin)["processes"][0]["resident_bytes"])')
populated=$(number populated_bytes)
at_least 'populated bytes, in hundredths of the kernel'\''s' $((populated * 100 / kernel)) 85
at_least 'the kernel'\''s bytes, in hundredths of those populated' $((kernel * 100 / populated)) 85

# Freed and purged: it goes back.
before=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
cli flushall sync >/dev/null
expect 0 'gave back' "$HAKCTL" purge --wait "$pid"
expect 0 '' "$HAKCTL" wait --rss-below $((before / 2))K --timeout 10 "$pid"

# Limits far above are taken, shown and taken away.
expect 0 'hard none' "$HAKCTL" limit "$pid"
expect 0 'hard 16384.0 MiB' "$HAKCTL" limit --hard 16G "$pid"
expect 0 'soft 8192.0 MiB, hard 16384.0 MiB' "$HAKCTL" limit --soft 8G "$pid"
expect 0 'soft none, hard none' "$HAKCTL" limit --soft none --hard none "$pid"

cli set a-key a-value >/dev/null
[ "$(cli get a-key)" = a-value ] || { echo "redis does not give back what it was given"; failures=$((failures + 1)); }

# Stopped: from outside.
kill -STOP "$pid"
wait_until grep -q '^State:.T' "/proc/$pid/status"
expect 0 'as of 0s ago: it is stopped' "$HAKCTL" stats "$pid"
expect 0 'hakmem_answers{pid="'"$pid"'",process="redis-server"} 0' "$HAKCTL" metrics "$pid"
expect 1 'is stopped' "$HAKCTL" purge "$pid"
kill -CONT "$pid"
expect 0 '' "$HAKCTL" stats "$pid"

cli shutdown nosave 2>/dev/null
wait "$pid"
expect 3 'no process' "$HAKCTL" stats "$pid"
[ -z "$(ls "$HAKMEM_CONTROL_DIR")" ] || "$HAKCTL" ps >/dev/null
[ -z "$(ls "$HAKMEM_CONTROL_DIR")" ] || { echo "its socket stays"; failures=$((failures + 1)); }
expect_end
