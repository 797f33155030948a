#!/bin/sh
# SPDX-License-Identifier: MIT
# varnish, which Debian links with libjemalloc and which keeps what it caches in malloc's memory,
# serves every byte of pages of many sizes, cached and not, and ends, with the library before jemalloc.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need varnishd varnish
need ab apache2-utils
need perl perl
command -v cc >/dev/null || skip "no cc (Debian: gcc): varnish compiles what it is told"

behind=$(free_port)
port=$(free_port)
# A page of as many bytes as its path says.
cat >"$work/origin.pl" <<'PROGRAM'
use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 50, ReuseAddr => 1) or die;
$SIG{CHLD} = "IGNORE";
while (my $c = $listener->accept) {
	next if fork;
	my $request = <$c>;
	while (<$c>) { last if /^\r?$/; }
	my ($bytes) = $request =~ m{/(\d+)};
	my $body = substr("0123456789abcde\n" x ($bytes / 16 + 1), 0, $bytes);
	print $c "HTTP/1.1 200 OK\r\nContent-Length: $bytes\r\nConnection: close\r\n\r\n$body";
	exit;
}
PROGRAM
perl "$work/origin.pl" "$behind" &
started="$started $!"
printf 'vcl 4.0; backend default { .host = "127.0.0.1"; .port = "%s"; }\n' "$behind" >"$work/vcl"
mkdir "$work/varnish"
start varnishd -F -j none -a "127.0.0.1:$port" -f "$work/vcl" -n "$work/varnish" -s malloc,16M 2>"$work/log"
server=$last

wait_until 30 get /1 || fail "no answer: $(cat "$work/log")"
expect_mapped "$server" varnishd
child=$(cat "/proc/$server/task/"*/children)
# shellcheck disable=SC2086 # words of their own
for each in $child; do
	expect_mapped "$each" "what varnishd starts"
done
for size in 1 15 4096 70000 1000000 3000000; do
	perl -e 'print substr("0123456789abcde\n" x ($ARGV[0] / 16 + 1), 0, $ARGV[0])' $size >"$work/wanted"
	for _ in first cached; do
		get /$size >"$work/found" || fail "no /$size"
		expect_same "$work/wanted" "$work/found" "/$size"
	done
done
load 3000 16 /100 -k
load 3000 16 /70000 -k
# More than fits, over one connection.
perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die "no connection";
	for my $bytes (300000 .. 300079) {
		print $s "GET /$bytes HTTP/1.1\r\nHost: a\r\n\r\n";
		while (<$s>) { last if /^\r?$/; }
		read($s, my $body, $bytes) == $bytes or die $bytes;
	}' "$port" || fail "not all pages came"
kill "$server"
wait "$server"
ended=$?
[ $ended = 0 ] || fail "varnishd ended with $ended: $(tail -n 5 "$work/log")"
