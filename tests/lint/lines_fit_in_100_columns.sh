#!/bin/bash
# SPDX-License-Identifier: MIT
# A line of C, of a document or of a man page has at most 100 columns, a tab being eight. Longer
# may be what cannot be broken: rows of tables in Markdown, requests of roff, addresses, and in C
# a line that is a string, since what is printed is looked for with grep.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
export LC_ALL=C.UTF-8

find . \( -name '.?*' ! -name . -o -path './build*' -o -name autom4te.cache -o -name seeds \) -prune -o -type f \
	\( -name '*.[ch137]' -o -name '*.cc' -o -name '*.md' -o -name NEWS \) -print |
	sed 's|^\./||' | sort >"$work/files"
[ -s "$work/files" ] || { echo "no files; is this the source tree?"; exit 1; }

while read -r file; do
	expand "$file" | grep -nE '^.{101}' |
		grep -vE '^[0-9]+: *(\| |\.[BI]R |"|\.help = "|return "|[^ ]*https?://)' | cut -c 1-70 |
		sed "s|^\([0-9]*\):|$file:\1: over 100 columns: |"
done <"$work/files" >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
