#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# `hakctl top` in a real terminal of 80 x 24: the screen is read, keys are pressed, the
# window is resized.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v tmux >/dev/null || skip "no tmux (Debian: tmux)"

terminal() # TMUX-COMMAND...
{
	tmux -S "$work/tmux" -f /dev/null "$@"
}

screen()
{
	terminal capture-pane -p -t top
}

shows() # TEXT: on the screen within some seconds
{
	tries=0
	until screen >"$work/screen" && grep -qF -- "$1" "$work/screen"; do
		tries=$((tries + 1))
		if [ $tries -ge 100 ]; then
			echo "the screen does not show: $1"
			sed 's/^/  | /' "$work/screen"
			failures=$((failures + 1))
			return 1
		fi
		sleep 0.1
	done
}

press()
{
	terminal send-keys -t top "$@"
}

expect 1 'top: wants a terminal; `hakctl stats -w 1` writes to files' "$HAKCTL" top
start_fake_preloaded good
first=$pid
terminal new-session -d -s top -x 80 -y 24 "LC_ALL=C.UTF-8 '$HAKCTL' top -d 0.2; echo exit code \$?; sleep 60" ||
	skip "tmux cannot start here"
trap 'terminal kill-server 2>/dev/null; end_all; rm -rf "$work"' EXIT

shows "pid $first (fake_library)"
shows 'mode uffd+move,io_uring,2 nodes,thp'
shows '  live (asked for)          ≈   2300.0 MiB'
shows '= populated                     2820.0 MiB'
shows 'stalls max                 14 µs'
shows 'q quit'
# The bar: live first, then caches, partly used slabs, stock, the rest.
screen | sed -n 3p | grep -qE '^\[#{50,}=+-+\++\.+\]$' || {
	echo "the bar is wrong:"
	screen | sed -n 3p
	failures=$((failures + 1))
}
# The keys are in the last line.
screen | sed -n 24p | grep -q 'c classes' || { echo "no keys in line 24"; failures=$((failures + 1)); }

shows 'LIVE BYTES'
press s && shows 'sorted by size'
screen | grep -A1 'LIVE BYTES' | grep -qE '^ +16 ' || { echo "not sorted by size"; failures=$((failures + 1)); }
press Down Down && sleep 0.5
screen | grep -A1 'LIVE BYTES' | grep -qE '^ +48 ' || { echo "not scrolled"; failures=$((failures + 1)); }
press t && shows 'COMING'
press n && shows 'MISPLACED'
press h && shows 'have it give back its free memory'
press x && shows 'MISPLACED'
press p && shows 'purge: gave back 500.0 MiB in 3.2 ms'
press + && shows 'every 0.4 s'

start_fake_preloaded good
press o && shows 'COMMAND'
shows "$pid"
press / "$pid" Enter Enter && shows "pid $pid (fake_library)"

# Small and large again.
terminal resize-window -t top -x 50 -y 10 && shows "hakmem 9.9-fake" && shows 'c classes'
# No line runs on into the next one.
screen | sed -n 2p | grep -q '^mode' || { echo "line 1 wraps"; screen; failures=$((failures + 1)); }
terminal resize-window -t top -x 120 -y 40 && shows 'stalls max'

kill -KILL "$pid"
shows 'has ended; o chooses another process'
press q && shows 'exit code 0'
expect_end
