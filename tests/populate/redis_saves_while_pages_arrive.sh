#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server with a data set of more than 64 MiB and a helper at work: BGSAVE forks while the
# data set grows, and what it wrote reads back as the same data, by size and digest.
HAKMEM_OPTIONS=helpers:always
export HAKMEM_OPTIONS
# shellcheck source=tests/preload/redis_server.sh
. "${top_srcdir:?}/tests/preload/redis_server.sh"

has_helper() # PID
{
	pgrep -P "$1" -x hakmem-helper >/dev/null
}

start_server
for round in 1 2 3; do
	save_under_load -n 40000 -r 30000 -c 20 -d $((round * 1500)) -P 16 -t set,lpush,hset
done
used=$(redis info memory | tr -d '\r' | sed -n 's/^used_memory://p')
[ "$used" -gt $((64 << 20)) ] || fail "the data set has only $used bytes"
has_helper=yes
has_helper "$server" || has_helper=
expect_same_data_after_a_restart
[ "$has_helper" ] && exit
need python3 python3
python3 -c 'import mmap; mmap.mmap(-1, 4096).madvise(mmap.MADV_DONTNEED)' 2>/dev/null ||
	skip "madvise(2) is refused, so there is no helper; the data is right"
fail "redis-server has no helper"
