#!/bin/sh
# SPDX-License-Identifier: MIT
# memcached with the library and four threads gives back what four clients at once set,
# replaced, appended to and deleted.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need memcached memcached
need perl perl

cat >"$work/client.pl" <<'SCRIPT'
use strict;
use warnings;
use IO::Socket::INET;
my ($port, $client) = @ARGV;
my $server = IO::Socket::INET->new("127.0.0.1:$port") or die "no connection\n";
my %expected;
sub line { my $line = <$server> // die "the connection is gone\n"; $line =~ s/\r\n$//; return $line }
sub value { my ($i, $n) = @_; return ("client $client key $i " x (1 + $i * $n % 90)) . ("x" x ($n % 3000)) }
sub store {
	my ($verb, $key, $data) = @_;
	print $server "$verb $key 0 0 " . length($data) . "\r\n$data\r\n";
	my $answer = line();
	$answer eq "STORED" or die "$verb $key: $answer\n";
}
for my $round (1 .. 3) {
	for my $i (1 .. 3000) {
		my $key = "c${client}_$i";
		my $data = value($i, $round * 17 + $i);
		if ($i % 13 == 0 && exists $expected{$key}) {
			print $server "delete $key\r\n";
			my $answer = line();
			$answer eq "DELETED" or die "delete $key: $answer\n";
			delete $expected{$key};
		} elsif ($i % 7 == 0 && exists $expected{$key}) {
			store("append", $key, $data);
			$expected{$key} .= $data;
		} else {
			store("set", $key, $data);
			$expected{$key} = $data;
		}
	}
	for my $i (1 .. 3000) {
		my $key = "c${client}_$i";
		print $server "get $key\r\n";
		my ($head, $data) = (line(), undef);
		if ($head =~ /^VALUE \S+ 0 (\d+)$/) {
			read($server, $data, $1 + 2) == $1 + 2 or die "short\n";
			$data =~ s/\r\n$//;
			line() eq "END" or die "no END\n";
		}
		($data // "none") eq ($expected{$key} // "none") or die "$key has another value\n";
	}
}
SCRIPT

port=$(free_port)
user=
[ "$(id -u)" = 0 ] && user='-u root'
# shellcheck disable=SC2086 # option and value, or nothing
start memcached $user -l 127.0.0.1 -p "$port" -U 0 -t 4 -m 512
server=$last
answers()
{
	perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:$ARGV[0]")' "$port"
}
wait_until 10 answers || fail "memcached does not answer"
expect_mapped "$server" memcached

clients=
for client in 1 2 3 4; do
	perl "$work/client.pl" "$port" $client 2>"$work/errors$client" &
	clients="$clients $!"
done
for client in $clients; do
	wait "$client" || fail "$(cat "$work"/errors?)"
done
kill -TERM "$server"
wait "$server"
status=$?
[ $status = 0 ] || [ $status = 143 ] || fail "memcached ended with $status"
