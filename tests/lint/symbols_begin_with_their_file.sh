#!/bin/sh
# SPDX-License-Identifier: MIT
# In the core library every global symbol of foo.c is called foo or foo_something, or
# hak_something when it is public: a name says where it lives.
set -u
archive=${top_builddir:?}/.libs/libhakmem-core.a
symbols=$(mktemp) && trap 'rm -f "$symbols"' EXIT || exit 99

if grep -q '^HAKMEM_LDFLAGS = .*-fsanitize' "$top_builddir/Makefile" 2>/dev/null; then
	echo "skipped: a sanitizer adds symbols of its own"
	exit 77
fi
nm -A --defined-only --extern-only "$archive" >"$symbols" || exit 1
if ! [ -s "$symbols" ]; then
	echo "$archive has no symbols"
	exit 1
fi

# ".../libhakmem-core.a:libhakmem_core_la-slab.o:0000000000000000 T slab_take_blocks"
awk '
# Of <sys/sdt.h>, which puts the first into each file with a probe, and names the others.
$NF == "_.stapsdt.base" || $NF ~ /^hakmem_.*_semaphore$/ { next }
{
	count = split($1, part, ":")
	file = part[count - 1]
	sub(/^.*-/, "", file)
	sub(/\.l?o$/, "", file)
	if ($NF != file && index($NF, file "_") != 1 && index($NF, "hak_") != 1) {
		print file ".c defines " $NF
		wrong = 1
	}
}
END { exit wrong }' "$symbols"
