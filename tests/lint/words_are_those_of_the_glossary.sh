#!/bin/bash
# SPDX-License-Identifier: MIT
# Each word of doc/glossary.md is used somewhere, in code or in another document; and no document
# uses a word that the glossary has another one for.
set -u
cd "${top_srcdir:?}" || exit 99
glossary=doc/glossary.md
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

find . \( -name '.?*' ! -name . -o -path './build*' \) -prune -o -type f \
	\( -name '*.md' -o -name '*.[137ch]' \) -print | sed 's|^\./||' |
	grep -vxF "$glossary" >"$work/files"
grep -E '\.(md|[137])$' "$work/files" >"$work/documents"

# "| outbox, inbox | meaning | mailbox |" to "outbox" and "inbox" in one list, "mailbox" in the other.
grep -E '^\| [a-z]' "$glossary" | grep -vE '^\| word \|' >"$work/rows"
cut -d '|' -f 2 "$work/rows" | tr ',' '\n' | sed 's/^ *//; s/ *$//' >"$work/words"
cut -d '|' -f 4 "$work/rows" | tr ',' '\n' | sed 's/^ *//; s/ *$//' | grep . >"$work/others"
[ -s "$work/words" ] || { echo "$glossary has no words"; exit 1; }

{
	while read -r word; do
		xargs grep -qiwE "$(echo "$word" | tr ' ' '.')(e?d|e?s|ing)?" <"$work/files" ||
			echo "$glossary: \"$word\" is used nowhere"
	done <"$work/words"
	while read -r other; do
		xargs grep -noiwE "${other}s?" /dev/null <"$work/documents" |
			sed 's/$/: the glossary has another word/'
	done <"$work/others"
} >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
