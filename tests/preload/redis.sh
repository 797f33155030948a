#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server with the library under a load of every type: what BGSAVE wrote while the load
# ran and what a restart reads back are the same data set, by size and digest.
# shellcheck source=tests/preload/redis_server.sh
. "${top_srcdir:?}/tests/preload/redis_server.sh"

start_server
for size in 10 300 5000; do
	save_under_load -n 20000 -r 20000 -c 20 -d $size -P 8 \
		-t set,get,incr,lpush,rpop,sadd,hset,zadd,mset
done
redis eval 'for i = 1, 20000 do redis.call("append", "key:" .. i % 700, string.rep(i, i % 50)) end
	for i = 1, 5000, 3 do redis.call("del", "key:" .. i) end
	return redis.call("dbsize")' 0 >/dev/null || fail "the script"

written=$(redis dbsize) digest=$(redis debug digest)
[ "$written" -gt 1000 ] || fail "only $written keys were written"
redis debug reload >/dev/null
[ "$(redis debug digest)" = "$digest" ] || fail "DEBUG RELOAD changed the data"
expect_same_data_after_a_restart
