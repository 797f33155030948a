#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2016,SC2317 # fake.sh sets variables; backticks are text; functions are called by name
# A process that has the library and no helper: ps, stats and doctor know its heap, from outside, and
# say why it has none and which line mends that.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
known=${top_builddir:?}/tests/hakctl/known_heap
mkfifo "$work/open"
exec 9<>"$work/open"

# start OPTIONS LARGE COMMAND...: the known heap behind COMMAND; sets pid, asked, usable.
start()
{
	options=$1
	large=$2
	shift 2
	rm -f "$work/truth"
	"$@" env HAKMEM_OPTIONS="$options" LD_PRELOAD="$HAKMEM_LIB" "$known" 4000 1000 "$large" \
		<&9 >"$work/truth" 2>/dev/null &
	wait_until test -s "$work/truth"
	pid=
	wait_until found_pid
	started="$started $pid"
	read -r asked usable <"$work/truth"
}

# By what it reads from: other tests start the same program.
found_pid()
{
	for folder in /proc/[0-9]*; do
		[ "$(cat "$folder/comm" 2>/dev/null)" = known_heap ] &&
			[ "$(readlink "$folder/fd/0")" = "$work/open" ] && pid=${folder#/proc/}
	done
	[ -n "$pid" ]
}

# within PERCENT IS WANTED WHAT
within()
{
	awk -v percent="$1" -v is="$2" -v wanted="$3" 'BEGIN { d = is - wanted; if (d < 0) d = -d;
		exit !(d * 100 <= wanted * percent) }' && return
	echo "$4: $2, wanted $3 within $1 %"
	failures=$((failures + 1))
}

number() # NAME: of stats -j
{
	sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$work/stats"
}

knows_the_heap()
{
	"$HAKCTL" stats -j "$pid" >"$work/stats"
	within 2 "$(number blocks_live_bytes | awk -v l="$(number large_live_bytes)" '{ print $1 + l }')" \
		"$usable" 'live'
	within 2 "$(number asked_bytes)" "$asked" 'asked for'
	# All that lives was written to, and of what was freed nothing went back.
	within 15 "$(number populated_bytes)" $((usable + 2000 * 1008)) 'populated'
}

start '' 2000000
knows_the_heap
expect 0 'its heap is small; control:always in HAKMEM_OPTIONS starts it at once' "$HAKCTL" ps "$pid"
expect 0 'mend: control:always in HAKMEM_OPTIONS' "$HAKCTL" doctor "$pid"
expect 0 'read from outside, as of 0s ago: no helper: its heap is small' "$HAKCTL" stats "$pid"
expect 0 ' 1024      63  2000' "$HAKCTL" stats --classes "$pid"
expect 0 'known_heap' "$HAKCTL" stats
expect 0 'hakmem_' "$HAKCTL" metrics --format text known_heap
end_all

start helpers:never 40000000
knows_the_heap
expect 0 'take helpers:never out of HAKMEM_OPTIONS' "$HAKCTL" ps "$pid"
expect 0 'mend: take helpers:never out of HAKMEM_OPTIONS' "$HAKCTL" doctor "$pid"
expect 1 'take helpers:never out of HAKMEM_OPTIONS' "$HAKCTL" purge "$pid"
end_all

start control:off 2000000
knows_the_heap
expect 0 'control:off' "$HAKCTL" ps "$pid"
end_all

# One that stands still tells the truth of now, not that of its last snapshot.
start control:always 2000000
kill -STOP "$pid"
wait_until grep -q '^State:.T' "/proc/$pid/status"
knows_the_heap
end_all

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	cp "$HAKMEM_LIB" "$known" "$work/" && chmod 755 "$work"/known_heap "$work"/libhakmem*
	known=$work/known_heap
	HAKMEM_LIB=$work/$(basename "$HAKMEM_LIB")
	start helpers:always 40000000 prlimit --nproc=1 setpriv --reuid 65531 --clear-groups
	knows_the_heap
	expect 5 ', higher' "$HAKCTL" doctor "$pid"
	end_all
fi

refuse=${top_builddir:?}/bench/refuse
if "$refuse" move -- true; then
	HAKMEM_OPTIONS='' "$refuse" --preload "$HAKMEM_LIB" madvise -- "$known" 4000 1000 40000000 \
		<&9 >"$work/truth" 2>/dev/null &
	pid=
	wait_until found_pid
	started="$started $pid"
	wait_until test -s "$work/truth"
	read -r asked usable <"$work/truth"
	knows_the_heap
	expect 5 'why: ' "$HAKCTL" doctor "$pid"
	expect 5 'mend: ' "$HAKCTL" doctor "$pid"
	end_all
fi
expect_end
