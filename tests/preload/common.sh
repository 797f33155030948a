#!/bin/sh
# SPDX-License-Identifier: MIT
# What the preload tests share: a folder that is removed, processes that are ended, skips
# with a reason, and the proof that the library is really in a process. To be sourced.
# The time of a test is bounded: it starts over under timeout(1).
set -u

skip() # REASON
{
	echo "skipped: $*"
	exit 77
}

fail() # WHAT
{
	echo "FAIL: $*"
	exit 1
}

# What a filter refuses may be more than a program can bear, with whatever allocator.
is_filtered()
{
	grep -qE '^Seccomp:[[:space:]]*[12]' /proc/self/status 2>/dev/null
}

need() # COMMAND DEBIAN-PACKAGE
{
	command -v "$1" >/dev/null || skip "no $1 (Debian: $2)"
}

if [ -z "${HAKMEM_TEST_TIMED:-}" ]; then
	HAKMEM_TEST_TIMED=1
	export HAKMEM_TEST_TIMED
	exec timeout --foreground -k 10 "${HAKMEM_TEST_LIMIT_S:-120}" "$0" "$@"
fi

library=${HAKMEM_LIB:?}
[ -r "$library" ] || fail "there is no $library"
if grep -qE '__[at]san_init' "$library"; then
	skip "a library with a sanitizer cannot be preloaded"
fi

[ -r /proc/self/maps ] || skip "/proc is not mounted: what a process has mapped is not known"

# Server programs of Debian lie there, and a user's PATH may not name it.
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d) || exit 99
started=

clean_up()
{
	trap - EXIT
	for pid in $started; do
		kill "$pid" 2>/dev/null
	done
	for pid in $started; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# Runs a command with the library.
preloaded() # COMMAND...
{
	env LD_PRELOAD="$library" "$@"
}

# Starts one that stays; its process is in $last.
start() # COMMAND...
{
	(exec env LD_PRELOAD="$library" "$@") &
	last=$!
	started="$started $last"
}

stop() # PID
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

wait_until() # SECONDS COMMAND...
{
	tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

is_mapped() # PID
{
	grep -qF "$(readlink -f "$library")" "/proc/$1/maps"
}

expect_mapped() # PID NAME
{
	wait_until 10 is_mapped "$1" || fail "$2 (process $1) does not have the library"
}

# Starts a program that reads its standard input, looks at its mappings while it waits, and
# lets it come to its end.
expect_mapped_in() # COMMAND...
{
	mkfifo "$work/held_back"
	(exec env LD_PRELOAD="$library" "$@" <"$work/held_back" >/dev/null 2>&1) &
	last=$!
	started="$started $last"
	exec 9>"$work/held_back"
	expect_mapped "$last" "$1"
	exec 9>&-
	wait "$last"
	rm "$work/held_back"
}

expect_same() # FILE FILE WHAT
{
	cmp "$1" "$2" || fail "$3: not as without the library"
}

# A port of the loopback that nobody listens on, as far as one can know.
free_port()
{
	while :; do
		port=$(($(od -An -N2 -tu2 /dev/urandom) % 20000 + 20000))
		hexadecimal=$(printf ':%04X ' "$port")
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qF "$hexadecimal" || break
	done
	echo "$port"
}

# Asks the server at $port for one path many times, by as many connections at once; every answer
# has to be the page.
load() # REQUESTS CONNECTIONS PATH OPTIONS-OF-AB...
{
	requests=$1 connections=$2 path=$3
	shift 3
	ab -q -n "$requests" -c "$connections" "$@" "http://127.0.0.1:$port$path" >"$work/load" 2>&1 ||
		fail "ab $path: $(tail -n 3 "$work/load")"
	if ! grep -q '^Failed requests: *0$' "$work/load" || grep -q '^Non-2xx' "$work/load"; then
		fail "ab $path: $(cat "$work/load")"
	fi
}

# Gets one file from the server at $port over a connection of its own; prints the body.
get() # PATH
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die "no connection";
		print $s "GET $ARGV[1] HTTP/1.0\r\n\r\n";
		local $/;
		my ($head, $body) = split /\r\n\r\n/, <$s>, 2;
		$head =~ /^HTTP\S+ 200/ or die $head;
		print $body' "$port" "$1"
}
