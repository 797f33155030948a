#!/bin/bash
# SPDX-License-Identifier: MIT
# check_debian.sh: builds the Debian packages out of `make dist` in a clean chroot of each of $SUITES, asks
# lintian, installs them in a fresh one, runs debian/tests there, purges them, and looks for what they left.
# Needs root, debootstrap and a mirror ($MIRROR). Called by `make check-packages`.
# shellcheck disable=SC2317 # step calls them
set -u
cd "${top_builddir:?}" || exit 99
SUITES=${SUITES:-bookworm trixie}
ours='hakctl libhakmem1 libhakmem-dev hakmem-doc'

# shellcheck source=tests/packages/chroot.sh
. "${top_srcdir:?}/tests/packages/chroot.sh"

install_there() # CHROOT PACKAGE...
{
	local chroot=$1
	shift
	inside "$chroot" apt-get update -q && inside "$chroot" apt-get install -y -q --no-install-recommends "$@"
}

# Debian's part of the tarball is the packager's, not the upstream's.
make_source()
{
	version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
	MAKEFLAGS='' MFLAGS='' make dist && tar -C "$work" -xzf "hakmem-$version.tar.gz" &&
		mv "$work/hakmem-$version/debian" "$work/debian" &&
		tar -C "$work" -czf "$work/hakmem_$version.orig.tar.gz" "hakmem-$version"
}

build_packages() # CHROOT
{
	local folder=$CHROOTS/$1/build

	mkdir -p "$folder" && cp "$work"/hakmem_*.orig.tar.gz "$folder" &&
		cp -R "$work/hakmem-$version" "$work/debian" "$folder" && mv "$folder/debian" "$folder/hakmem-$version" &&
		inside "$1" apt-get build-dep -y -q --no-install-recommends "/build/hakmem-$version" &&
		inside "$1" sh -c "cd /build/hakmem-$version && dpkg-buildpackage -us -uc -j2"
}

# No bug of Debian's asked for these packages.
ask_lintian() # CHROOT
{
	inside "$1" sh -c 'cd /build && lintian --allow-root --fail-on error,warning --tag-display-limit 0 \
		--suppress-tags initial-upload-closes-no-bugs *.changes'
}

# Each test of debian/tests/control, after what it depends on.
run_tests() # CHROOT
{
	local tests=$top_srcdir/debian/tests test

	while read -r test; do
		cp "$tests/$test" "$CHROOTS/$1/tmp/packages/" &&
			step "debian/tests/$test" inside "$1" sh -c \
				"mkdir -p /tmp/packages/$test.d && AUTOPKGTEST_TMP=/tmp/packages/$test.d /tmp/packages/$test"
	done < <(sed -n 's/^Tests: //p' "$tests/control")
}

others_that_tests_need()
{
	sed -n 's/^Depends: //p' "$top_srcdir/debian/tests/control" | tr ',' '\n' | tr -d ' ' |
		grep -vxE "${ours// /|}" | sort -u
}

purged_without_trace() # CHROOT
{
	# shellcheck disable=SC2086 # names of packages
	inside "$1" apt-get purge -y -q --autoremove $ours || return 1
	picture_of "$1" >"$work/after"
	diff "$work/before" "$work/after"
}

check_suite()
{
	base_of "$suite" || { echo "skipped: $suite cannot be had"; return; }
	copy_base "$suite" "$suite.build"
	step "what the build needs" install_there "$suite.build" lintian build-essential || return
	step "the packages build" build_packages "$suite.build" || return
	step "lintian is content" ask_lintian "$suite.build"

	copy_base "$suite" "$suite.fresh"
	# shellcheck disable=SC2046 # names of packages
	step "what the tests need" install_there "$suite.fresh" $(others_that_tests_need) || return
	mkdir "$CHROOTS/$suite.fresh/tmp/packages"
	picture_of "$suite.fresh" >"$work/before"
	cp "$CHROOTS/$suite.build"/build/*.deb "$CHROOTS/$suite.fresh/tmp/packages/"
	# shellcheck disable=SC2016 # the inner shell expands it
	step "the packages install" inside "$suite.fresh" \
		sh -c 'apt-get install -y -q --no-install-recommends $(ls /tmp/packages/*.deb | grep -v dbgsym)' || return
	run_tests "$suite.fresh"
	step "they purge without a trace" purged_without_trace "$suite.fresh"
	rm -rf "${CHROOTS:?}/$suite.build" "${CHROOTS:?}/$suite.fresh"
}

suite=tarball
step "make dist" make_source || exit 1
for suite in $SUITES; do
	check_suite
done
echo "check-packages: $passed passed, $failed failed"
exit $((failed > 0))
