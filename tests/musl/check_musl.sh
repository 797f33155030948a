#!/bin/bash
# SPDX-License-Identifier: MIT
# check_musl.sh: builds the library and its tests with musl-gcc into ./musl of the build tree, and runs these.
# Debian's musl has no kernel headers and no Check; the first are the system's, the second is built from
# Debian's source ($MIRROR). Called by `make check-musl`. TESTS="tests/contract/sizes": these alone.
set -u
: "${top_srcdir:?}"
cd "${top_builddir:?}" || exit 99
mirror=${MIRROR:-http://deb.debian.org/debian}
check_version=0.15.2
check_sum=8451b68ac5d6f3157b24f22eceff575bcf566264f6d78f3852f89d4e08cf42e1
passed=0 failed=0 skipped=0
# What was said to the make that calls this (CC=...) is not meant for this build.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES

command -v musl-gcc >/dev/null || { echo "skipped: no musl-gcc (Debian: musl-tools)"; exit 77; }
mkdir -p musl/kernel && cd musl || exit 99

# TEST REASON: what musl does not have.
left_out()
{
	case $1 in
	*/audit) echo "musl has no LD_AUDIT" ;;
	*/deepbind) echo "musl has neither RTLD_DEEPBIND nor dlmopen" ;;
	*/before_main) echo "musl has no indirect functions" ;;
	*/dlclose) echo "musl never unloads, and opens no library with such thread-local storage later" ;;
	*/thread_exit) echo "musl has no __cxa_thread_atexit_impl" ;;
	*/fork) echo "its children are this system's programs, which are not musl's" ;;
	*/linked | */forms) echo "a script's" ;;
	*) return 1 ;;
	esac
}

# PROGRAM CASE REASON, of single cases; one that passes all the same is named.
known_cases()
{
	cat <<-'END'
	tests/contract/marked mprotect_answers_as_it_does musl's mprotect rounds the address itself
	tests/misuse/foreign_pointer pointers_to_stack_data_mappings_and_code_abort musl's sbrk gives nothing
	tests/populate/children vfork_and_spawn_leave_the_helper_alone its children are this system's programs
	tests/populate/children a_process_ends_with_the_last_of_its_own_threads nor does it with musl's own malloc
	tests/populate/ends the_helper_of_an_init_stays_when_its_child_is_one_too its child is this system's program
	tests/populate/ends the_helper_stays_when_a_child_calls_exec its child is this system's program
	tests/populate/unseen output_of_the_last_thread_is_whole its children are this system's programs
	tests/populate/unseen a_program_that_calls_exec_is_left_alone it becomes one of this system's programs
	END
}

# PROGRAM, with its output in ./log. True: each case that failed is known; those are told.
failed_as_known()
{
	local name reason code=0

	while read -r name; do
		reason=$(known_cases | sed -n "s|^[[:space:]]*$1 $name ||p")
		[ -n "$reason" ] || code=1
		[ -z "$reason" ] || echo "skip  $1, $name: $reason"
	done < <(sed -nE 's/^FAIL ([a-z_0-9]+):.*/\1/p' log)
	return $code
}

kernel_headers()
{
	local folder machine

	machine=$(${CC:-cc} -dumpmachine)
	for folder in linux asm-generic mtd; do
		ln -sfn "/usr/include/$folder" kernel/$folder
	done
	ln -sfn "/usr/include/$machine/asm" kernel/asm
}

make_check()
{
	local archive=check_$check_version.orig.tar.gz

	[ -e check/lib/libcheck.a ] && return
	[ -e $archive ] || curl -sfLO "$mirror/pool/main/c/check/$archive" || return 1
	echo "$check_sum  $archive" | sha256sum -c --quiet || return 1
	rm -rf check-$check_version && tar -xzf $archive && cd check-$check_version || return 1
	./configure CC=musl-gcc --disable-shared --disable-subunit --prefix="$PWD/../check" &&
		make -C lib && make -C src install || return 1
	cp check_stdint.h ../check/include/ && mkdir -p ../check/lib/pkgconfig && cp check.pc ../check/lib/pkgconfig/
	cd ..
}

build()
{
	[ -e Makefile ] && [ Makefile -nt ../Makefile ] && return
	"$top_srcdir/configure" --without-hakctl CC="${MUSL_CC:-musl-gcc}" CXX=no CFLAGS="-g -O2 -fPIE" \
		LDFLAGS=-Wl,-z,dynamic-undefined-weak \
		CPPFLAGS="-I$top_srcdir/tests/musl -idirafter $PWD/kernel" PKG_CONFIG_LIBDIR="$PWD/check/lib/pkgconfig"
}

programs()
{
	local kind

	for kind in contract unit misuse release populate kernel control; do
		# shellcheck disable=SC2016 # make's
		printf 'print:\n\t@echo $(%s_tests)\n' $kind | make -s -f Makefile -f - print
	done | tr ' ' '\n' | grep . | sort -u
}

run() # PROGRAM
{
	local code

	HAKMEM_LIB=$PWD/.libs/libhakmem.so top_builddir=$PWD timeout "${TEST_LIMIT_S:-300}" "$1" >log 2>&1 </dev/null
	code=$?
	case $code in
	0) passed=$((passed + 1)) && echo "ok    $1" ;;
	77) skipped=$((skipped + 1)) && echo "skip  $1: $(tail -n 1 log)" ;;
	*)
		[ $code -ne 1 ] || ! failed_as_known "$1" ||
			{ passed=$((passed + 1)) && echo "ok    $1, the others" && return; }
		failed=$((failed + 1))
		echo "FAIL  $1: exit $code"
		grep -v '^ok' log | tail -n 10 | sed 's/^/  | /'
		;;
	esac
}

# Those that tests preload and open, too.
{ kernel_headers && make_check && build &&
	make -j2 libhakmem.la tests/contract/interposer.la tests/contract/plugin.la tests/contract/libatfork.la; } >build.log 2>&1 ||
	{ tail -n 20 build.log; exit 1; }
for program in ${TESTS:-$(programs)}; do
	if reason=$(left_out "$program"); then
		echo "skip  $program: $reason"
		skipped=$((skipped + 1))
	elif make -s -j2 "$program" >build.log 2>&1; then
		run "$program"
	else
		echo "FAIL  $program: it does not build"
		tail -n 10 build.log
		failed=$((failed + 1))
	fi
done
echo "check-musl: $passed passed, $failed failed, $skipped skipped"
exit $((failed > 0))
