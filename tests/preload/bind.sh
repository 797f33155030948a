#!/bin/sh
# SPDX-License-Identifier: MIT
# BIND, which Debian links with libjemalloc and which calls mallocx and sdallocx for all that it has,
# answers from a zone under load, reloads it, and ends, with the library before jemalloc. knotd, which
# is asked the same, has malloc alone.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need named bind9
need perl perl

names=2000
port=$(free_port)
control=$(free_port)
mkdir "$work/data" && chmod 777 "$work/data" "$work"
{
	# shellcheck disable=SC2016 # of the zone
	printf '$TTL 60\n@ IN SOA ns.hakmem.test. root.hakmem.test. 1 60 60 60 60\n@ IN NS ns.hakmem.test.\nns IN A 127.0.0.1\n'
	i=0
	while [ $i -lt $names ]; do
		echo "h$i IN A 10.0.$((i / 250)).$((i % 250))"
		i=$((i + 1))
	done
} >"$work/data/zone"

# Asks for COUNT names in turn, many at once; prints how many answers were the right ones.
ask() # COUNT
{
	perl -MIO::Socket::INET -e '
		my ($port, $count, $names) = @ARGV;
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Proto => "udp") or die;
		my ($right, $i) = (0, 0);
		while ($i < $count) {
			my $n = $i % $names;
			my $label = "h$n";
			$s->send(pack("n6", $i & 0xffff, 0x0100, 1, 0, 0, 0) .
				 pack("C/a C/a C/a C n2", $label, "hakmem", "test", 0, 1, 1));
			my $answer = "";
			eval { local $SIG{ALRM} = sub { die }; alarm 5; $s->recv($answer, 4096); alarm 0; };
			$right++ if index($answer, pack("C4", 10, 0, int($n / 250), $n % 250)) > 0;
			last if $answer eq "";
			$i++;
		}
		print "$right\n"' "$port" "$1" "$names"
}

all_answer()
{
	[ "$(ask 1)" = 1 ]
}

serve() # NAME COMMAND...
{
	name=$1
	shift
	start "$@"
	server=$last
	wait_until 20 all_answer || fail "$name does not answer: $(tail -n 5 "$work/log")"
	expect_mapped "$server" "$name"
	answered=$(ask 6000)
	[ "$answered" = 6000 ] || fail "$name: $answered of 6000 answers"
	kill -HUP "$server"
	answered=$(ask 2000)
	[ "$answered" = 2000 ] || fail "$name, while it reloads: $answered of 2000 answers"
	kill "$server"
	wait "$server"
	ended=$?
	[ $ended = 0 ] || fail "$name ended with $ended: $(tail -n 5 "$work/log")"
}

cat >"$work/named.conf" <<CONFIGURATION
options {
	directory "$work/data"; pid-file none; session-keyfile none; recursion no; dnssec-validation no;
	listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
};
controls { };
zone "hakmem.test" { type primary; file "zone"; };
CONFIGURATION
serve named named -g -c "$work/named.conf" -p "$port" -n 2 2>"$work/log"

command -v knotd >/dev/null || { echo "no knotd (Debian: knot): only BIND was asked"; exit 0; }
port=$control
cat >"$work/knot.conf" <<CONFIGURATION
server:
  rundir: $work/data
  listen: 127.0.0.1@$port
database:
  storage: $work/data
log:
  - target: stderr
    any: warning
zone:
  - domain: hakmem.test
    file: $work/data/zone
CONFIGURATION
serve knotd knotd -c "$work/knot.conf" 2>"$work/log"
