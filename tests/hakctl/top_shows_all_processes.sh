#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# `hakctl top` without a target has a line for each process, with live values, sorted by the column that
# the keys choose, filtered, or as a tree; on 80x24, 120x40, 200x60 and 40x10, in a locale without our signs,
# without colours, and it refuses a terminal that cannot place its cursor.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v tmux >/dev/null || skip "no tmux (Debian: tmux)"

session=0

terminal() # TMUX-COMMAND...
{
	tmux -S "$work/tmux.$session" -f /dev/null "$@"
}

screen()
{
	terminal capture-pane -p -t top
}

fail() # TEXT
{
	echo "$1"
	sed 's/^/  | /' "$work/screen"
	failures=$((failures + 1))
}

shows() # REGEX: on the screen within some seconds
{
	tries=0
	until screen >"$work/screen" && grep -qE -- "$1" "$work/screen"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { fail "the screen does not show: $1"; return 1; }
		sleep 0.1
	done
}

press()
{
	terminal send-keys -t top "$@"
}

begin() # COLUMNS LINES SETTING: top on a terminal of this size
{
	terminal kill-server 2>/dev/null
	session=$((session + 1))
	terminal new-session -d -s top -x "$1" -y "$2" \
		"env LC_ALL=C.UTF-8 $3 '$HAKCTL' top -d 0.2; echo exit code \$?; sleep 60" || skip "tmux cannot start here"
}
trap 'terminal kill-server 2>/dev/null; end_all; rm -rf "$work"' EXIT

for count in 200000 400000 100000; do
	start_one_known_heap "$work/truth.$count" $count 100 2000000
done
HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB \
	"${top_builddir:?}/tests/hakctl/growing_heap" 1000 20 60 "$work/growth" 2>/dev/null &
growing=$!
started="$started $growing"

order() # the counts of the known heaps, from above
{
	screen | sed -n 's/.*known_heap \([0-9]*\).*/\1/p' | tr '\n' ' '
}

begin 120 30 NO_COLOR=1
shows '^hakmem  4 processes  RSS .*  live .*  every 0.2 s  by rss'
shows '# live  = caches  - free in slabs'
shows '^RSS ▁.*█ [0-9.]+M +live ▁.*█ '
[ "$(order)" = "400000 200000 100000 " ] || { screen >"$work/screen"; fail "by rss: $(order)"; }
# 20 MiB a second, and nobody else.
shows '\+(1[0-9]|2[0-9])\.[0-9]M .*growing_heap'
press r && sleep 0.5
[ "$(order)" = "100000 200000 400000 " ] || { screen >"$work/screen"; fail "reversed: $(order)"; }
press r '<' && shows 'by user'
press '<' && shows 'by pid'
[ "$(order)" = "200000 400000 100000 " ] || { screen >"$work/screen"; fail "by pid: $(order)"; }
press / grow && shows 'with "grow"'
[ -z "$(order)" ] || { screen >"$work/screen"; fail "the filter lets others through"; }
press Escape && shows 'known_heap 400000'
press t && shows '\([4]\)$'
press t
press / 400000 Enter Enter && shows '^hakmem .* pid .*known_heap'
shows 'most lost, 112 +(21|22)'
shows '^ +112 .* < most lost'
press o && shows 'with "400000"'
press Escape && shows 'growing_heap'
press End && sleep 0.3 && press Enter && shows '^hakmem .* pid '
press o && shows 'by pid'
kill -KILL $growing
shows '^hakmem  3 processes'
press q && shows 'exit code 0'

for size in '80 24' '120 40' '200 60' '40 10'; do
	for setting in A=b LC_ALL=C NO_COLOR=1; do
		# shellcheck disable=SC2086 # two numbers
		begin $size $setting
		shows '^ +[0-9]+ .*known_heap' || continue
		press h && shows 'the process under|PgUp'
		press x Enter
		shows '^hakmem .*pid' || continue
		press PageDown && press o && shows 'known_heap'
		terminal capture-pane -p -e -t top >"$work/screen"
		if [ $setting = LC_ALL=C ] && LC_ALL=C grep -q "$(printf '[\200-\377]')" "$work/screen"; then
			fail "not ASCII"
		fi
		if [ $setting = NO_COLOR=1 ] && grep -qE "$(printf '\033')\[(3[1-6]|[0-9;]*;3[1-6])m" "$work/screen"; then
			fail "colours"
		fi
	done
done
# One that accepts and never answers delays no key of ours for long.
start_fake_preloaded mute
begin 120 30 A=b
shows 'fake_library.*does not answer|fake_library.*: '
press End && press Home && press r && shows 'reversed'
press q && shows 'exit code 0'

begin 80 24 TERM=dumb
shows 'top: this terminal \(TERM=dumb\) cannot place its cursor' && shows 'exit code 1'
expect_end
