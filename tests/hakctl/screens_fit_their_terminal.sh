#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# What the verbs say for people fits the terminal, of 40, 80, 120 and 200 columns: each line, but for help at 40. Colours are on a terminal alone, not with NO_COLOR and not where TERM is
# dumb; in a locale of ASCII, and there piped as well, there is nothing but ASCII.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v script >/dev/null || skip "no script (Debian: bsdutils)"

start_known_heap 200000 100 2000000
nodes=$(find /sys/devices/system/node -maxdepth 1 -name 'node[0-9]*' 2>/dev/null | wc -l)

# on_terminal COLUMNS SETTING VERB...: what it shows, into $work/screen with its escape sequences. Not what it
# cannot do here, which is a message of one line: an older kernel tells purge less.
on_terminal()
{
	columns=$1
	setting=$2
	shift 2
	script -qc "stty cols $columns rows 24; env TERM=xterm $setting '$HAKCTL' $* 2>/dev/null" /dev/null </dev/null 2>&1 |
		tr -d '\r' >"$work/screen"
}

fail() # TEXT
{
	echo "$1"
	failures=$((failures + 1))
}

# In ASCII a letter is a byte. What is to be typed is not cut, so a word that no line has room for stands alone.
for verb in ps "stats $pid" "stats --classes $pid" "stats --threads $pid" "stats --nodes $pid" "list $pid" \
	"map $pid" "limit $pid" "stray $pid" "diff --seconds 0.1 $pid" "doctor $pid" doctor "numa $pid" "numa --machine" \
	"huge $pid" "purge -n $pid" "profile status $pid" help "help ps" "help top" "help watch" "help diff"; do
	for columns in 40 80 120 200; do
		case "$columns $verb" in
		"40 help"*) continue ;;
		"40 numa "[0-9]*) [ "$nodes" -lt 3 ] || continue ;;
		esac
		on_terminal $columns LC_ALL=C "$verb"
		sed 's/\x1b\[[0-9;]*m//g' "$work/screen" | awk -v columns="$columns" 'length($0) > columns && !/^ *[^ ]+$/ { print; bad = 1 }
			END { exit bad }' || fail "$verb: longer than $columns columns"
	done
	on_terminal 80 A=b "$verb"
	case $verb in
	help* | limit* | stray* | numa* | huge* | purge* | profile*) ;;
	*) grep -q "$(printf '\033\[')" "$work/screen" || fail "$verb: no colours on a terminal" ;;
	esac
	for setting in NO_COLOR=1 TERM=dumb; do
		on_terminal 80 $setting "$verb"
		grep -q "$(printf '\033')" "$work/screen" && fail "$verb: escape sequences with $setting"
	done
	on_terminal 80 'LC_ALL=C NO_COLOR=1' "$verb"
	LC_ALL=C grep -q "$(printf '[\200-\377]')" "$work/screen" && fail "$verb: not ASCII with LC_ALL=C"
	# shellcheck disable=SC2086 # the verb and its options
	LC_ALL=C "$HAKCTL" $verb 2>&1 | LC_ALL=C grep -q "$(printf '[\200-\377\033]')" &&
		fail "$verb: not plain ASCII in a pipe"
done
expect_end
