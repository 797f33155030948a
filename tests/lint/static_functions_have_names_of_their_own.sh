#!/bin/sh
# SPDX-License-Identifier: MIT
# No two files of the library define a static function of the same name: a backtrace, a profile or a
# breakpoint has the name alone. Where two would, they begin with the names of their files.
set -u
cd "${top_srcdir:?}" || exit 99

# A definition begins with "static", perhaps behind an attribute, and its first line has the name
# before the first parenthesis that is not an attribute's.
find lib kmod-free-helpers -name '*.c' -exec awk '
	/^(__attribute__\(.*\)\) )?static / && !/;/ && !/=/ {
		line = $0
		gsub(/__attribute__\(\(.*\)\) /, "", line)
		if (match(line, /[ *][a-z_0-9]+\(/))
			print substr(line, RSTART + 1, RLENGTH - 2), FILENAME
	}' {} + | sort -u | awk '
	$1 == name { print file " and " $2 ": " name "()"; found = 1 }
	{ name = $1; file = $2 }
	END { exit found }'
