#!/bin/sh
# SPDX-License-Identifier: MIT
# libhakmem.so is loaded into every process: it brings no library but libc with it, takes at
# most 64 bytes of the scarce static thread-local storage, and never leaves.
set -u
most_tls_bytes=64
library=${HAKMEM_LIB:?}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

if grep -q '^HAKMEM_LDFLAGS = .*-fsanitize' "${top_builddir:?}/Makefile" 2>/dev/null; then
	echo "skipped: a sanitizer brings its own library"
	exit 77
fi
LC_ALL=C readelf -dW "$library" >"$work/dynamic" || exit 1
LC_ALL=C readelf -lW "$library" >"$work/segments" || exit 1

# "  TLS            0x00be08 0x000000000000be08 0x000000000000be08 0x000000 0x000028 R   0x8"
tls_bytes=$(awk '$1 == "TLS" { print $6 }' "$work/segments")
{
	sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' "$work/dynamic" |
		grep -vxE 'libc\.so\.6|ld-linux[-a-z0-9_]*\.so\.[12]' |
		sed 's/^/brings another library with it: /'
	grep -qE '\(FLAGS_1\).*\bNODELETE\b' "$work/dynamic" ||
		echo "can be unloaded: FLAGS_1 has no NODELETE"
	[ $((${tls_bytes:-0})) -le $most_tls_bytes ] ||
		echo "has $((tls_bytes)) bytes of static thread-local storage; $most_tls_bytes at most"
} >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
