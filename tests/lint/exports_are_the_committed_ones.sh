#!/bin/sh
# SPDX-License-Identifier: MIT
# libhakmem.so exports the names in exports.txt, which replace libc's and libstdc++'s, all of
# them without a version, and the functions that hakmem.h declares, all of them with one.
# A name too few crashes a program or lies to it; a name too many is in its way for ever. The list in
# debian/libhakmem1.symbols is the same, without which no package is built.
set -u
list=$(dirname "$0")/exports.txt
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

{
	sed '/^#/d; /^$/d' "$list"
	grep -oE '\bhak_[a-z0-9_]+\(' "${top_srcdir:?}/include/hakmem/hakmem.h" |
		sed 's/($/@@HAKMEM_1/'
} | LC_ALL=C sort -u >"$work/wanted"

nm -D --defined-only "${HAKMEM_LIB:?}" >"$work/symbols" || exit 1
awk '{ print $NF }' "$work/symbols" | LC_ALL=C sort -u >"$work/exported"

LC_ALL=C comm -23 "$work/wanted" "$work/exported" | sed 's/^/not exported: /' >"$work/problems"
LC_ALL=C comm -13 "$work/wanted" "$work/exported" | sed 's/^/exported without need: /' >>"$work/problems"

sed -n '/^libhakmem\.so/,$s/^ \([^ ]*\) .*/\1/p' "$top_srcdir/debian/libhakmem1.symbols" |
	sed 's/@Base$//; s/@HAKMEM/@@HAKMEM/; s/^HAKMEM_1@@/@@/; s/^@@HAKMEM_1$/HAKMEM_1/' |
	LC_ALL=C sort -u >"$work/packaged"
LC_ALL=C comm -3 "$work/packaged" "$work/exported" |
	sed 's/^/debian\/libhakmem1.symbols differs: /' >>"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
