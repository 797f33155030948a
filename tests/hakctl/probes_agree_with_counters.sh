#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # expect.sh sets variables
# A tracer that adds up what the probes of the library tell (USDT) gets what its counters say: of large
# blocks what was allocated less what was freed is what lives, within 2 %; samples come with theirs, and
# with who allocated.
set -u
. "$(dirname "$0")/expect.sh"
skip_if_library_has_a_sanitizer
command -v gdb >/dev/null || skip "no gdb"
command -v readelf >/dev/null || skip "no readelf"
readelf -n "$HAKMEM_LIB" | grep -q stapsdt || skip "the library was built without <sys/sdt.h>"

compile "$work/program" -g -O0 -I"${top_srcdir:?}/include" <<'PROGRAM'
#include <stdio.h>
#include <stdlib.h>
extern size_t hak_stats_read(const char *name) __attribute__((weak));
static void *blocks[60];
int main(void)
{
	for (int i = 0; i < 60; i++)
		blocks[i] = malloc(((size_t)2 << 20) + (size_t)i * 65536);
	for (int i = 0; i < 20; i++)
		free(blocks[i]);
	for (int i = 0; i < 300; i++)
		if (!malloc(40000))
			return 1;
	printf("LIVE %zu\n", hak_stats_read("live.large_bytes"));
	return 0;
}
PROGRAM
cat >"$work/script" <<'GDB'
set pagination off
set breakpoint pending on
set $allocated = 0
set $freed = 0
set $blocks = 0
set $sampled = 0
break main
run
break -probe-stap hakmem:large_alloc
commands
silent
set $allocated = $allocated + (long)$_probe_arg1
continue
end
break -probe-stap hakmem:large_free
commands
silent
set $freed = $freed + (long)$_probe_arg1
continue
end
break -probe-stap hakmem:refill
commands
silent
if (long)$_probe_arg0 == 40960
set $blocks = $blocks + (long)$_probe_arg1
end
continue
end
break -probe-stap hakmem:sample
commands
silent
set $sampled = $sampled + (long)$_probe_arg1 * (long)$_probe_arg2 / 256
info symbol *(unsigned long *)$_probe_arg4
continue
end
continue
printf "SUMS %ld %ld %ld\n", $allocated - $freed, $blocks, $sampled
GDB
timeout 120 gdb -q -batch -iex 'set debuginfod enabled off' \
	-ex "set environment LD_PRELOAD $HAKMEM_LIB" \
	-ex 'set environment HAKMEM_OPTIONS helpers:never,profile:64K' -ex 'set startup-with-shell off' \
	-x "$work/script" "$work/program" >"$work/said" 2>&1
grep -q 'ptrace\|Operation not permitted' "$work/said" && skip "no tracing here"
# Its frames tell who allocated, without frame pointers.
grep -qE '^main \+ [0-9]+ in section' "$work/said" || { cat "$work/said"; failures=$((failures + 1)); }
live=$(sed -nE 's/.*LIVE ([0-9]+).*/\1/p' "$work/said")
grep SUMS "$work/said" | sed 's/.*SUMS //' >"$work/sums"
awk -v live="${live:-0}" '
	$1 < live * 0.98 || $1 > live * 1.02 { print "large blocks: " $1 ", counters say " live; wrong = 1 }
	$2 < 300 || $2 > 400 { print $2 " blocks came by refills, 300 were allocated"; wrong = 1 }
	$3 < 100000000 { print "samples stand for " $3 " bytes"; wrong = 1 }
	END { exit wrong || NR != 1 }' "$work/sums" || { cat "$work/said"; failures=$((failures + 1)); }
expect_end
