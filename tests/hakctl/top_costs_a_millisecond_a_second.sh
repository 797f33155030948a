#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# While `hakctl top` looks once a second at a heap of 200 MiB, the process spends a millisecond of each second on
# it at most (what its tasks use while nobody looks taken away); one more is for a machine that is busy with others.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v tmux >/dev/null || skip "no tmux (Debian: tmux)"

start_known_heap 2000000 100 2000000

# All its tasks and its helper's: nanoseconds on a processor.
spent()
{
	for process in $pid $(cat "/proc/$pid/task/"*/children 2>/dev/null); do
		cat "/proc/$process/task/"*/schedstat 2>/dev/null
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
sleep 2
first=$(spent)
sleep 8
second=$(spent)
tmux -S "$work/tmux" -f /dev/null new-session -d -s top -x 80 -y 24 "'$HAKCTL' top $pid" || skip "tmux cannot start here"
trap 'tmux -S "$work/tmux" kill-server 2>/dev/null; end_all; rm -rf "$work"' EXIT
shown()
{
	tmux -S "$work/tmux" capture-pane -p -t top | grep -q 'LIVE BYTES'
}
wait_until shown
third=$(spent)
sleep 8
fourth=$(spent)
shown || { echo "top is gone"; failures=$((failures + 1)); }
idle=$(((second - first) / 8000))
watched=$(((fourth - third) / 8000))
echo "$((watched - idle)) us a second ($watched watched, $idle not)"
[ $((watched - idle)) -le 2000 ] || failures=$((failures + 1))
expect_end
