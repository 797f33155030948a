#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server with the library under a load of every type: what BGSAVE wrote while the load
# ran and what a restart reads back are the same data set, by size and digest.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need redis-server redis-server
need redis-benchmark redis-tools
need redis-cli redis-tools

port=$(free_port)
cat >"$work/redis.conf" <<CONFIGURATION
bind 127.0.0.1
port $port
dir $work
save ""
daemonize no
logfile $work/log
activedefrag no
CONFIGURATION
# From version 7 on, DEBUG is off unless it is asked for.
case $(redis-server --version) in
*v=[0-6].*) ;;
*) echo "enable-debug-command local" >>"$work/redis.conf" ;;
esac

redis()
{
	redis-cli -p "$port" "$@"
}

answers()
{
	[ "$(redis ping)" = PONG ]
}

is_saved()
{
	redis info persistence | tr -d '\r' | grep -qx 'rdb_bgsave_in_progress:0'
}

status_of_save()
{
	redis info persistence | tr -d '\r' | sed -n 's/^rdb_last_bgsave_status://p'
}

start_server()
{
	start redis-server "$work/redis.conf"
	wait_until 20 answers || fail "no answer: $(cat "$work/log")"
	expect_mapped "$last" redis-server
}

start_server
server=$last
for size in 10 300 5000; do
	redis-benchmark -p "$port" -q -n 20000 -r 20000 -c 20 -d $size -P 8 \
		-t set,get,incr,lpush,rpop,sadd,hset,zadd,mset >"$work/benchmark" 2>&1 &
	benchmark=$!
	sleep 0.3
	redis bgsave >/dev/null
	wait $benchmark || fail "the load: $(cat "$work/benchmark")"
	wait_until 20 is_saved || fail "BGSAVE does not end"
	[ "$(status_of_save)" = ok ] || fail "BGSAVE: $(tail "$work/log")"
done
redis eval 'for i = 1, 20000 do redis.call("append", "key:" .. i % 700, string.rep(i, i % 50)) end
	for i = 1, 5000, 3 do redis.call("del", "key:" .. i) end
	return redis.call("dbsize")' 0 >/dev/null || fail "the script"

before=$(redis dbsize) digest=$(redis debug digest)
[ "$before" -gt 1000 ] || fail "only $before keys were written"
redis debug reload >/dev/null
[ "$(redis debug digest)" = "$digest" ] || fail "DEBUG RELOAD changed the data"
redis bgsave >/dev/null
wait_until 20 is_saved || fail "BGSAVE does not end"
[ "$(status_of_save)" = ok ] || fail "BGSAVE: $(tail "$work/log")"
redis shutdown nosave >/dev/null 2>&1
wait "$server" || fail "redis-server ended with $?: $(tail "$work/log")"

start_server
[ "$(redis dbsize)" = "$before" ] || fail "$before keys were saved, $(redis dbsize) came back"
[ "$(redis debug digest)" = "$digest" ] || fail "the data came back changed"
redis shutdown nosave >/dev/null 2>&1
wait "$last" || fail "redis-server ended with $?: $(tail "$work/log")"
if grep -E 'crashed|BUG REPORT' "$work/log"; then
	fail "see above"
fi
