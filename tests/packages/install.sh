# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For the tests in this folder: install_tree puts this build below $work/tree, by `make install`.

: "${top_srcdir:?}" "${top_builddir:?}"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
failures=0

skip()
{
	echo "skipped: $1"
	exit 77
}

wrong()
{
	failures=$((failures + 1))
	echo "$*"
}

# The make that runs this test lends neither its flags nor its job slots.
make_here() # TARGET
{
	MAKEFLAGS='' MFLAGS='' make -C "$top_builddir" "$1" DESTDIR="$work/tree" >"$work/make.log" 2>&1 || {
		cat "$work/make.log"
		exit 1
	}
}

install_tree()
{
	make_here install
	prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
	# shellcheck disable=SC2034 # of the tests
	tree=$work/tree$prefix
}
