#!/bin/sh
# SPDX-License-Identifier: MIT
# The README of each room of lib/ lists every file of it, with the first sentence of its head,
# and kmod-free-helpers' names every file. CONTRIBUTING and DESIGN name every room.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

for room in lib/*/; do
	room=${room%/}
	lib/list_files "$room" >"$work/is"
	[ -s "$work/is" ] || { echo "$room: no file"; continue; }
	sed '1,/^| file | what it is |$/d' "$room/README.md" | grep '^| `' >"$work/said"
	diff "$work/said" "$work/is" >"$work/difference" ||
		{ echo "$room/README.md (lib/list_files $room write mends it):"; cat "$work/difference"; }
done >"$work/problems" 2>&1
for room in lib/*/; do
	for document in CONTRIBUTING.md DESIGN.md; do
		[ ! -e "$document" ] || grep -qF "${room%/}/" "$document" || echo "$document: no ${room%/}"
	done
done >>"$work/problems"
for source in kmod-free-helpers/*.h; do
	unit=$(basename "$source" .h)
	grep -qE "^\| \`$unit(\.h)?\`" kmod-free-helpers/README.md ||
		echo "kmod-free-helpers/README.md: $unit is not listed"
done >>"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
