#!/bin/bash
# SPDX-License-Identifier: MIT
# Every system call that hakmem makes in a server's life stands in hakmem(7), in the part of the
# tasks that make it, as do the words of its arguments that a seccomp filter may look at. What
# the same program calls with the C library's own allocator is the program's, not ours. The helper
# is not followed by a tracer; its own filter says what it may call, and refuses the rest.
set -u
cd "${top_builddir:?}" || exit 99
page=${top_srcdir:?}/doc/hakmem.7
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
cases=(a_server_is_served_with_a_helper_from_the_first_block a_server_is_served)

command -v strace >/dev/null || { echo "# skipped: no strace (Debian: apt-get install strace)"; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo "# skipped: strace may not trace here"; exit 77; }

# The names of calls, and for some the words in capitals of the argument that decides.
words_of() # LOG
{
	sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p
		s/^[0-9]+ +madvise\([^,]*, [^,]*, ([A-Z_]+).*/\1/p
		s/^[0-9]+ +process_madvise\(.*, (MADV_[A-Z_]+).*/\1/p
		s/^[0-9]+ +ioctl\([0-9]+, (UFFDIO_[A-Z]+|USERFAULTFD_[A-Z_]+).*/\1/p
		s/^[0-9]+ +(prctl|membarrier)\(([A-Z_]+).*/\2/p
		s/^[0-9]+ +mremap\(.*, ([A-Z_]+\|[A-Z_|]+),.*/\1/p
		s/^[0-9]+ +(close_range|userfaultfd)\(.*[ (]([A-Z_]+[A-Z_|]+)\).*/\2/p' "$1" |
		tr '|' '\n' | sort -u
}

trace() # LOG LIBRARY OPTIONS
{
	: >"$1"
	for case in "${cases[@]}"; do
		# The cases ask for their options themselves; these are for those that do not.
		strace -f -qq -o "$work/log" env HAKMEM_LIB="$2" CONTRACT_OPTIONS="$3" \
			tests/refused/survival "$case" >"$work/said" 2>&1 ||
			{ cat "$work/said"; exit 1; }
		cat "$work/log" >>"$1"
	done
}

own=$(ldd tests/refused/survival | sed -nE 's/.*=> (.*libc\.so\.6) .*/\1/p')
trace "$work/plain.log" "$own" ''
trace "$work/hakmem.log" "${HAKMEM_LIB:?}" ''
words_of "$work/plain.log" >"$work/plain"
mv "$work/hakmem.log" "$work/program.log"

# Roff's markup apart, a word stands alone; a hyphen is \-.
listed() # FROM TO: headings
{
	sed -n "/^\.S[HS] $1/,/^\.S[HS] $2/p" "$page" | sed 's/\\-/-/g' | tr -c 'A-Za-z0-9_\n' '\n'
}

failed=0
missing_from() # WHO FILE: what the log has, and neither the plain program's nor the file
{
	local word

	words_of "$work/$1.log" | comm -23 - "$work/plain" | comm -23 - "$2" >"$work/missing"
	while read -r word; do
		echo "not in hakmem(7), by $1: $word: $(grep -m1 -w "$word" "$work/$1.log")"
		failed=1
	done <"$work/missing"
}

{ listed HARDENED SYSTEM; listed "By the program" "By the helper"; } | sort -u >"$work/of_program"
listed "By the helper" LIMITS | sort -u >"$work/of_helper"
missing_from program "$work/of_program"

sed -nE '/^static const uint16_t calls_of/,/^};/p; /put_unless_(skip|executable)\(.*SYS_/p' \
	"$top_srcdir/lib/sandbox/confine.c" | grep -o 'SYS_[a-z0-9_]*' | sed 's/^SYS_//' | sort -u >"$work/allowed"
[ "$(wc -l <"$work/allowed")" -gt 40 ] || { echo "the filter's calls were not found"; exit 1; }
comm -23 "$work/allowed" "$work/of_helper" >"$work/missing"
while read -r word; do
	echo "not in hakmem(7), by the helper: $word"
	failed=1
done <"$work/missing"
exit $failed
