#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests with redis-server share: a server on a free port that saves only when told
# to, a save that is waited for, and a restart that must find the same data. To be sourced,
# after the options of the library are set.
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

# Forks a child that writes the data set.
save()
{
	redis bgsave >/dev/null
	wait_until 30 is_saved || fail "BGSAVE does not end"
	redis info persistence | tr -d '\r' | grep -qx 'rdb_last_bgsave_status:ok' ||
		fail "BGSAVE: $(tail "$work/log")"
}

# Its process is in $server.
start_server()
{
	start redis-server "$work/redis.conf"
	server=$last
	wait_until 20 answers || fail "no answer: $(cat "$work/log")"
	expect_mapped "$server" redis-server
}

stop_server()
{
	redis shutdown nosave >/dev/null 2>&1
	wait "$server" || fail "redis-server ended with $?: $(tail "$work/log")"
}

# A load in the background while the data set is saved.
save_under_load() # BENCHMARK-ARGUMENTS...
{
	redis-benchmark -p "$port" -q "$@" >"$work/benchmark" 2>&1 &
	benchmark=$!
	sleep 0.3
	save
	wait $benchmark || fail "the load: $(cat "$work/benchmark")"
}

# By size and digest.
expect_same_data_after_a_restart()
{
	before=$(redis dbsize) digest=$(redis debug digest)
	save
	stop_server
	start_server
	[ "$(redis dbsize)" = "$before" ] || fail "$before keys were saved, $(redis dbsize) came back"
	[ "$(redis debug digest)" = "$digest" ] || fail "the data came back changed"
	stop_server
	if grep -E 'crashed|BUG REPORT' "$work/log"; then
		fail "see above"
	fi
}
