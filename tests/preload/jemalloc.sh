#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs that are linked with libjemalloc: with the library before it, a block of malloc may be
# freed by sdallocx, and mallctl tells of the heap that is in use. Debian's redis-server is one: what
# INFO says is what the kernel says, within 2 %, and MEMORY PURGE gives back.
# shellcheck source=tests/preload/redis_server.sh
. "${top_srcdir:?}/tests/preload/redis_server.sh"

jemalloc=$(ldd "$(command -v redis-server)" | sed -nE 's/.* => (.*libjemalloc[^ ]*) .*/\1/p')
[ -n "$jemalloc" ] || skip "this redis-server is not linked with libjemalloc"

if command -v cc >/dev/null; then
	cat >"$work/mixed.c" <<'PROGRAM'
#include <stdlib.h>
#include <string.h>
void sdallocx(void *block, size_t size, int flags);
void *mallocx(size_t size, int flags);
int main(void)
{
	for (size_t size = 1; size < 3000000; size += size / 2 + 1) {
		sdallocx(memset(malloc(size), 1, size), size, 0);
		free(memset(mallocx(size, 0), 1, size));
	}
	return 0;
}
PROGRAM
	cc -fno-builtin -o "$work/mixed" "$work/mixed.c" "$jemalloc" || fail "the program is not built"
	preloaded "$work/mixed" || fail "a mix of malloc and sdallocx ends with $?"
fi

number_of() # FIELD
{
	redis info memory | tr -d '\r' | sed -n "s/^$1://p"
}

# The heap is in the eighth of the address space that begins at 64 TiB.
kernel_bytes()
{
	awk '/^[0-9a-f]+-[0-9a-f]+ / { ours = $1 ~ /^4[0-9a-f]{11}-/ }
		ours && $1 == "Rss:" { sum += $2 } END { print sum * 1024 }' "/proc/$server/smaps"
}

is_within() # PERCENT NUMBER NUMBER
{
	[ $(($2 * 100)) -ge $(($3 * (100 - $1))) ] && [ $(($2 * 100)) -le $(($3 * (100 + $1))) ]
}

says_what_the_kernel_says()
{
	said=$(number_of allocator_resident)
	found=$(kernel_bytes)
	is_within 2 "$said" "$found"
}

start_server
redis debug populate 200000 key 300 >/dev/null || fail "DEBUG POPULATE"
[ "$(kernel_bytes)" -gt 0 ] || skip "the heap is not where it is on other machines"
wait_until 5 says_what_the_kernel_says ||
	fail "allocator_resident is $said, the kernel says $found"
allocated=$(number_of allocator_allocated)
[ "$allocated" -gt 60000000 ] || fail "allocator_allocated is $allocated"
[ "$(number_of allocator_active)" -ge "$allocated" ] || fail "allocator_active is less"

full=$said
redis flushall sync >/dev/null
[ "$(redis memory purge)" = OK ] || fail "MEMORY PURGE"
gave_back()
{
	says_what_the_kernel_says && [ "$said" -lt $((full / 4)) ]
}
wait_until 5 gave_back || fail "$said of $full after MEMORY PURGE; the kernel says $found"
redis memory malloc-stats | grep -q 'allocated: ' || fail "MEMORY MALLOC-STATS"
stop_server
