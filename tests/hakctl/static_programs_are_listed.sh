#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# A program that the library is linked into has no file mapped by which it could be found: its socket tells
# of it. It is listed beside the others, once, asked like them, and gone with its socket when it ends.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v cc >/dev/null || skip "no cc"

flags() # NAME
{
	sed -n 's/^Libs\.private: //p' "${top_builddir:?}/lib/$1.pc"
}

cat >"$work/program.c" <<'PROGRAM'
#include <stdio.h>
#include <unistd.h>
#include <hakmem/hakmem.h>
int main(void)
{
	char *block = hak_malloc(20 << 20);
	for (int i = 0; block && i < 20 << 20; i += 4096)
		block[i] = 1;
	puts("ready");
	fflush(stdout);
	return (int)sleep(600);
}
PROGRAM
# is_listed TIMES: so often
is_listed()
{
	[ "$("$HAKCTL" ps -j | grep -o "\"pid\":$pid," | wc -l)" -eq "$1" ]
}
for name in hakmem hakmem-api; do
	# shellcheck disable=SC2046 # each word is a flag
	cc -O1 -static -I"$top_srcdir/include" "$work/program.c" -o "$work/linked" -L"$top_builddir" -l$name \
		$(flags $name) -pthread 2>"$work/errors" || skip "nothing is linked statically here"
	HAKMEM_OPTIONS=control:always "$work/linked" >"$work/ready" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/ready"
	wait_until is_listed 1
	expect 0 '"large_live_bytes":20971520' "$HAKCTL" stats -j --all
	expect 0 "linked" "$HAKCTL" ps
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	wait_until is_listed 0
	rm -f "$work/ready"
done
expect_end
