#!/bin/sh
# SPDX-License-Identifier: MIT
# pkg-config, CMake and autoconf find the library where it was installed, and a program that each of
# them links has its malloc, or keeps its own. The tree may have been moved since.
set -u
. "$(dirname "$0")/install.sh"
grep -qE '__[at]san_init' "${HAKMEM_LIB:?}" && skip "such a library is not for other programs"
for tool in cc pkg-config cmake autoconf aclocal; do
	command -v $tool >/dev/null || skip "no $tool"
done
install_tree
mv "$work/tree" "$work/moved"
tree=$work/moved$prefix
export PKG_CONFIG_SYSROOT_DIR="$work/moved" PKG_CONFIG_PATH="$tree/lib/pkgconfig" AUTOPKGTEST_TMP="$work/run"
export LD_LIBRARY_PATH="$tree/lib" CMAKE_PREFIX_PATH="$tree"
mkdir "$AUTOPKGTEST_TMP"
sh "$top_srcdir/debian/tests/link" >"$work/log" 2>&1 || wrong "pkg-config or CMake: $(cat "$work/log")"

# A version that there is not yet is not found.
mkdir "$work/later"
printf '%s\n' 'cmake_minimum_required(VERSION 3.10)' 'project(later C)' 'find_package(hakmem 99 REQUIRED)' \
	>"$work/later/CMakeLists.txt"
cmake -S "$work/later" -B "$work/later/made" >"$work/log" 2>&1 && wrong "CMake finds version 99"

mkdir "$work/auto"
cd "$work/auto" || exit 99
cat >configure.ac <<'AC'
AC_INIT([program], [1])
AC_PROG_CC
HAKMEM_PATH([99], [has_later=yes], [has_later=no])
HAKMEM_PATH([0.1], [has_hakmem=yes], [has_hakmem=no], [hakmem-api])
AC_MSG_NOTICE([found: $has_hakmem $has_later $HAKMEM_LIBS])
AC_OUTPUT
AC
{ aclocal -I "$tree/share/aclocal" && autoconf && ./configure; } >"$work/log" 2>&1
grep -q 'found: yes no .*-lhakmem-api' "$work/log" || wrong "autoconf: $(cat "$work/log")"
exit $((failures > 0))
