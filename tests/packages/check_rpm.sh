#!/bin/bash
# SPDX-License-Identifier: MIT
# check_rpm.sh: builds the RPMs of packaging/rpm/hakmem.spec out of `make dist` in a chroot of $SUITES (Debian's
# rpm and compiler: no RHEL is needed), installs them by rpm, tries them, erases them, and looks for what
# they left. Called by `make check-rpm`; needs root, debootstrap and a mirror ($MIRROR).
# shellcheck disable=SC2317,SC2016 # step calls them; inner shells expand
set -u
cd "${top_builddir:?}" || exit 99
suite=${SUITES:-bookworm}
root=$suite.rpm

# shellcheck source=tests/packages/chroot.sh
. "${top_srcdir:?}/tests/packages/chroot.sh"

prepare()
{
	copy_base "$suite" "$root" && inside "$root" apt-get update -q &&
		inside "$root" apt-get install -y -q --no-install-recommends rpm gcc g++ make pkg-config libc6-dev \
			liburing-dev libjson-c-dev libncurses-dev libnuma-dev
}

# What BuildRequires names are not dpkg's names; what they stand for is there.
build()
{
	cp "hakmem-$version.tar.gz" "$CHROOTS/$root/tmp/" &&
		inside "$root" rpmbuild -ta --nodeps "/tmp/hakmem-$version.tar.gz" &&
		mkdir "$CHROOTS/$root/tmp/packages" &&
		find "$CHROOTS/$root/root/rpmbuild/RPMS" -name '*.rpm' ! -name '*debug*' \
			-exec cp {} "$CHROOTS/$root/tmp/packages/" ';' &&
		rm -rf "$CHROOTS/$root/root/rpmbuild"
}

install_it()
{
	inside "$root" rpm --initdb && picture_without_rpm >"$work/before" &&
		inside "$root" sh -c 'rpm -i --nodeps /tmp/packages/*.rpm && ldconfig && rpm -qa'
}

# It runs a program, and one is linked with it. Debian's tools do not look where RPM's libraries lie.
try_it()
{
	inside "$root" sh -c 'hakctl version && hakctl run -o confirm:true -- sort /etc/passwd &&
		echo "#include <hakmem/hakmem.h>
			int main(void) { return !hak_version(); }" >/tmp/program.c &&
		export LD_LIBRARY_PATH=$(rpm --eval %_libdir) && export PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig &&
		cc /tmp/program.c -o /tmp/program $(pkg-config --cflags --libs hakmem) && /tmp/program &&
		rm /tmp/program /tmp/program.c'
}

# The folder of pkg-config belongs to the system where RPMs are at home.
picture_without_rpm()
{
	picture_of "$root" | grep -vE '^\./(var/lib/rpm|root/\.rpmdb|var/tmp|usr/lib64/pkgconfig d)'
}

erase_it()
{
	inside "$root" sh -c 'rpm -e --nodeps $(rpm -qa | grep -E "^(hakmem|hakctl)") && ldconfig' || return 1
	picture_without_rpm >"$work/after"
	diff "$work/before" "$work/after"
}

version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
MAKEFLAGS='' MFLAGS='' make dist >"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
base_of "$suite" || { echo "skipped: $suite cannot be had"; exit 77; }
step "what the build needs" prepare && step "the RPMs build" build &&
	step "they install" install_it && step "they serve" try_it && step "they go without a trace" erase_it
rm -rf "${CHROOTS:?}/$root"
echo "check-rpm: $passed passed, $failed failed"
exit $((failed > 0))
