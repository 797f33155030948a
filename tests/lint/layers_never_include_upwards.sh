#!/bin/sh
# SPDX-License-Identifier: MIT
# Layers include downwards only: entry, front, middle, back, then os beside
# kmod-free-helpers, then support; and no two files include each other, however indirectly.
# Only back/populate* may see fault_service and staging, only back/release* madvise_ring and
# madvise_vector.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

folders=lib
[ -d kmod-free-helpers ] && folders="$folders kmod-free-helpers"
# shellcheck disable=SC2086 # two words are two folders
grep -rHoE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]+"' $folders |
	sed -E 's|^lib/||; s|:[^"]*"| |; s|"$||' >"$work/includes"

if ! [ -s "$work/includes" ]; then
	echo "no include found at all; is this the source tree?"
	exit 1
fi

awk '
BEGIN {
	rank["support"] = 0; rank["os"] = 1; rank["kmod-free-helpers"] = 1
	rank["back"] = 2; rank["middle"] = 3; rank["front"] = 4; rank["entry"] = 5
}
function say(text) { print $1 " includes \"" $2 "\": " text }
{
	split($1, from, "/"); split($2, to, "/")
	file = from[2]; header = to[2]
	if (!(from[1] in rank))
		print $1 ": the folder " from[1] " is not a layer"
	else if (header == "" || !(to[1] in rank))
		say("not of the form \"layer/name.h\"")
	else if (rank[to[1]] > rank[from[1]])
		say(to[1] " is above " from[1])
	else if (rank[to[1]] == rank[from[1]] && to[1] != from[1])
		say(to[1] " and " from[1] " do not know each other")
	if ($2 ~ /\.c$/)
		say("a .c file")
	if (header == "internal.h")
		say("a drawer, not a noun")
	if (header ~ /^(fault_service|staging)/ && to[1] == "kmod-free-helpers" &&
	    from[1] != to[1] && $1 !~ /^back\/populate/)
		say("only back/populate may")
	if (header ~ /^madvise_(ring|vector)/ && to[1] == "kmod-free-helpers" &&
	    from[1] != to[1] && $1 !~ /^back\/release/)
		say("only back/release may")
}' "$work/includes" >"$work/problems"

# A .c file and its header are one unit; a unit includes itself without harm.
sed -E 's/\.[ch]( |$)/\1/g' "$work/includes" | awk '$1 != $2' >"$work/edges"
tsort "$work/edges" >"$work/order" 2>"$work/circles" ||
	sed 's/^tsort: /in a circle: /' "$work/circles" >>"$work/problems"

cat "$work/problems"
! [ -s "$work/problems" ]
