#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the backticks are text
# Every path that a document names is there: a document that sends its reader to a file long
# gone is worse than none. A path may be written from the top, from lib/ or from the
# document's own folder; what the build makes counts too, built or not. A bare file name, if it stands in
# backticks, must be the name of some file.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

# Not .git, nor what is built inside the tree.
find . \( -name '.?*' ! -name .ci ! -name . -o -path './build*' \) -prune -o \
	-type f -print | sed 's|^\./||' >"$work/files"
grep -E '\.md$' "$work/files" >"$work/documents" || { echo "no documents"; exit 1; }

exists() # PATH DOCUMENT
{
	[ -e "$1" ] || [ -e "lib/$1" ] || [ -e "$(dirname "$2")/$1" ] || [ -e "$1.c" ] ||
		[ -e "${top_builddir:?}/$1" ]
}

is_folder_of_ours() # NAME DOCUMENT
{
	[ -d "$1" ] || [ -d "lib/$1" ] || [ -d "$(dirname "$2")/$1" ]
}

while read -r document; do
	# Words with a slash inside, that begin with the name of a folder of ours.
	grep -oE '[A-Za-z0-9_./*{}$<>~:@+-]+' "$document" | sed -E 's/[.:]+$//; s|^\./||' |
		grep -E '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+/?$' | sort -u |
		while read -r path; do
			case $path in build/*) continue ;; esac
			is_folder_of_ours "${path%%/*}" "$document" || continue
			exists "$path" "$document" || echo "$document: $path"
		done
	# Links, and file names in backticks.
	grep -oE '\]\([^)#:]+\)' "$document" | sed -E 's/^\]\(//; s/\)$//' | sort -u |
		while read -r path; do
			exists "$path" "$document" || echo "$document: $path"
		done
	grep -oE '`[A-Za-z0-9_-]+\.(c|h|cc|sh|py|md|am|ac|m4|map)`' "$document" | tr -d '`' | sort -u |
		while read -r name; do
			[ -e "${top_builddir:?}/$name" ] ||
				grep -qE "(^|/)$name\$" "$work/files" || echo "$document: $name"
		done
done <"$work/documents" >"$work/missing"

sed 's/$/ is not there/' "$work/missing"
! [ -s "$work/missing" ]
