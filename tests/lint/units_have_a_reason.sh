#!/bin/bash
# SPDX-License-Identifier: MIT
# A unit (x.c with x.h) of the library that exactly one other includes is either part of that one,
# or is apart for a reason that single_users.txt gives. A reason for what is no more goes.
set -u
list=$(cd "$(dirname "$0")" && pwd)/single_users.txt
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
[ -f tests/lint/single_users.txt ] && list=tests/lint/single_users.txt

grep -rHoE --include='*.[ch]' '^#include ("[a-z-]+/[^"]+"|<kmod-free-helpers/[^>]+>)' \
	lib kmod-free-helpers 2>/dev/null |
	sed -E 's|\.[ch]:#include ["<]| |; s|\.h[">]$||' |
	awk '{ to = $2 ~ /^kmod/ ? $2 : "lib/" $2; if ($1 != to) print to, $1 }' | sort -u >"$work/pairs"
# Headers alone are what several share by nature; a unit has a .c.
awk '{ count[$1]++; user[$1] = $2 } END { for (u in count) if (count[u] == 1) print u, user[u] }' \
	"$work/pairs" | while read -r unit user; do
	[ ! -e "$unit.c" ] || echo "$unit $user"
done | sort >"$work/single"
grep -v '^#' "$list" | sed 's/:.*//' | sort >"$work/listed"
{
	comm -23 "$work/single" "$work/listed" |
		sed 's|$|: the only user; merge them, or give the reason in tests/lint/single_users.txt|'
	comm -13 "$work/single" "$work/listed" | sed 's/$/: listed, and not so/'
} >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
