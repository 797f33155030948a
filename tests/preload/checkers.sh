#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory checkers keep their own allocator: Valgrind puts its malloc over the preloaded one,
# AddressSanitizer's comes first. So they see a program's mistakes as without the library, and
# see none in one that has none. Where a checker must come first and does not, it says so.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need cc gcc

cat >"$work/wrong.c" <<'CODE'
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	volatile char *block = malloc(100), *freed = malloc(50);
	(void)argv;
	memset((char *)block, 1, 100);
	free((void *)freed);
	if (argc > 1)
		block[100] = 1;
	if (argc > 2)
		return freed[3];
	free((void *)block);
	return 0;
}
CODE
cc -g -O0 -w -o "$work/wrong" "$work/wrong.c" || fail "no compiler that works"

if command -v valgrind >/dev/null; then
	run="preloaded valgrind -q --error-exitcode=9 --leak-check=full $work/wrong"
	$run >"$work/log" 2>&1 || fail "Valgrind: $(cat "$work/log")"
	[ -s "$work/log" ] && fail "Valgrind complains: $(cat "$work/log")"
	$run 1 >"$work/log" 2>&1
	grep -q '0 bytes after a block of size 100' "$work/log" ||
		fail "Valgrind did not see the write behind a block: $(cat "$work/log")"
	$run 1 2 >"$work/log" 2>&1
	grep -q "inside a block of size 50 free'd" "$work/log" ||
		fail "Valgrind did not see the read of a freed block: $(cat "$work/log")"

	# Where a tool leaves malloc alone the heap is ours, and the program lives without a helper.
	cat >"$work/grows.c" <<-'CODE'
	#include <stdlib.h>
	#include <string.h>
	int main(void)
	{
		for (int i = 0; i < 40000; i++)
			memset(malloc(1000), 1, 1000);
		return 0;
	}
	CODE
	cc -O0 -w -o "$work/grows" "$work/grows.c" || fail "no compiler that works"
	for options in helpers:auto helpers:always hardened:true; do
		HAKMEM_OPTIONS=$options preloaded valgrind --tool=none -q "$work/grows" >"$work/log" 2>&1 ||
			fail "Valgrind without a checker, $options: $(cat "$work/log")"
	done
else
	echo "# no valgrind (Debian: valgrind)"
fi

cc -g -O0 -w -fsanitize=address -o "$work/checked" "$work/wrong.c" 2>/dev/null ||
	{ echo "# no AddressSanitizer here"; exit 0; }
runtime=$(ldd "$work/checked" | sed -nE 's/.*=> (.*libasan[^ ]*) .*/\1/p')
[ -n "$runtime" ] || exit 0
# It reserves 14 TiB for itself.
grep -q '^Max address space *unlimited' /proc/self/limits ||
	{ echo "# no AddressSanitizer in a limited address space"; exit 0; }
env LD_PRELOAD="$runtime $library" "$work/checked" >"$work/log" 2>&1 ||
	fail "AddressSanitizer: $(cat "$work/log")"
env LD_PRELOAD="$runtime $library" "$work/checked" 1 >"$work/log" 2>&1
grep -q heap-buffer-overflow "$work/log" ||
	fail "AddressSanitizer did not see the write behind a block: $(cat "$work/log")"
"${HAKCTL:?}" run -- "$work/checked" >"$work/log" 2>&1 &&
	fail "hakctl run takes a program that is built with AddressSanitizer"
exit 0
