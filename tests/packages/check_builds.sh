#!/bin/bash
# SPDX-License-Identifier: MIT
# check_builds.sh: builds the tarball with other compilers and flags, in chroots of the distributions that
# have them, and runs some tests: a line for each of builds(). Called by `make check-builds`; needs root,
# debootstrap and mirrors ($MIRROR, $UBUNTU_MIRROR). SUITES="jammy sid": these alone.
set -u
cd "${top_builddir:?}" || exit 99
tests=${BUILD_TESTS:-tests/unit/size_class tests/unit/thread_cache tests/contract/sizes tests/contract/options tests/misuse/double_free}
needed='autoconf automake libtool make pkg-config gcc g++ libc6-dev liburing-dev libjson-c-dev libncurses-dev libnuma-dev check'

# shellcheck source=tests/packages/chroot.sh
. "${top_srcdir:?}/tests/packages/chroot.sh"

# SUITE PACKAGE(S, of them the first is the compiler) FLAGS
builds()
{
	cat <<-'END'
	bookworm gcc-12 -O2
	bookworm gcc-12 -O3 -flto
	bookworm gcc-12 -O2 -D_FORTIFY_SOURCE=3
	bookworm gcc-12 -O2 -fcf-protection=full
	bookworm gcc-12 -O0
	bookworm clang-14 -O2
	bookworm clang-16 -O3
	bullseye gcc-10 -O2
	jammy gcc-11 -O2
	jammy clang-14 -O2
	noble gcc-13 -O2
	noble clang-18 -O2
	trixie gcc-14 -O2
	trixie gcc-14 -O3 -flto -D_FORTIFY_SOURCE=3
	trixie clang-17 -O2
	trixie clang-19 -O2
	sid gcc-15 -O2
	END
}

compilers_of() # SUITE
{
	builds | awk -v suite="$1" '$1 == suite { print $2 }' | sort -u
}

# A suite's system with all of its compilers, in $CHROOTS/SUITE.builds, and the tarball unpacked there.
prepare() # SUITE
{
	local compilers

	base_of "$1" && copy_base "$1" "$1.builds" || return 1
	mapfile -t compilers < <(compilers_of "$1")
	# shellcheck disable=SC2086 # words
	inside "$1.builds" apt-get update -q && inside "$1.builds" apt-get install -y -q --no-install-recommends \
		$needed "${compilers[@]}" || return 1
	mkdir -p "$CHROOTS/$1.builds/build" && tar -C "$CHROOTS/$1.builds/build" -xzf "hakmem-$version.tar.gz"
}

# What is run inside; it ends with a line of what was found.
write_script() # SUITE
{
	cat >"$CHROOTS/$1.builds/build/one" <<-'END'
	#!/bin/sh
	# COMPILER FLAGS TESTS VERSION
	cc=$1 flags=$2 tests=$3 version=$4
	rm -rf /build/made && mkdir /build/made && cd /build/made || exit 1
	case $cc in
	gcc*) cxx=$(echo "$cc" | sed s/gcc/g++/) && tools="AR=gcc-ar NM=gcc-nm RANLIB=gcc-ranlib" ;;
	*) cxx=$(echo "$cc" | sed s/clang/clang++/) && tools= ;;
	esac
	command -v "$cxx" >/dev/null || cxx=g++
	case $flags in *-flto*) ;; *) tools= ;; esac
	../hakmem-$version/configure CC="$cc" CXX="$cxx" $tools CFLAGS="-g $flags" >configured 2>&1 ||
		{ tail -n 5 configured; echo "found: configure fails"; exit 1; }
	make -j2 >made 2>&1 || { grep -m5 -E 'error|undefined' made; echo "found: it does not build"; exit 1; }
	warnings=$(grep -c 'warning:' made)
	make -j2 check TESTS="$tests" check_PROGRAMS="$tests" check_LTLIBRARIES= >checked 2>&1 ||
		{ grep -E '^(FAIL|ERROR)|error:' checked | head -n 5; echo "found: tests fail"; exit 1; }
	grep -m3 'warning:' made
	echo "found: $($cc --version | head -n 1), $(ldd --version 2>/dev/null | head -n 1 | grep -oE '[0-9.]+$' |
		sed 's/^/glibc /'), warnings: $warnings"
	END
	chmod +x "$CHROOTS/$1.builds/build/one"
}

build_one() # SUITE COMPILER FLAGS
{
	if inside "$1.builds" /build/one "$2" "$3" "$tests" "$version" >"$work/log" 2>&1; then
		echo "ok    $1 $2 $3: $(sed -n 's/^found: //p' "$work/log")"
		passed=$((passed + 1))
	else
		echo "FAIL  $1 $2 $3: $(sed -n 's/^found: //p' "$work/log")"
		failed=$((failed + 1))
	fi
	grep -v '^found: ' "$work/log" | tail -n 8 | sed 's/^/  | /'
}

version=$(sed -n 's/^PACKAGE_VERSION = //p' Makefile)
MAKEFLAGS='' MFLAGS='' make dist >"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
for suite in ${SUITES:-$(builds | cut -d' ' -f1 | uniq)}; do
	if ! prepare "$suite" >"$work/log" 2>&1; then
		tail -n 5 "$work/log"
		echo "skip  $suite: it cannot be had"
		continue
	fi
	write_script "$suite"
	while read -r _ compiler flags; do
		build_one "$suite" "$compiler" "$flags"
	done < <(builds | grep "^$suite ")
	rm -rf "${CHROOTS:?}/$suite.builds"
done
echo "check-builds: $passed passed, $failed failed"
exit $((failed > 0))
