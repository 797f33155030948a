#!/bin/sh
# SPDX-License-Identifier: MIT
# postgres with the library: initdb, a load by pgbench whose sums must agree, indexes and
# checksums that hold. postgres refuses root, who becomes somebody else here.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"

# Debian keeps all but the clients in a folder a version.
PATH=$PATH:$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
need initdb postgresql
need pgbench postgresql-contrib
need psql postgresql-client

user=
if [ "$(id -u)" = 0 ]; then
	user=postgres
	id $user >/dev/null 2>&1 || user=nobody
	need setpriv util-linux
	chmod 711 "$work"
	mkdir "$work/home"
	chown $user "$work/home"
	# that user may not reach the folder of the build
	cp "$(readlink -f "$library")" "$work/library.so"
	library=$work/library.so
	chmod 755 "$library"
else
	mkdir "$work/home"
fi
home=$work/home
cd "$home" || exit 99

# Runs a command as the one who may; `env` must come after setpriv, which drops LD_PRELOAD.
as_user() # COMMAND...
{
	if [ -n "$user" ]; then
		setpriv --reuid=$user --regid="$(id -g $user)" --clear-groups "$@"
	else
		"$@"
	fi
}

query() # SQL
{
	as_user psql -X -A -t -q -h "$home" -p "$port" -d postgres -v ON_ERROR_STOP=1 -c "$1"
}

port=$(free_port)
as_user env LD_PRELOAD="$library" initdb -D "$home/data" -k -A trust --no-sync -U "${user:-$(id -un)}" \
	>"$work/log" 2>&1 || fail "initdb: $(cat "$work/log")"
cat >>"$home/data/postgresql.conf" <<CONFIGURATION
listen_addresses = ''
unix_socket_directories = '$home'
port = $port
fsync = off
shared_buffers = 32MB
work_mem = 8MB
max_parallel_workers_per_gather = 2
min_parallel_table_scan_size = 0
CONFIGURATION

postgres=$(command -v postgres) || postgres=$(dirname "$(command -v initdb)")/postgres
if [ -n "$user" ]; then
	(exec setpriv --reuid=$user --regid="$(id -g $user)" --clear-groups \
		env LD_PRELOAD="$library" "$postgres" -D "$home/data" >>"$work/log" 2>&1) &
else
	(exec env LD_PRELOAD="$library" "$postgres" -D "$home/data" >>"$work/log" 2>&1) &
fi
server=$!
started="$started $server"
wait_until 20 query 'SELECT 1' || fail "postgres does not start: $(tail "$work/log")"
expect_mapped $server postgres
backend=$(query 'SELECT pg_backend_pid()')
[ "$backend" -gt 0 ] || fail "no backend"

as_user pgbench -h "$home" -p "$port" -i -s 3 -q postgres >"$work/load" 2>&1 ||
	fail "pgbench -i: $(cat "$work/load")"
as_user env LD_PRELOAD="$library" pgbench -h "$home" -p "$port" -c 6 -j 2 -T 5 postgres \
	>"$work/load" 2>&1 || fail "pgbench: $(tail "$work/load")"

# Every transaction adds the same amount in four places.
sums=$(query 'SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM
	pgbench_branches), (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM
	pgbench_history)')
[ "$(printf '%s\n' "$sums" | tr '|' '\n' | sort -u | grep -c .)" = 1 ] || fail "the sums differ: $sums"
[ "$(query 'SELECT count(*) FROM pgbench_history')" -gt 50 ] || fail "hardly a transaction was made"

query "CREATE TABLE words AS SELECT i, md5(i::text) AS word, repeat(md5((i % 50)::text), i % 90) AS
	long, jsonb_build_object('number', i, 'list', array[i, i + 1]) AS document
	FROM generate_series(1, 60000) i; CREATE INDEX ON words(word); CREATE INDEX ON words USING
	gin(document); ANALYZE words" || fail "a table"
digest=$(query "SELECT md5(string_agg(word || length(long) || (document->>'number'), ',' ORDER BY word)) FROM words")
expected=$(query "SELECT md5(string_agg(w || length(repeat(md5((i % 50)::text), i % 90)) || i, ',' ORDER BY w))
	FROM (SELECT i, md5(i::text) AS w FROM generate_series(1, 60000) i) AS again")
[ "$digest" = "$expected" ] || fail "the table has other contents: $digest $expected"
[ "$(query "SELECT count(*) FROM words a JOIN words b ON a.word = md5(b.i::text)")" = 60000 ] ||
	fail "the join lost rows"
if query 'CREATE EXTENSION amcheck' 2>/dev/null; then
	query "SELECT bt_index_check(indexrelid, true) FROM pg_index JOIN pg_class ON oid = indexrelid
		WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND relpersistence = 'p'" \
		>"$work/load" || fail "an index is broken"
fi

kill -INT $server
wait $server || fail "postgres ended with $?: $(tail "$work/log")"
as_user pg_checksums --check -D "$home/data" >"$work/load" 2>&1 || fail "$(cat "$work/load")"
if grep -E 'PANIC|terminated by signal|was terminated' "$work/log"; then
	fail "see above"
fi
