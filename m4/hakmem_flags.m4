# SPDX-License-Identifier: MIT
# Compiler and linker flags: each is tried before it is used, so that another compiler
# gets what it knows. configure.ac calls HAKMEM_FLAGS once.

# HAKMEM_TRY_CFLAGS(VARIABLE, FLAGS): append each of FLAGS that the compiler accepts.
AC_DEFUN([HAKMEM_TRY_CFLAGS], [
	for hakmem_flag in m4_normalize([$2]); do
		hakmem_saved=$CFLAGS
		# -Werror: some compilers only warn of a flag that they do not know.
		CFLAGS="-Werror $hakmem_flag"
		AC_MSG_CHECKING([whether $CC accepts $hakmem_flag])
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
			[AC_MSG_RESULT([yes]); $1="$$1 $hakmem_flag"],
			[AC_MSG_RESULT([no])])
		CFLAGS=$hakmem_saved
	done
])

# HAKMEM_TRY_LDFLAGS(VARIABLE, FLAGS): append each of FLAGS that links a shared object.
AC_DEFUN([HAKMEM_TRY_LDFLAGS], [
	for hakmem_flag in m4_normalize([$2]); do
		hakmem_saved=$LDFLAGS
		LDFLAGS="$LDFLAGS -shared -fPIC $hakmem_flag"
		AC_MSG_CHECKING([whether the linker accepts $hakmem_flag])
		AC_LINK_IFELSE([AC_LANG_SOURCE([[int linked; int linked_too(void) { return linked; }
			int linked_too(void);]])],
			[AC_MSG_RESULT([yes]); $1="$$1 $hakmem_flag"],
			[AC_MSG_RESULT([no])])
		LDFLAGS=$hakmem_saved
	done
])

AC_DEFUN([HAKMEM_FLAGS], [
	# For everything that is compiled here.
	HAKMEM_CFLAGS="-std=gnu11"
	HAKMEM_TRY_CFLAGS([HAKMEM_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes
		-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings
		-Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wlogical-op
		-Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wnested-externs
		-Wredundant-decls -Wdate-time])
	# A compiler that knows malloc by name drops calls that a test is there to make,
	# and turns our own malloc + memset into a call of calloc.
	HAKMEM_TRY_CFLAGS([HAKMEM_CFLAGS], [-fno-builtin-malloc -fno-builtin-calloc
		-fno-builtin-realloc -fno-builtin-free])
	AS_IF([test "$enable_werror" = yes], [HAKMEM_CFLAGS="$HAKMEM_CFLAGS -Werror"])

	HAKMEM_LDFLAGS=
	AS_IF([test "$enable_sanitizer" != no], [
		hakmem_sanitizer=-fsanitize=$enable_sanitizer
		hakmem_saved=$CFLAGS
		CFLAGS=$hakmem_sanitizer
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [],
			[AC_MSG_ERROR([$CC cannot link with $hakmem_sanitizer])])
		CFLAGS=$hakmem_saved
		HAKMEM_CFLAGS="$HAKMEM_CFLAGS $hakmem_sanitizer -fno-omit-frame-pointer"
		HAKMEM_CFLAGS="$HAKMEM_CFLAGS -fno-sanitize-recover=all"
		HAKMEM_LDFLAGS="$HAKMEM_LDFLAGS $hakmem_sanitizer"
	])

	# For the library only. initial-exec: the general model calls __tls_get_addr,
	# which may allocate, in the middle of an allocation.
	HAKMEM_LIB_CFLAGS=
	HAKMEM_TRY_CFLAGS([HAKMEM_LIB_CFLAGS], [-fvisibility=hidden
		-ftls-model=initial-exec -fno-semantic-interposition -fno-plt -fdata-sections])

	# nodelete: blocks outlive a dlclose. now: a lazy binding may allocate.
	# noseparate-code: two mappings fewer to set up in every process.
	# sort-section: what is small and written shares pages (SPARSE, compiler.h).
	HAKMEM_LIB_LDFLAGS=
	HAKMEM_TRY_LDFLAGS([HAKMEM_LIB_LDFLAGS], [-Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro
		-Wl,-z,noseparate-code -Wl,-Bsymbolic-functions -Wl,--as-needed
		-Wl,--sort-section=alignment])
	# A sanitizer's run-time names are resolved in the program, not here.
	AS_IF([test "$enable_sanitizer" = no],
		[HAKMEM_TRY_LDFLAGS([HAKMEM_LIB_LDFLAGS], [-Wl,-z,defs])])

	AC_SUBST([HAKMEM_CFLAGS])
	AC_SUBST([HAKMEM_LDFLAGS])
	AC_SUBST([HAKMEM_LIB_CPPFLAGS])
	AC_SUBST([HAKMEM_LIB_CFLAGS])
	AC_SUBST([HAKMEM_LIB_LDFLAGS])
])
