#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# Every second block of a heap is freed: no page can go, and purge says how much is free in how many pages,
# before (--dry-run, which gives nothing back) and behind.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
start_known_heap 40000 1000 1000000

number() # NAME FILE
{
	sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$2"
}

within() # IS WANTED WHAT: 3 in 100
{
	awk -v is="$1" -v wanted="$2" 'BEGIN { d = is - wanted; exit !((d < 0 ? -d : d) * 100 <= wanted * 3) }' &&
		return
	echo "$3: $1, wanted $2"
	failures=$((failures + 1))
}

"$HAKCTL" purge --dry-run -j "$pid" >"$work/dry" || failures=$((failures + 1))
if ! grep -q held_by_live "$work/dry"; then
	"$HAKCTL" purge --dry-run "$pid" 2>&1 | grep -q 'before 6.7' && skip "the kernel does not say which pages are there"
fi
before=$("$HAKCTL" get release.bytes "$pid")
"$HAKCTL" purge --dry-run "$pid" >/dev/null
[ "$before" = "$("$HAKCTL" get release.bytes "$pid")" ] || { echo "--dry-run gives back"; failures=$((failures + 1)); }
"$HAKCTL" purge -j "$pid" >"$work/purged" || failures=$((failures + 1))
page=$(getconf PAGESIZE)
for file in dry purged; do
	# Blocks of 1000 bytes are 1024 long, and half of each page is free.
	within "$(number held_by_live_blocks_bytes "$work/$file")" $((20000 * 1024)) "$file: bytes"
	within "$(number held_by_live_blocks_pages "$work/$file")" $((40000 * 1024 / page)) "$file: pages"
done
expect 0 'hold live blocks beside them' "$HAKCTL" purge "$pid"
expect_end
