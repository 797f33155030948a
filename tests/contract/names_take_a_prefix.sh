#!/bin/sh
# SPDX-License-Identifier: MIT
# A library with a prefix (here "pre_") exports malloc, its kin and jemalloc's names behind it, those in
# prefixed.txt, beside hak_*, and no other name; a program keeps its own malloc beside them.
set -u
library=${top_builddir:?}/tests/contract/.libs/libprefixed.so
list=${top_srcdir:?}/tests/contract/prefixed.txt
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

if grep -qE '__[at]san_init' "$library"; then
	echo "skipped: a sanitizer has a malloc of its own"
	exit 77
fi
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | grep -v '^hak_' | sort >"$work/exported"
sed '/^#/d; s/^/pre_/' "$list" | sort >"$work/wanted"
diff "$work/wanted" "$work/exported" || { echo "< not exported, > exported without need"; exit 1; }
"$top_builddir/tests/contract/prefixed"
