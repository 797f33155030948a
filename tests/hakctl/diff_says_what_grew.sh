#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2154,SC2317 # backticks are text; fake.sh sets variables; called by name
# `hakctl watch` records all processes into a ring of bounded size, and `hakctl diff` says which grew
# between two times, by how much (within 2 % of what the program says itself), and in blocks of which size. What is
# no recording, or one that was tampered with, is refused and harms nobody.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"
cd "$work" || exit 99

HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB \
	"${top_builddir:?}/tests/hakctl/growing_heap" 1000 20 4 "$work/growth" &
growing=$!
started="$started $growing"
for count in 1000 2000; do
	start_one_known_heap "$work/truth.$count" $count 100 2000000
done
wait_until test -s "$work/growth"

# 128 KiB: 40 looks or so, so the first ones have to make room.
expect 0 'recording to ring every 0.1 s' "$HAKCTL" watch -o ring --every 0.1 --size 128K --count 60
[ "$(stat -c %s ring)" -le 131072 ] || { echo "the ring is too large"; failures=$((failures + 1)); }
[ "$(stat -c %a ring)" = 600 ] || { echo "others may read the ring"; failures=$((failures + 1)); }

pid=$growing
live()
{
	od -An -t u8 -N 8 "$work/growth" | tr -d ' '
}
kill -KILL $growing
HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB \
	"${top_builddir:?}/tests/hakctl/growing_heap" 1000 20 5 "$work/again" &
pid=$!
started="$started $pid"
wait_until can_be_asked
first=$(od -An -t u8 -N 8 "$work/again")
"$HAKCTL" watch --every 0.3 --count 8 "$pid" >output
last=$(od -An -t u8 -N 8 "$work/again")
expect 0 'the program holds more' "$HAKCTL" diff
expect 0 'growing_heap' "$HAKCTL" diff growing
expect 3 'no such process within that time' "$HAKCTL" diff nobody
expect 3 'no such process within that time' "$HAKCTL" diff --to 1h
"$HAKCTL" diff -j >changes
python3 - changes "$first" "$last" <<'PYTHON' || failures=$((failures + 1))
import json, sys
process = json.load(open(sys.argv[1]))["processes"][0]
# The first look is behind `first`, the last one before `last`: 2.1 s of the time between them.
change, truth = process["live_bytes"]["change"], int(sys.argv[3]) - int(sys.argv[2])
seconds = (process["to_ns"] - process["from_ns"]) / 1e9
if not 0.9 * 20e6 * seconds * 1.048576 <= change <= truth * 1.05:
    sys.exit(f"{change} more, truth {truth}, in {seconds:.1f} s")
largest = process["classes"][0]
if largest["size_bytes"] != 1008 and largest["size_bytes"] != 1024:
    sys.exit(f"most in blocks of {largest['size_bytes']}")
if abs(largest["live"]["change"] * largest["size_bytes"] - change) > 0.02 * change:
    sys.exit("the class does not account for it")
PYTHON
expect 0 'the program holds more' "$HAKCTL" diff --seconds 0.5 "$pid"
expect 0 'the program holds more' "$HAKCTL" diff --seconds 0.5
expect 0 'known_heap 2000' "$HAKCTL" diff --seconds 0.1
expect 2 'exclude each other' "$HAKCTL" diff --seconds 1 --from 10m
expect 2 'wants a time ago' "$HAKCTL" diff --from yesterday

# Two writers would tear each other's looks.
"$HAKCTL" watch -o busy --every 0.1 >output 2>&1 &
watcher=$!
wait_until test -s busy
expect 1 'another `hakctl watch` writes to it' "$HAKCTL" watch -o busy -n 1
kill -TERM $watcher
wait $watcher || { echo "an interrupted watch exits with $?"; failures=$((failures + 1)); }

echo 'no recording at all, but long enough for a head of sixty-four bytes' >other
expect 1 'is no recording' "$HAKCTL" diff -f other
expect 1 'is no recording' "$HAKCTL" watch -o other -n 1
expect 1 'No such file' "$HAKCTL" diff -f nothing
expect 1 'is no recording' "$HAKCTL" diff -f .
python3 - hakmem.record <<'PYTHON'
import random, sys
whole = open(sys.argv[1], "rb").read()
random.seed(1)
for number in range(40):
    bad = bytearray(whole)
    for _ in range(200):
        bad[random.randrange(len(bad))] = random.randrange(256)
    if number % 2:
        bad[:64] = whole[:64]
    open(f"bad.{number}", "wb").write(bad[:random.randrange(len(bad))])
PYTHON
for bad in bad.*; do
	timeout 20 "$HAKCTL" diff -f "$bad" >output 2>&1
	code=$?
	[ $code -le 3 ] || { echo "$bad: exit code $code"; failures=$((failures + 1)); }
	LC_ALL=C grep -aq "$(printf '[\033\233]')" output && { echo "$bad: escape sequences"; failures=$((failures + 1)); }
done
expect_end
