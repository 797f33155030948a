#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server with a data set of more than 64 MiB and a helper at work: BGSAVE forks while the
# data set grows, and what it wrote reads back as the same data, by size and digest.
HAKMEM_OPTIONS=helpers:always
export HAKMEM_OPTIONS
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

save()
{
	redis bgsave >/dev/null
	wait_until 30 is_saved || fail "BGSAVE does not end"
	redis info persistence | tr -d '\r' | grep -qx 'rdb_last_bgsave_status:ok' ||
		fail "BGSAVE: $(tail "$work/log")"
}

start_server()
{
	start redis-server "$work/redis.conf"
	wait_until 20 answers || fail "no answer: $(cat "$work/log")"
	expect_mapped "$last" redis-server
}

has_helper() # PID
{
	grep -qx hakmem-helper "/proc/$1/task/"*/comm
}

start_server
server=$last
for round in 1 2 3; do
	redis-benchmark -p "$port" -q -n 40000 -r 30000 -c 20 -d $((round * 1500)) -P 16 \
		-t set,lpush,hset >"$work/benchmark" 2>&1 &
	benchmark=$!
	sleep 0.2
	save
	wait $benchmark || fail "the load: $(cat "$work/benchmark")"
done
has_helper "$server" || fail "redis-server has no helper"
used=$(redis info memory | tr -d '\r' | sed -n 's/^used_memory://p')
[ "$used" -gt $((64 << 20)) ] || fail "the data set has only $used bytes"

before=$(redis dbsize) digest=$(redis debug digest)
save
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
