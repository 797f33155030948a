#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# A process of another user's that only pretends to be on hakmem ends no verb of root's, keeps none
# waiting, writes nothing to the terminal that it would obey, and hides no other process.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer

as_another=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as_another='setpriv --reuid 65534 --clear-groups'
	chmod 755 "$work"
fi
cp "${top_builddir:?}/tests/hakctl/hostile_target" "$work/hostile" && chmod 755 "$work/hostile"
mkdir -m 777 "$work/theirs"
library=$work/libhakmem.so
cp "$HAKMEM_LIB" "$library" && chmod 755 "$library"

start_hostile() # MODE: sets pid
{
	mkdir -m 700 "$work/theirs/control.$1"
	[ -z "$as_another" ] || chown 65534 "$work/theirs/control.$1"
	# shellcheck disable=SC2086 # the command and its options
	HAKMEM_CONTROL_DIR=$work/theirs/control.$1 $as_another "$work/hostile" "$work/theirs" "$1" \
		>"$work/$1.ready" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/$1.ready"
}

# Whatever a verb says, it says it in time and in letters.
does_no_harm() # VERB...
{
	timeout -s KILL 20 "$HAKCTL" "$@" >"$work/output" 2>&1 </dev/null
	code=$?
	if [ "$code" -gt 3 ]; then
		echo "$*: exits with $code"
		failures=$((failures + 1))
	fi
	if LC_ALL=C grep -aq "$(printf '[\033\007\233]')" "$work/output"; then
		echo "$*: lets an escape sequence through"
		LC_ALL=C cat -v "$work/output"
		failures=$((failures + 1))
	fi
}

for mode in shrinks grows escapes circle pipe flood more; do
	if [ $mode = circle ]; then
		LD_PRELOAD=$library
		HAKMEM_OPTIONS=helpers:never
		export LD_PRELOAD HAKMEM_OPTIONS
	fi
	start_hostile $mode
	unset LD_PRELOAD HAKMEM_OPTIONS
	rounds=1
	[ $mode = shrinks ] && rounds=10
	while [ $rounds -gt 0 ]; do
		does_no_harm ps "$pid"
		rounds=$((rounds - 1))
	done
	# Each waits for two seconds where the library keeps it busy.
	case $mode in
	flood | more) set -- stats list map ;;
	*)
		set -- stats 'stats -j' 'stats --classes' 'ps -j' numa huge doctor purge \
			'limit --soft 1G' 'get decay_ms' list map stray 'metrics --format text' \
			'wait --timeout 1 --rss-below 1' 'diff --seconds 0.1' "watch -n 1 -o $work/ring.$mode"
		;;
	esac
	for verb in "$@"; do
		# shellcheck disable=SC2086 # the verb and its options
		does_no_harm $verb "$pid"
	done
	[ $mode = more ] || end_all
done

# Command lines are others' texts as well.
cat >"$work/named.py" <<'PYTHON'
import os, sys
os.execv(sys.argv[1], ["\033]0;owned\007\033[31msleeper", "60"])
PYTHON
if command -v python3 >/dev/null; then
	HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB python3 "$work/named.py" "$(command -v sleep)" &
	started="$started $!"
	named()
	{
		"$HAKCTL" ps | grep -q 'owned.*sleeper'
	}
	wait_until named
	does_no_harm ps
	does_no_harm ps -j
	does_no_harm diff --seconds 0.1
	does_no_harm watch -o "$work/ring" -n 1
	does_no_harm diff -f "$work/ring"
fi

# The others are seen.

cp "$(command -v sleep)" "$work/haksleeper"
HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB "$work/haksleeper" 60 &
started="$started $!"
sleeper=$!
is_seen()
{
	"$HAKCTL" ps | grep -q "^ *$sleeper .*haksleeper"
}
wait_until is_seen
# What lies where a process's socket should be: a pipe, itself, another's socket, a file without end.
start_fake_preloaded good
other=$socket
start_fake_preloaded good
name=$socket
for instead in pipe loop other endless; do
	rm -f "$name"
	case $instead in
	pipe) mkfifo "$name" ;;
	loop) ln -s "$name" "$name" ;;
	other) ln -s "$other" "$name" ;;
	endless) ln -s /dev/zero "$name" ;;
	esac
	for verb in stats 'stats -j' ps list map doctor purge 'limit --soft 1G' 'metrics --format text'; do
		# shellcheck disable=SC2086 # the verb and its options
		does_no_harm $verb "$pid"
	done
	if [ $instead = other ]; then
		expect 1 'cannot be asked' "$HAKCTL" purge "$pid"
	fi
done
expect_end
