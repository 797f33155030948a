#!/bin/sh
# SPDX-License-Identifier: MIT
# A static program linked with libhakmem.a has its malloc, threads and children; with libhakmem-api.a it
# keeps the C library's. Both as pkg-config says, and both with and without a fixed address. None
# of the library's inner names is global, so a program may have the same.
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
source=${top_srcdir:?}/tests/contract/forms.c

command -v cc >/dev/null || { echo "skipped: no cc (Debian: gcc)"; exit 77; }
if grep -qE '__[at]san_init' "${HAKMEM_LIB:?}"; then
	echo "skipped: a sanitizer cannot be linked statically"
	exit 77
fi
echo 'int main(void) { return 0; }' >"$work/empty.c"
cc -static -o "$work/empty" "$work/empty.c" 2>/dev/null ||
	{ echo "skipped: this C library cannot be linked statically"; exit 77; }

flags_of() # NAME
{
	sed -n 's/^Libs\.private: //p' "${top_builddir:?}/lib/$1.pc"
}

for name in hakmem hakmem-api; do
	nm -g --defined-only "$top_builddir/lib$name.a" |
		awk 'NF == 3 && $3 ~ /^(slab|malloc_slow|options|reservation|io_uring)/ { print; found = 1 }
			END { exit !found }' && { echo "lib$name.a: inner names are global"; exit 1; }
	for form in -static -static-pie; do
		# shellcheck disable=SC2046 # each word is a flag
		cc -O1 -fno-builtin $form -I"$top_srcdir/include" "$source" -o "$work/program" \
			-L"$top_builddir" -l$name $(flags_of $name) -pthread ||
			{ echo "$form, lib$name.a: it does not link"; exit 1; }
		wanted=replaced
		[ $name = hakmem ] || wanted=kept
		"$work/program" $wanted || { echo "$form, lib$name.a: ended with $?"; exit 1; }
	done
done
