#!/bin/sh
# SPDX-License-Identifier: MIT
# What every process, a database's sessions for example, pays for the library's own variables. They
# lie together, apart from what is large and hardly ever written: see SPARSE in compiler.h.

[ "$(getconf PAGESIZE)" = 4096 ] || { echo "skipped: pages are larger than 4 KiB"; exit 77; }
[ -f "$HAKMEM_LIB" ] || { echo "skipped: no library that can be preloaded"; exit 77; }

# Of what lies behind its file without a gap, the first is its variables.
written=$(LD_PRELOAD=$HAKMEM_LIB awk '
	/^[0-9a-f]+-/ {
		split($1, range, "-")
		of_file = $6 ~ /libhakmem/
		own = of_file || (was_file && NF < 6 && range[1] == end)
		was_file = of_file
		end = range[2]
	}
	own && /^Anonymous:/ { kib += $2 }
	END { print kib + 0 }' /proc/self/smaps)
echo "$written KiB"
[ "$written" -gt 0 ] && [ "$written" -le 92 ]
