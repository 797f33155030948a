#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# Gone, not on hakmem, set-uid, without a socket, another user's, stopped: each has its own
# message and exit code; one in a container of its own is asked like any other.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer

# Not there, ended, not on hakmem: 3.
expect 3 'no process 999999999; `hakctl ps` lists those on hakmem' "$HAKCTL" stats 999999999
expect 3 'no process named no-such-name' "$HAKCTL" stats no-such-name
expect 3 'does not use hakmem; `hakctl run -- COMMAND` starts a program on it' "$HAKCTL" stats $$
cp "$(command -v sleep)" "$work/hakctlsleeper"
"$work/hakctlsleeper" 60 &
started="$started $!"
sleeper=$!
has_called_exec()
{
	[ "$(cat "/proc/$sleeper/comm")" = hakctlsleeper ]
}
wait_until has_called_exec
expect 3 "hakctlsleeper: process $sleeper does not use hakmem" "$HAKCTL" purge hakctlsleeper
expect 3 '' "$HAKCTL" wait --rss-below 1G no-such-name

# preloaded NAME COMMAND...: in the background; sets pid.
preloaded()
{
	name=$1
	shift
	cp "$(command -v sleep)" "$work/$name"
	"$@" env "LD_PRELOAD=$HAKMEM_LIB" "$work/$name" 60 2>/dev/null &
	started="$started $!"
	wait_until found_pid "$name"
}

found_pid()
{
	pid=
	for candidate in /proc/[0-9]*; do
		[ "$(cat "$candidate/comm" 2>/dev/null)" = "$1" ] &&
			grep -q libhakmem "$candidate/maps" 2>/dev/null && pid=${candidate#/proc/}
	done
	[ -n "$pid" ] && started="$started $pid"
}

# On hakmem, but it opens no socket: 1, and ps has it with the reason.
preloaded haksmall env HAKMEM_OPTIONS=helpers:never
expect 1 'cannot be asked: ' "$HAKCTL" list "$pid"
expect 0 'haksmall' "$HAKCTL" ps
expect 1 "$pid (haksmall): cannot be asked" "$HAKCTL" purge haksmall
expect 1 'cannot be asked' "$HAKCTL" get decay_ms haksmall
preloaded hakoff env HAKMEM_OPTIONS=control:off
expect 1 'control:off' "$HAKCTL" purge hakoff
expect 0 'control:off' "$HAKCTL" ps

# Another user's, and another user's question.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	cp "$HAKMEM_LIB" "$work/libhakmem.so" && chmod 755 "$work/libhakmem.so"
	HAKMEM_LIB=$work/libhakmem.so
	preloaded hakother setpriv --reuid 65534 --clear-groups env HOME=/
	expect 1 'cannot be asked' "$HAKCTL" purge "$pid"
	cp "$HAKCTL" "$work/hakctl" && chmod 755 "$work/hakctl"
	expect 1 'belongs to another user' setpriv --reuid 65533 --clear-groups "$work/hakctl" stats "$pid"
	expect 0 'could not be looked into' setpriv --reuid 65533 --clear-groups "$work/hakctl" ps
fi

# Set-uid: as the kernel marks it when it starts.
if [ "$(id -u)" -eq 0 ] && command -v "${CC:-cc}" >/dev/null; then
	cp "$HAKMEM_LIB" "$work/libhakmem.so.1"
	printf '#include <stdlib.h>\n#include <unistd.h>\nint main(void) { return !malloc(1) || sleep(60); }\n' |
		compile "$work/hakset" "-Wl,-rpath,$work" -x none "$work/libhakmem.so.1"
	chmod 755 "$work" "$work/libhakmem.so.1"
	chown 65534 "$work/hakset" && chmod 4755 "$work/hakset"
	"$work/hakset" &
	started="$started $!"
	if wait_until found_pid hakset && grep -qE '^Uid:.*65534' "/proc/$pid/status"; then
		expect 1 'is set-uid or set-gid; such a program opens no socket' "$HAKCTL" purge "$pid"
		expect 0 'is set-uid or set-gid' "$HAKCTL" ps
	else
		echo "the temporary folder is mounted nosuid"
	fi
fi

# Stopped: told at once, or read from outside; never a wait without an end.
start_fake_preloaded good
kill -STOP "$pid"
wait_until grep -q '^State:.T' "/proc/$pid/status"
before=$(date +%s)
"$HAKCTL" stats "$pid" >"$work/output" 2>&1
[ $(($(date +%s) - before)) -le 2 ] || { echo "a stopped process: not within 2 s"; failures=$((failures + 1)); }
grep -q 'is stopped' "$work/output" || { cat "$work/output"; failures=$((failures + 1)); }
expect 1 "is stopped, by a signal or a debugger; \`kill -CONT $pid\`" "$HAKCTL" purge "$pid"
expect 0 'stopped' "$HAKCTL" ps "$pid"
kill -CONT "$pid"
expect 0 'gave back' "$HAKCTL" purge "$pid"

# One that is not there does not hide the others: they are shown, and the code is its own.
for verb in stats 'stats -j' ps 'ps -j' metrics doctor; do
	# shellcheck disable=SC2086 # the verb and its option
	expect 3 'no process 999999999' "$HAKCTL" $verb 999999999 "$pid"
	grep -q "$pid" "$work/output" || { echo "$verb: $pid is not shown"; failures=$((failures + 1)); }
done

# Lines end at the edge of a terminal, however long a name is.
if command -v script >/dev/null; then
	for columns in 40 68 80 120; do
		script -qc "stty cols $columns; '$HAKCTL' ps" /dev/null </dev/null | tr -d '\r' |
			sed 's/\x1b\[[0-9;]*m//g' >"$work/screen"
		if grep -q ".\{$((columns + 1))\}" "$work/screen" || ! grep -q PID "$work/screen"; then
			echo "ps in $columns columns:"
			cat "$work/screen"
			failures=$((failures + 1))
		fi
	done
fi

# Ends while it is being watched.
"$HAKCTL" stats -w 0.1 "$pid" >"$work/watched" 2>&1 &
watcher=$!
wait_until grep -q "$pid" "$work/watched"
kill -KILL "$pid"
wait $watcher
code=$?
[ $code -eq 3 ] || { echo "watching one that ended exits with $code"; cat "$work/watched"; failures=$((failures + 1)); }

# The socket that it left behind goes away with the next ps.
[ -S "$socket" ] || { echo "the fake's socket is gone already"; failures=$((failures + 1)); }
"$HAKCTL" ps >/dev/null
! [ -S "$socket" ] || { echo "a stale socket stays"; failures=$((failures + 1)); }

# So do those of users that never call hakctl, when root does.
if [ "$(id -u)" -eq 0 ] && command -v python3 >/dev/null && mkdir -m 700 /tmp/hakmem-64321 2>/dev/null; then
	python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind("/tmp/hakmem-64321/99999.1.sock")'
	chown -R 64321 /tmp/hakmem-64321
	"$HAKCTL" ps >/dev/null
	! [ -S /tmp/hakmem-64321/99999.1.sock ] || { echo "another's stale socket stays"; failures=$((failures + 1)); }
	rm -rf /tmp/hakmem-64321
fi

expect_end
