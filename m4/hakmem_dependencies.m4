# SPDX-License-Identifier: MIT
# The libraries that hakmem builds on, found by pkg-config; configure.ac calls
# HAKMEM_DEPENDENCIES once. A library that lives in every process should not bring two
# more with it, so an archive is taken where it can be linked into a shared object; json-c
# and ncurses are hakctl's alone.

m4_ifndef([PKG_CHECK_MODULES],
	[m4_fatal([pkg-config is needed to make configure (Debian: apt-get install pkg-config)])])

# HAKMEM_NEED(VARIABLE, MODULE, DEBIAN-PACKAGE, PURPOSE)
AC_DEFUN([HAKMEM_NEED], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[AC_MSG_ERROR([$2 was not found: hakmem needs it for $4. On Debian and Ubuntu: apt-get install $3])])
	AS_VAR_SET([$1_REPORT], ["`$PKG_CONFIG --modversion '$2'`"])
])

# HAKMEM_PREFER_ARCHIVE(VARIABLE, LIBRARY, HEADER, CALL): replace VARIABLE_LIBS by the
# archive if a shared object can be linked with it. Its names stay out of our exports.
AC_DEFUN([HAKMEM_PREFER_ARCHIVE], [
	AC_MSG_CHECKING([whether $2.a can be linked into a shared object])
	hakmem_archive=`$CC $CFLAGS -print-file-name=$2.a`
	hakmem_saved_CFLAGS=$CFLAGS
	hakmem_saved_LIBS=$LIBS
	hakmem_saved_LDFLAGS=$LDFLAGS
	CFLAGS="$CFLAGS $$1_CFLAGS"
	LDFLAGS="$LDFLAGS -shared -fPIC -Wl,-z,defs -Wl,-z,text"
	LIBS="-Wl,$hakmem_archive -Wl,--exclude-libs,$2.a"
	AS_IF([test -e "$hakmem_archive"], [
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
			#include <$3>
			void use(void);
			void use(void) { $4; }]])],
			[hakmem_archive_links=yes], [hakmem_archive_links="no: it is not position-independent"])
	], [hakmem_archive_links="no: there is none"])
	CFLAGS=$hakmem_saved_CFLAGS
	LDFLAGS=$hakmem_saved_LDFLAGS
	AS_IF([test "$hakmem_archive_links" = yes], [
		$1_LIBS=$LIBS
		$1_REPORT="$$1_REPORT, linked statically"
	], [$1_REPORT="$$1_REPORT, linked dynamically (statically $hakmem_archive_links)"])
	LIBS=$hakmem_saved_LIBS
	AC_MSG_RESULT([$hakmem_archive_links])
])

AC_DEFUN([HAKMEM_DEPENDENCIES], [
	PKG_PROG_PKG_CONFIG
	AS_IF([test -z "$PKG_CONFIG"],
		[AC_MSG_ERROR([pkg-config was not found. On Debian and Ubuntu: apt-get install pkg-config])])
	HAKMEM_NEED([LIBURING], [liburing], [liburing-dev], [giving memory back in batches])
	HAKMEM_NEED([NUMA], [numa], [libnuma-dev], [the machine's NUMA nodes])
	HAKMEM_NEED([CHECK], [check], [check], [the unit tests])
	HAKMEM_NEED([JSON_C], [json-c], [libjson-c-dev], [the JSON of hakctl])
	HAKMEM_NEED([NCURSES], [ncursesw], [libncurses-dev], [hakctl top])
	HAKMEM_PREFER_ARCHIVE([LIBURING], [liburing], [liburing.h],
		[struct io_uring ring; io_uring_queue_init(8, &ring, 0)])
	HAKMEM_PREFER_ARCHIVE([NUMA], [libnuma], [numa.h], [numa_available()])
])
