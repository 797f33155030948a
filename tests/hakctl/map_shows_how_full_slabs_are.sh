#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# Of a heap whose every second block was freed `hakctl map` shows half-full cells, and how much is lost
# inside slabs: within 5 % of what the program knows. Lines begin with addresses, and fit the terminal.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

start_known_heap 400000 200 5000000
"$HAKCTL" map -j "$pid" >"$work/map" && python3 - "$work/map" "$work/truth" <<'PYTHON' || failures=$((failures + 1))
import json, sys
cells = json.load(open(sys.argv[1]))["processes"][0]["superslabs"]
usable = int(open(sys.argv[2]).read().split()[1])
live = sum(cell["live_bytes"] for cell in cells)
if not usable * 0.95 <= live <= usable * 1.05:
    sys.exit(f"{live} bytes live, truth {usable}")
half = [cell for cell in cells if cell["kind"] == "live" and 0.4 < cell["live_bytes"] / (2 << 20) < 0.6]
if len(half) < 30:
    sys.exit(f"{len(half)} cells are half full")
if cells[1]["address"] - cells[0]["address"] != 2 << 20:
    sys.exit("addresses are wrong")
PYTHON
# 400,000 blocks of 208 bytes, half of them free: 39.7 MiB.
"$HAKCTL" map "$pid" >"$work/text"
grep -qE '^0x[0-9a-f]{12}  [Ll]*▄{20,}' "$work/text" || { echo "no cells of half height"; failures=$((failures + 1)); }
grep -qE '(39|40)\.[0-9] MiB free inside \((49|50|51)\.[0-9] %\)' "$work/text" || {
	echo "what is lost is not told:"
	cat "$work/text"
	failures=$((failures + 1))
}
LC_ALL=C "$HAKCTL" map "$pid" | LC_ALL=C grep -q '[^ -~]' && { echo "not ASCII"; failures=$((failures + 1)); }
if command -v script >/dev/null; then
	for columns in 40 80 200; do
		script -qc "stty cols $columns; '$HAKCTL' map $pid" /dev/null </dev/null | tr -d '\r' |
			sed 's/\x1b\[[0-9;]*m//g' | grep -a '^0x' >"$work/lines"
		awk -v columns=$columns 'length($0) > columns { exit 1 }' "$work/lines" ||
			{ echo "a line of cells is longer than $columns"; failures=$((failures + 1)); }
	done
fi
"$HAKCTL" map --svg "$work/map.svg" "$pid"
grep -q '% *), 32 of 32 units taken' "$work/map.svg" || { echo "the picture does not tell"; failures=$((failures + 1)); }
expect_end
