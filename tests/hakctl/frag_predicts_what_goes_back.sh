#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2119,SC2034 # fake.sh and planted.sh set variables
# Where few blocks of one call stack keep pages that were full of another's, `hakctl frag` names that one
# first, with a size; when its blocks are freed and all is purged, so much goes back, within 10 %.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
. "$(dirname "$0")/planted.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

# shellcheck disable=SC2119 # with no options of its own
start_planted
"$HAKCTL" profile start --interval 4K "$pid" >"$work/output"
tell i 1
"$HAKCTL" purge --wait "$pid" >"$work/output" || cat "$work/output"
full=$(rss)
expect 0 'pin_few' "$HAKCTL" frag "$pid"
"$HAKCTL" frag -j "$pid" >"$work/frag"
tell u 1
"$HAKCTL" purge --wait "$pid" >"$work/output" || cat "$work/output"
after=$(rss)
python3 - "$work/frag" $((full - after)) <<'PYTHON' || failures=$((failures + 1))
import json, sys
first = json.load(open(sys.argv[1]))["processes"][0]["stacks"][0]
back = int(sys.argv[2]) * 1024
if first["frames"][0].split(".")[0] != "pin_few":
    sys.exit(f"first is {first['frames']}")
print(f"predicted {first['pinned_bytes']}, went back {back}, live {first['live_bytes']}")
if not first["pinned_bytes"] * 0.9 <= back <= first["pinned_bytes"] * 1.1:
    sys.exit("not within 10 %")
if first["pinned_bytes"] < 5 * first["live_bytes"]:
    sys.exit("pages are not sparse: nothing was tested")
PYTHON

# What grows is named, and what only lives is not.
for _ in 1 2 3; do
	tell g 1
done
(sleep 0.5; for _ in 1 2 3 4; do printf g; done >&9) &
expect 0 'grow_ever' "$HAKCTL" leaks --seconds 2 "$pid"
wait_until said_so_many 9
expect 0 'nothing grew' "$HAKCTL" leaks --seconds 0.2 "$pid"
expect_end
