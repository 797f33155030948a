#!/bin/bash
# SPDX-License-Identifier: MIT
# An option is one row of lib/support/options.c. hakmem(7) has an entry with its default and each
# of its words, hakctl's completion offers it, and neither has one that is no row.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

# { "release", WORD, &options.release, true, "balanced", "balanced, latency or memory", …: name,
# kind, default and what is expected, by tabs; rows may be broken over lines.
tr '\n' ' ' <lib/support/options.c | grep -oE '\{ "[a-z_]+", [A-Z_]+, &[^}]*\}' |
	sed -E 's/^\{ "([a-z_]+)", ([A-Z_]+), [^"]*"([^"]*)",\s*"([^"]*)".*/\1\t\2\t\3\t\4/' |
	sort >"$work/rows"
[ -s "$work/rows" ] || { echo "lib/support/options.c: no rows"; exit 1; }

awk '/^\.SH / { inside = /OPTIONS/ } inside' doc/hakmem.7 >"$work/manual"
{
	while IFS=$'\t' read -r name kind fallback expected; do
		# The entry: from its head to the next.
		sed -n "/^\.BR $name \" (/,/^\.TP/p" "$work/manual" >"$work/entry"
		[ -s "$work/entry" ] || { echo "hakmem(7) has no entry for $name"; continue; }
		grep -qF ".BR $name \" ($fallback)\"" "$work/entry" ||
			echo "hakmem(7): the default of $name is $fallback"
		[ "$kind" = WORD ] || [ "$kind" = WORD_OR_DIRECTORY ] || continue
		echo "$expected" | sed 's/, / /g; s/ or / /; s/ a directory//' | tr ' ' '\n' |
			grep -vxF "$fallback" | while read -r word; do
			grep -qE "(^|[ (])$word( |\)|,|$|\.| )" "$work/entry" ||
				echo "hakmem(7) does not tell of $name:$word"
		done
	done <"$work/rows"
	cut -f 1 "$work/rows" >"$work/names"
	sed -nE 's/^\.BR ([a-z_]+) " \(.*/\1/p' "$work/manual" | sort |
		comm -13 "$work/names" - | sed 's/^/hakmem(7) has an entry for no option: /'
	grep -oE "'confirm: [a-z_: ]*'" hakctl/completion/hakctl | tr -d "':" | tr ' ' '\n' |
		sort | comm -3 "$work/names" - | sed 's/^\s*/completion and table differ: /'
} >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
