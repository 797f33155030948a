#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2317 # functions are called by name
# `hakctl map --heat` finds the eighth of a heap that is written to, and leaves nothing behind,
# not even when it is interrupted.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"
skip_if_library_serves_no_socket

LD_PRELOAD=$HAKMEM_LIB HAKMEM_OPTIONS=helpers:always,control:always \
	"${top_builddir:?}/tests/hakctl/hot_and_cold" >"$work/ready" &
pid=$!
started="$started $pid"
wait_until grep -q ready "$work/ready"
has_socket()
{
	"$HAKCTL" map "$pid" >/dev/null 2>&1
}
wait_until has_socket

# Huge pages are not split unasked.
huge()
{
	awk '/^AnonHugePages/ { sum += $2 } END { print sum + 0 }' "/proc/$pid/smaps"
}
before=$(huge)
if [ "$before" -gt 0 ]; then
	expect 1 'in huge pages, which come back slowly, and cost it a fault for each page of' "$HAKCTL" map --heat 0.2 "$pid"
	# One or two may go back meanwhile; split, all would be gone.
	[ "$(huge)" -ge $((before / 2)) ] || { echo "huge pages: $before KiB before, $(huge) behind"; failures=$((failures + 1)); }
else
	echo "no huge pages here"
fi

if ! "$HAKCTL" map --yes --heat 1 -j "$pid" >"$work/map" 2>"$work/errors"; then
	grep -q 'no heat: ' "$work/errors" && skip "$(cat "$work/errors")"
	cat "$work/errors"
	exit 1
fi
python3 - "$work/map" <<'PYTHON' || failures=$((failures + 1))
import json
import sys

superslabs = json.load(open(sys.argv[1]))["processes"][0]["superslabs"]
live = [s for s in superslabs if s["live_units"]]
hot = [s for s in live if s["written_bytes"] > 1 << 20]
# 16 MiB in superslabs of 2 MiB; where blocks lie is the library's affair.
print(len(live), "live,", len(hot), "hot")
if not 7 <= len(hot) <= 20 or len(live) < 60:
    sys.exit("some 8 of some 64 superslabs should be hot")
PYTHON
expect 0 'written to, in ninths' "$HAKCTL" map --yes --heat 0.2 "$pid"

# Write-protected mappings have "uw" among their flags.
protected()
{
	grep -q '^VmFlags:.* uw' "/proc/$pid/smaps"
}
protected && { echo "mappings stay protected"; failures=$((failures + 1)); }
"$HAKCTL" map --yes --heat 30 "$pid" >"$work/output" 2>&1 &
mapper=$!
wait_until protected
kill -INT $mapper 2>/dev/null
kill -TERM $mapper
wait $mapper
protected && { echo "mappings stay protected when it is interrupted"; failures=$((failures + 1)); }
expect_end
