# SPDX-License-Identifier: MIT
# HAKMEM_PATH([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND], [MODULE])
#
# Looks for hakmem with pkg-config. MODULE: hakmem (replaces malloc; the default) or hakmem-api (hak_*
# alone). Sets HAKMEM_CFLAGS and HAKMEM_LIBS. Without ACTION-IF-NOT-FOUND configure ends.
AC_DEFUN([HAKMEM_PATH], [
	AC_REQUIRE([PKG_PROG_PKG_CONFIG])
	PKG_CHECK_MODULES([HAKMEM],
		[m4_default([$4], [hakmem])[]m4_ifnblank([$1], [ >= $1])],
		[m4_default([$2], [:])],
		[m4_default([$3], [AC_MSG_ERROR([hakmem$1 was not found by pkg-config])])])
])
