#!/bin/bash
# SPDX-License-Identifier: MIT
# A function or variable of the core library that no other object of the library or of hakctl
# uses is used at least by its own file; what only tests call is dead weight in every process.
set -u
cd "${top_builddir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

if grep -q '^HAKMEM_LDFLAGS = .*-fsanitize' Makefile 2>/dev/null; then
	echo "skipped: a sanitizer adds symbols of its own"
	exit 77
fi
nm -A --defined-only --extern-only .libs/libhakmem-core.a >"$work/nm" || exit 1
# ".../libhakmem-core.a:libhakmem_core_la-slab.o:0000000000000000 T slab_take_blocks"
awk '{ count = split($1, part, ":"); file = part[count - 1]; sub(/^.*-/, "", file)
	sub(/\.l?o$/, "", file); if ($NF !~ /^(hak_|_\.|hakmem_.*_semaphore$)/) print $NF, file }' "$work/nm" |
	sort -u >"$work/defined"
find lib kmod-free-helpers hakctl -name '*.o' -exec nm -u {} + 2>/dev/null |
	awk '{ print $NF }' | sort -u >"$work/used"
nm -u .libs/libhakmem-core.a | awk '{ print $NF }' | sort -u | sort -mu - "$work/used" >"$work/all"

join -v 1 "$work/defined" "$work/all" | while read -r symbol file; do
	source=$(find "${top_srcdir:?}/lib" "$top_srcdir/kmod-free-helpers" -name "$file.c" | head -n 1)
	[ -n "$source" ] || continue
	# A definition and a use, comments apart.
	uses=$(sed 's|/\*.*\*/||; /^ \* /d' "$source" | grep -cw "$symbol")
	[ "$uses" -ge 2 ] || echo "$file.c: nothing but tests uses $symbol"
done >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
