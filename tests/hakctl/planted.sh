# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # fake.sh and expect.sh set variables
# For tests of profiles: a program whose call stacks are known, and that does what it is told.

# start_planted [OPTIONS]: sets pid.
start_planted()
{
	mkfifo "$work/orders"
	exec 9<>"$work/orders"
	: >"$work/said"
	HAKMEM_OPTIONS="control:always${1:+,$1}" LD_PRELOAD=$HAKMEM_LIB \
		"${top_builddir:?}/tests/hakctl/planted_heap" <&9 >"$work/said" &
	pid=$!
	started="$started $pid"
	wait_until can_be_asked
}

said_so_many() # LINES
{
	[ "$(wc -l <"$work/said")" -ge "$1" ]
}

tell() # LETTER LINES: waits for so many lines of answer; they are in $work/answer
{
	before=$(wc -l <"$work/said")
	printf %s "$1" >&9
	wait_until said_so_many $((before + $2))
	tail -n +$((before + 1)) "$work/said" >"$work/answer"
}

rss() # KiB
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"
}
