#!/bin/sh
# SPDX-License-Identifier: MIT
# Rooms include downwards only: entry, jemalloc, helper, control, upkeep, front, middle, back,
# sandbox, then os beside kmod-free-helpers, then support; and no two files include each other,
# however indirectly. Only populate* may see fault_service (and strays, what it tells of a touch)
# and staging, only release* madvise_ring and madvise_vector.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

folders=lib
[ -d kmod-free-helpers ] && folders="$folders kmod-free-helpers"
# shellcheck disable=SC2086 # two words are two folders
grep -rHoE --include='*.[ch]' '^#include ("[^"]+"|<kmod-free-helpers/[^>]+>)' $folders |
	sed -E 's|^lib/||; s|:#include ["<]| |; s|[">]$||' >"$work/includes"

if ! [ -s "$work/includes" ]; then
	echo "no include found at all; is this the source tree?"
	exit 1
fi

awk '
BEGIN {
	rank["support"] = 0; rank["os"] = 1; rank["kmod-free-helpers"] = 1; rank["sandbox"] = 2; rank["profile"] = 2
	rank["back"] = 3; rank["middle"] = 4; rank["front"] = 5
	rank["upkeep"] = 6; rank["control"] = 7; rank["helper"] = 8; rank["jemalloc"] = 9
	rank["entry"] = 10
}
function say(text) { print $1 " includes \"" $2 "\": " text }
{
	split($1, from, "/"); split($2, to, "/")
	file = from[2]; header = to[2]
	if (!(from[1] in rank))
		print $1 ": the folder " from[1] " is not a room"
	else if (header == "" || !(to[1] in rank))
		say("not of the form \"room/name.h\"")
	else if (rank[to[1]] > rank[from[1]])
		say(to[1] " is above " from[1])
	else if (rank[to[1]] == rank[from[1]] && to[1] != from[1])
		say(to[1] " and " from[1] " do not know each other")
	if ($2 ~ /\.c$/)
		say("a .c file")
	if (header == "internal.h")
		say("a drawer, not a noun")
	if (header ~ /^(fault_service|staging)/ && to[1] == "kmod-free-helpers" &&
	    from[1] != to[1] && $1 !~ /^(back|upkeep)\/(populate|strays)/)
		say("only populate may")
	if (header ~ /^madvise_(ring|vector)/ && to[1] == "kmod-free-helpers" &&
	    from[1] != to[1] && $1 !~ /^(back|upkeep)\/release/)
		say("only release may")
}' "$work/includes" >"$work/problems"

# A .c file and its header are one unit; a unit includes itself without harm.
sed -E 's/\.[ch]( |$)/\1/g' "$work/includes" | awk '$1 != $2' >"$work/edges"
tsort "$work/edges" >"$work/order" 2>"$work/circles" ||
	sed 's/^tsort: /in a circle: /' "$work/circles" >>"$work/problems"

# The tool's folders: all that hakctl needs is in client and output.
grep -rHoE --include='*.[ch]' '^#include "hakctl/[a-z]+/[^"]+"' hakctl 2>/dev/null |
	sed -E 's|:#include "| |; s|"$||' | awk '
{
	split($1, from, "/"); split($2, to, "/")
	if (to[2] == from[2] || to[2] == "output" || (to[2] == "client" && from[2] != "output"))
		next
	print $1 " includes \"" $2 "\": " to[2] " is not below " from[2]
}' >>"$work/problems"

cat "$work/problems"
! [ -s "$work/problems" ]
