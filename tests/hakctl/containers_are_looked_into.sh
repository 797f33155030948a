#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# A process in mount, PID and user namespaces of its own is found from outside: by its PID
# here, its socket under its own root, named with the PID that it has there.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer

# inside FLAGS: the fake, behind unshare; its folder is a tmpfs that nobody outside sees.
inside()
{
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare "$@" --fork sh -c '
		mount -t tmpfs none "$1" && chmod 700 "$1" || exit 77
		LD_PRELOAD=$3 HAKMEM_OPTIONS=helpers:never HAKMEM_CONTROL_DIR=$1 exec "$2" good' \
		sh "$HAKMEM_CONTROL_DIR" "$fake" "$HAKMEM_LIB" >"$work/inside.ready" 2>"$work/inside.errors" &
	started="$started $!"
	tries=0
	until [ -s "$work/inside.ready" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.05
	done
	pid=$(pgrep -f -x "$fake good" | tail -n 1)
	started="$started $pid"
}

not_running() # PID
{
	! [ -e "/proc/$1" ]
}

ran=0
for flags in '--mount --pid' '--user --map-root-user --mount --pid'; do
	# shellcheck disable=SC2086 # two words are two flags
	if ! unshare $flags --fork true 2>/dev/null; then
		echo "unshare $flags is not allowed here"
		continue
	fi
	# shellcheck disable=SC2086
	inside $flags || { echo "no process inside $flags"; cat "$work/inside.errors"; exit 1; }
	ran=$((ran + 1))
	[ -z "$(ls "$HAKMEM_CONTROL_DIR")" ] || { echo "its folder is seen from outside"; exit 1; }
	expect 0 "pid $pid (fake_library)" "$HAKCTL" stats "$pid"
	expect 0 "$pid" "$HAKCTL" ps
	expect 0 'gave back' "$HAKCTL" purge fake_library
	end_all
	rm -f "$work/inside.ready"
	wait_until not_running "$pid"
done
[ $ran -gt 0 ] || skip "unshare makes no namespaces here"
expect_end
