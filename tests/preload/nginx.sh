#!/bin/sh
# SPDX-License-Identifier: MIT
# nginx with the library serves every byte of every file under load, plain and compressed,
# by two workers, and goes on serving through a reload.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need nginx nginx-light
need ab apache2-utils
need perl perl

port=$(free_port)
mkdir "$work/files" "$work/temporary"
user=
[ "$(id -u)" = 0 ] && user="user root;"
for size in 0 1 100 1023 4096 8191 70000 1000000; do
	LC_ALL=C awk -v size=$size 'BEGIN { while (i++ < size / 8) printf "%07d\n", i * 7919 % 9999991 }' \
		>"$work/files/$size.txt"
done
cat >"$work/nginx.conf" <<CONFIGURATION
$user
worker_processes 2;
daemon off;
pid $work/pid;
error_log $work/error.log info;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path $work/temporary;
	proxy_temp_path $work/temporary;
	fastcgi_temp_path $work/temporary;
	uwsgi_temp_path $work/temporary;
	scgi_temp_path $work/temporary;
	gzip on;
	gzip_min_length 50;
	gzip_types text/plain;
	types { text/plain txt; }
	server {
		listen 127.0.0.1:$port;
		root $work/files;
		location /proxy/ { proxy_pass http://127.0.0.1:$port/; proxy_buffering on; }
	}
}
CONFIGURATION

start nginx -c "$work/nginx.conf" -p "$work"
server=$last

workers()
{
	cat /proc/"$server"/task/*/children
}

check_files()
{
	for file in "$work"/files/*; do
		for prefix in / /proxy/; do
			get "$prefix${file##*/}" >"$work/found" || fail "no $prefix${file##*/}"
			expect_same "$file" "$work/found" "$prefix${file##*/}"
		done
	done
}

wait_until 10 get /1.txt || fail "no answer: $(cat "$work/error.log")"
expect_mapped "$server" nginx
[ "$(workers | wc -w)" = 2 ] || fail "there are not two workers: $(workers)"
for worker in $(workers); do
	expect_mapped "$worker" "a worker of nginx"
done
check_files
load 4000 24 /8191.txt
load 4000 24 /70000.txt -H 'Accept-Encoding: gzip'
load 4000 24 /proxy/4096.txt -k
before=$(workers)
# The time between the signal and the new workers is part of the load. No -k: a connection
# that is kept for the next request may be closed by a reload at any time.
(sleep 0.2; kill -HUP "$server") &
reload=$!
load 4000 24 /70000.txt
wait $reload
replaced()
{
	[ "$(workers | wc -w)" -ge 2 ] && [ "$(workers)" != "$before" ]
}
wait_until 10 replaced || fail "the reload made no new workers"
load 4000 24 /proxy/70000.txt -H 'Accept-Encoding: gzip'
check_files
kill -QUIT "$server"
wait "$server" || fail "nginx ended with $?: $(tail "$work/error.log")"
if grep -E 'exited on signal|\[(alert|emerg|crit)\]' "$work/error.log"; then
	fail "see above"
fi
