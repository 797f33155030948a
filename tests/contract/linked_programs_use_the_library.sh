#!/bin/sh
# SPDX-License-Identifier: MIT
# A program linked with libhakmem has its malloc without any preloading, and is given its
# options.
set -u
linked=${top_builddir:?}/tests/contract/linked
errors=$(mktemp) && trap 'rm -f "$errors"' EXIT || exit 99

output=$("$linked" 2>"$errors") || exit 1
found=$(printf '%s\n' "$output" | sed -n 's/^library //p')
if [ "$(readlink -f "$found")" != "$(readlink -f "${HAKMEM_LIB:?}")" ]; then
	echo "malloc comes from $found"
	exit 1
fi
if [ -s "$errors" ]; then
	cat "$errors"
	exit 1
fi
output=$(HAKMEM_OPTIONS=limit_hard:16M,confirm:true "$linked" 2>"$errors") || exit 1
if ! [ -s "$errors" ] || ! printf '%s\n' "$output" | grep -qx '64 MiB refused'; then
	echo "its options were not read: $output"
	exit 1
fi
