# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2154 # expect.sh sets work
# For the tests of the verbs that ask: starts fake_library, and ends what it started. They
# source this behind expect.sh. Sockets are in a folder of the test's own.

# "All processes" shall be ours: other tests may run beside. A PID namespace sees to that.
if [ -z "${HAKCTL_TEST_ALONE-}" ]; then
	for flags in '' '--user --map-root-user'; do
		# shellcheck disable=SC2086 # the flags are words
		unshare $flags --pid --mount-proc --fork true 2>/dev/null || continue
		rm -rf "$work"
		# shellcheck disable=SC2086
		HAKCTL_TEST_ALONE=yes exec unshare $flags --pid --mount-proc --fork --kill-child "$0"
	done
	skip "unshare makes no PID namespace here"
fi

fake=${top_builddir:?}/tests/hakctl/fake_library
[ -x "$fake" ] || skip "tests/hakctl/fake_library is not built"
HAKMEM_CONTROL_DIR=$work/control
export HAKMEM_CONTROL_DIR
mkdir -m 700 "$HAKMEM_CONTROL_DIR"
started=
trap 'end_all; rm -rf "$work"' EXIT

end_all()
{
	for process in $started; do
		kill -CONT "$process" 2>/dev/null
		kill -KILL "$process" 2>/dev/null
	done
	started=
}

# start_fake MODE: sets socket and pid. It is no process on hakmem, so it is asked by socket.
start_fake()
{
	socket=$work/$1.sock
	rm -f "$work/$1.ready"
	"$fake" "$1" "$socket" >"$work/$1.ready" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/$1.ready"
}

# start_fake_preloaded MODE: one that has the library in it, and so is found by its PID.
start_fake_preloaded()
{
	rm -f "$work/$1.ready" # of an earlier one of this mode
	LD_PRELOAD=$HAKMEM_LIB HAKMEM_OPTIONS=helpers:never "$fake" "$1" >"$work/$1.ready" 2>"$work/$1.errors" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/$1.ready"
	socket=$(cat "$work/$1.ready")
}

can_be_asked()
{
	"$HAKCTL" get decay_ms "$pid" >/dev/null 2>&1
}

# start_known_heap COUNT BYTES LARGE: known_heap on the library, asked by its PID; sets pid. What
# lives is in $work/truth; it reads descriptor 9, which stays open.
start_known_heap()
{
	start_one_known_heap "$work/truth" "$@"
}

# start_one_known_heap TRUTH COUNT BYTES LARGE: one of several; what lives is in the file TRUTH.
start_one_known_heap()
{
	truth=$1
	shift
	if ! [ -e "$work/open" ]; then
		mkfifo "$work/open"
		exec 9<>"$work/open"
	fi
	HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB "${top_builddir:?}/tests/hakctl/known_heap" "$@" \
		<&9 >"$truth" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$truth"
	wait_until can_be_asked
}

wait_until() # COMMAND...: at most 20 s
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || { echo "never: $*"; exit 1; }
		sleep 0.05
	done
}

skip_if_library_serves_no_socket()
{
	nm -D "$HAKMEM_LIB" | grep -q hak_snapshot || skip "this library serves no control socket"
}
