#!/bin/sh
# SPDX-License-Identifier: MIT
# What `make dist` packs is what the repository has: no committed file is left out.
set -u
cd "${top_builddir:?}" || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99

# ls-files asks the index; a tarball unpacked inside some other repository is not ours.
if ! [ -e "${top_srcdir:?}/.git" ] ||
	! git -c safe.directory='*' -C "$top_srcdir" ls-files >"$work/committed" 2>"$work/why"; then
	echo "skipped: $top_srcdir is not a git checkout, or there is no git"
	exit 77
fi
if ! [ -s "$work/committed" ]; then
	echo "skipped: nothing is committed yet"
	exit 77
fi
# The make that runs this test lends us neither its flags nor its job slots.
MAKEFLAGS='' MFLAGS='' make distdir distdir="$work/tarball" >"$work/output" 2>&1 || {
	cat "$work/output"
	exit 1
}
while read -r file; do
	# What was removed and not yet committed is no loss.
	[ -e "$work/tarball/$file" ] || ! [ -e "$top_srcdir/$file" ] || echo "not in the tarball: $file"
done <"$work/committed" >"$work/problems"
cat "$work/problems"
! [ -s "$work/problems" ]
