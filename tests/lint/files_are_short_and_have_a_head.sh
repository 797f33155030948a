#!/bin/sh
# SPDX-License-Identifier: MIT
# A source file has at most 450 lines, a test's 480, and says its licence in its first three. A function of the
# library or of hakctl has at most 40 lines, one that is a switch at most 60.
set -u
cd "${top_srcdir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

for folder in lib kmod-free-helpers hakctl include tests bench; do
	[ -d "$folder" ] && find "$folder" -type f \( -name '*.[ch]' -o -name '*.cc' -o \
		-name '*.sh' -o -name '*.py' -o -name '*.am' -o -name '*.map' \)
done >"$work/files"
ls -d configure.ac Makefile.am quickstart .ci/run m4/hakmem_*.m4 >>"$work/files" || exit 1

while read -r file; do
	lines=$(wc -l <"$file")
	case $file in
	tests/* | bench/*) most_lines=480 ;;
	*) most_lines=450 ;;
	esac
	[ "$lines" -le $most_lines ] || echo "$file: $lines lines; $most_lines at most"
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$file: no SPDX line at its head"
done <"$work/files" >"$work/problems"
for folder in lib kmod-free-helpers hakctl; do
	[ -d "$folder" ] && find "$folder" -name '*.[ch]' -exec awk '
		/^{$/ { start = FNR; name = before; switches = 0 }
		/\tswitch \(/ { switches = 1 }
		/^}$/ && start {
			lines = FNR - start - 1
			if (lines > 60 || (lines > 40 && !switches))
				print FILENAME ": " lines " lines: " name
			start = 0
		}
		{ before = $0 }' {} +
done >>"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
