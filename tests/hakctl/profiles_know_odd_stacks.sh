#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# A profile tells whole call stacks through signal handlers, alternate stacks, exceptions on their
# way, and coroutines on 8 KiB; it names functions of C++ as they were written; a program without
# symbols is told by its file and places in it; one in a mount namespace of its own is named by the
# file that is there.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket

MIB=1048576
mkfifo "$work/open"
exec 9<>"$work/open"
cp "${top_builddir:?}/tests/hakctl/odd_stacks" "$work/odd_stacks"

start_odd() # COMMAND...: sets pid
{
	rm -f "$work/ready"
	HAKMEM_OPTIONS=control:always,profile:1K LD_PRELOAD=$HAKMEM_LIB "$@" <&9 >"$work/ready" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/ready" -o ! -d "/proc/$pid"
	test -s "$work/ready" || { echo "$*: has ended"; wait "$pid"; echo "with $?"; exit 1; }
	wait_until can_be_asked
	"$HAKCTL" profile dump -o "$work/live" "$pid"
}

# holds PATTERN: the stacks that match it hold a MiB, within a fifth.
holds()
{
	bytes=$(grep -E "$1" "$work/live" | awk '{ sum += $NF } END { print sum + 0 }')
	[ "$bytes" -ge $((MIB * 4 / 5)) ] && [ "$bytes" -le $((MIB * 6 / 5)) ] && return
	echo "$bytes bytes by stacks like: $1"
	cut -c1-300 "$work/live"
	failures=$((failures + 1))
}

start_odd "$work/odd_stacks"
grep -q 'main;' "$work/live" || skip "no names: hakctl was built without elfutils"
holds 'main;interrupted;.*;handle;in_handler '
holds 'main;interrupted;.*;handle;on_other_stack '
holds 'main;.*catch_it.*;.*throw_it.*;unwinding '
holds 'main;.*catch_it[^;]*;in_catch '
holds '(^|;)run_coroutine;in_coroutine '
holds 'main;shop::Basket<int>::fill\(int\) '
holds 'dive;dive;dive;.*;deep '
# Two places with one name are two, and nothing has grown.
expect 0 'nothing grew' "$HAKCTL" leaks --seconds 0.1 "$pid"
kill "$pid"

# A static program finds its tables if it is linked as pkg-config says.
archive=${top_builddir:?}/libhakmem.a
if [ -e "$archive" ] && [ -e "$top_builddir/lib/hakmem.pc" ]; then
	# shellcheck disable=SC2046 # they are words
	(compile "$work/static_stacks" -O2 -static -x none "$archive" \
		$(sed -n 's/^Libs.private: //p' "$top_builddir/lib/hakmem.pc")) <<-'PROGRAM'
		#include <stdio.h>
		#include <stdlib.h>
		void *kept[1024];
		__attribute__((noinline)) void statically(void)
		{
			for (int i = 0; i < 1024; i++)
				kept[i] = malloc(1024);
			__asm__ volatile("" : : "r"(kept) : "memory");
		}
		int main(void)
		{
			statically();
			puts("ready");
			fflush(stdout);
			return getchar();
		}
	PROGRAM
	[ ! -e "$work/static_stacks" ] || {
		rm -f "$work/ready"
		HAKMEM_OPTIONS=control:always,profile:1K "$work/static_stacks" <&9 >"$work/ready" &
		pid=$!
		started="$started $pid"
		# It has no library that could be seen, but a socket.
		wait_until can_be_asked
		wait_until test -s "$work/ready"
		"$HAKCTL" profile dump -o "$work/live" "$pid"
		holds 'main;statically;'
		kill "$pid"
	}
fi

# What is not in the file is told by the place.
strip -s -o "$work/stripped_stacks" "$work/odd_stacks"
start_odd "$work/stripped_stacks"
bytes=$(grep 'stripped_stacks' "$work/live" | awk '{ sum += $NF } END { print sum + 0 }')
if [ "$bytes" -lt $((6 * MIB)) ]; then
	echo "without symbols, $bytes bytes by stacks that name the file"
	cut -c1-300 "$work/live"
	failures=$((failures + 1))
fi
kill "$pid"

# Here the path leads to another file than there.
mkdir "$work/there"
printf '\177ELF, and nothing more' >"$work/there/odd_stacks"
# shellcheck disable=SC2016 # the inner shell expands it
if unshare --mount true 2>/dev/null; then
	start_odd unshare --mount sh -c 'mount -t tmpfs none "$1" && cp "$2" "$1/odd_stacks" &&
		exec "$1/odd_stacks"' sh "$work/there" "$work/odd_stacks"
	holds 'main;shop::Basket<int>::fill\(int\) '
	"$HAKCTL" profile dump -o "$work/there.pb.gz" "$pid"
	build_id=$(readelf -n "$work/odd_stacks" | awk '/Build ID:/ { print $3 }')
	if [ -n "$build_id" ] && ! gzip -dc "$work/there.pb.gz" | grep -aq "$build_id"; then
		echo "the profile lacks the build-id $build_id"
		failures=$((failures + 1))
	fi
else
	echo "no mount namespace can be made: not tried"
fi
expect_end
