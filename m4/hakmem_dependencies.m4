# SPDX-License-Identifier: MIT
# The libraries that hakmem builds on, found by pkg-config; configure.ac calls
# HAKMEM_DEPENDENCIES once. A library that lives in every process should not bring
# another with it, so liburing's archive is taken where it can be linked into a shared object;
# json-c and ncurses are hakctl's alone, libnuma its and the tests', Check the unit tests'. All that is missing is said at once.

m4_ifndef([PKG_CHECK_MODULES],
	[m4_fatal([pkg-config is needed to make configure (Debian: apt-get install pkg-config)])])

# HAKMEM_NEED(VARIABLE, MODULE, DEBIAN-PACKAGE, PURPOSE)
AC_DEFUN([HAKMEM_NEED], [
	PKG_CHECK_MODULES([$1], [$2],
		[AS_VAR_SET([$1_REPORT], ["`$PKG_CONFIG --modversion '$2'`"])],
		[hakmem_missing="$hakmem_missing $3"
		 hakmem_purposes="$hakmem_purposes${hakmem_purposes:+, }$2 for $4"])
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

# liburing before 2.3 does not look for completions that wait to be asked for, and lacks
# calls that are used here. Without it there is no ring: memory goes back by process_madvise.
AC_DEFUN([HAKMEM_RING], [
	PKG_CHECK_MODULES([LIBURING], [liburing],
		[LIBURING_REPORT=`$PKG_CONFIG --modversion liburing`], [LIBURING_REPORT=])
	AC_MSG_CHECKING([whether liburing has what is needed])
	hakmem_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS $LIBURING_CFLAGS -Werror=implicit-function-declaration"
	AS_IF([test -n "$LIBURING_REPORT"], [
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
			#include <liburing.h>
			unsigned int flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
			]], [[
			struct io_uring ring;
			struct io_uring_sqe entry = { .addr3 = 0 };
			struct io_uring_cqe *done;
			io_uring_submit_and_wait_timeout(&ring, &done, 1, (void *)0, (void *)0);
			io_uring_prep_cancel64(&entry, 0, IORING_ASYNC_CANCEL_ANY);
			]])], [hakmem_ring=yes], [hakmem_ring="no: it is too old"])
	], [hakmem_ring="no: there is none"])
	CFLAGS=$hakmem_saved_CFLAGS
	AC_MSG_RESULT([$hakmem_ring])
	AS_IF([test "$hakmem_ring" = yes], [
		LIBURING_LDADD=-luring
		HAKMEM_PREFER_ARCHIVE([LIBURING], [liburing], [liburing.h],
			[struct io_uring ring; io_uring_queue_init(8, &ring, 0)])
	], [
		LIBURING_CFLAGS='-I$(top_srcdir)/kmod-free-helpers/ringless'
		LIBURING_LIBS=
		LIBURING_LDADD=
		LIBURING_REPORT="$LIBURING_REPORT, no ring (${hakmem_ring#no: }; 2.3 has it): memory goes back by process_madvise"
		LIBURING_REPORT=${LIBURING_REPORT#, }
	])
	# Where the archive is not joined with ours, who links statically names it too.
	AS_CASE([$LIBURING_LIBS], [*.a], [LIBURING_PRIVATE=], [LIBURING_PRIVATE=$LIBURING_LIBS])
	AC_SUBST([LIBURING_PRIVATE])
	AC_SUBST([LIBURING_LDADD])
])

# libnuma has no module file before 2.0.13 (Debian 10). It serves the tool and the tests; the
# library reads what it needs of nodes itself: see lib/os/topology.h.
AC_DEFUN([HAKMEM_NUMA], [
	NUMA_CFLAGS=
	NUMA_LIBS=-lnuma
	NUMA_REPORT=yes
	AC_CHECK_HEADER([numa.h], [], [NUMA_REPORT=])
	AC_CHECK_LIB([numa], [numa_node_size64], [:], [NUMA_REPORT=])
	AS_IF([test -z "$NUMA_REPORT" && test "$with_hakctl" = yes],
		[hakmem_missing="$hakmem_missing libnuma-dev"
		 hakmem_purposes="$hakmem_purposes${hakmem_purposes:+, }libnuma for hakctl numa (or --without-hakctl)"])
	AC_SUBST([NUMA_CFLAGS])
	AC_SUBST([NUMA_LIBS])
])

AC_DEFUN([HAKMEM_DEPENDENCIES], [
	hakmem_missing=
	hakmem_purposes=
	PKG_PROG_PKG_CONFIG
	AS_IF([test -z "$PKG_CONFIG"],
		[AC_MSG_ERROR([pkg-config was not found. On Debian and Ubuntu: apt-get install pkg-config])])
	HAKMEM_RING
	AS_IF([test "$enable_tests" = yes],
		[HAKMEM_NEED([CHECK], [check], [check], [the unit tests (or --disable-tests)])],
		[CHECK_REPORT="not needed: --disable-tests"])
	AS_IF([test "$with_hakctl" = yes], [
		HAKMEM_NEED([JSON_C], [json-c], [libjson-c-dev], [the JSON of hakctl (or --without-hakctl)])
		HAKMEM_NEED([NCURSES], [ncursesw], [libncurses-dev], [hakctl top (or --without-hakctl)])
		PKG_CHECK_MODULES([LIBDW], [libdw zlib],
			[AC_DEFINE([HAVE_LIBDW], [1], [elfutils and zlib: names of functions in profiles])
			 LIBDW_REPORT=yes],
			[LIBDW_REPORT="no: hakctl profile will not know names of functions (libdw-dev, zlib1g-dev)"])
	], [
		LIBDW_REPORT="not needed: --without-hakctl"
		JSON_C_REPORT="not needed: --without-hakctl"
		NCURSES_REPORT=$JSON_C_REPORT
	])
	AS_IF([test "$with_hakctl$enable_tests" = nono],
		[NUMA_REPORT="not needed: --without-hakctl --disable-tests"], [HAKMEM_NUMA])
	AM_CONDITIONAL([HAVE_NUMA], [test "$NUMA_REPORT" = yes])
	AS_IF([test -n "$hakmem_missing"],
		[AC_MSG_ERROR([not found: $hakmem_purposes. On Debian and Ubuntu: apt-get install$hakmem_missing])])
])
