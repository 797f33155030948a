#!/bin/bash
# SPDX-License-Identifier: MIT
# `make check-numa` and `make check-kernels`: boots machines with several NUMA nodes, with large
# pages, or with another kernel, in qemu and runs the tests on them. A failure inside, and a guest
# that does not come to its end, is a failure here, with its output.
#   MACHINES="two_nodes_6.1 …"   only these        GUEST_TESTS="tests/unit/heap …"   only these
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
# shellcheck source=kernel.sh
. "$here/kernel.sh"
# shellcheck source=guest.sh
. "$here/guest.sh"
# shellcheck source=machines.sh
. "$here/machines.sh"
# shellcheck source=foreign.sh
. "$here/foreign.sh"

passed=0 failed=0 skipped=0 packed=

# What was asked for by name runs, whatever else is left out.
programs()
{
	local program all=${guest_tests:?}

	[ -n "$guest_is_foreign" ] && all=${foreign_tests:?}
	for program in ${GUEST_TESTS:-$all}; do
		[[ -z ${GUEST_TESTS:-} && " ${leaves_out:-} " = *" $program "* ]] || echo "$program"
	done
}

# The guest's files, unless they are there: the same for all machines of an architecture.
pack()
{
	local program build=$top_builddir library=${HAKMEM_LIB:?}

	[ "$packed" = "x$guest_is_foreign" ] && return
	if [ -n "$guest_is_foreign" ]; then
		build=$foreign_build library=$foreign_build/.libs/libhakmem.so
	fi
	rm -rf "$work/root"
	guest_begin && guest_add "$library" lib/libhakmem.so || return 1
	for program in $(programs); do
		guest_add "$build/$program" "$program" || return 1
		echo "/$program"
	done >"$work/root/commands"
	for program in "$build"/tests/contract/.libs/*.so; do	# what they load at run time
		[ ! -e "$program" ] || guest_add "$program" "tests/contract/.libs/${program##*/}" || return 1
	done
	if [ -z "$guest_is_foreign" ] && [ -x "${HAKCTL:-}" ]; then
		guest_add "$HAKCTL" bin/hakctl || return 1
	fi
	guest_seal
	packed=x$guest_is_foreign
}

count() # WORD
{
	sed -nE "s/^guest: end.* ([0-9]+) $1.*/\1/p" "$work/console"
}

report() # MACHINE
{
	echo "---- $1: $(sed -n 's/^guest: begin //p' "$work/console")"
	if ! grep -q '^guest: end ' "$work/console"; then
		cat "$work/console"
		echo "FAIL: $1: the guest did not come to its end in $run_limit_s s"
		failed=$((failed + 1))
		return
	fi
	guest_output
	passed=$((passed + $(count passed)))
	failed=$((failed + $(count failed)))
	skipped=$((skipped + $(count skipped)))
}

skip_machine() # REASON
{
	echo "SKIP: $machine: $1"
	skipped=$((skipped + 1))
}

check_machine() # MACHINE
{
	local machine=$1 options flavour

	options=$(machine_options "$machine") || { echo "no such machine: $machine"; exit 99; }
	flavour=$(machine_flavour "$machine")
	guest_is_foreign=
	[[ $flavour == *arm64* ]] && guest_is_foreign=yes
	if [ -n "$guest_is_foreign" ] && ! foreign_find; then
		skip_machine "$foreign_reason"
		return
	fi
	if ! kernel_find "${machine##*_}" "$flavour"; then
		skip_machine "$kernel_reason"
		return
	fi
	if [ -n "$guest_is_foreign" ] && ! foreign_make; then
		echo "FAIL: $machine: the programs could not be built, see $foreign_build/log"
		failed=$((failed + 1))
		return
	fi
	pack || exit 99
	guest_run "$machine" "$kernel" "$options" "OPERATIONS=${OPERATIONS:-20000} ${GUEST_VARIABLES:-}"
	report "$machine"
}

name=${CHECK_NAME:-check-numa}
machine_is_possible || { echo "SKIP: $name: $machine_reason"; exit 77; }
for machine in ${MACHINES:-two_nodes_6.1 two_nodes_6.12 four_nodes_6.12 odd_nodes_6.12 large_pages_6.12}; do
	check_machine "$machine"
done
echo "$name: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] || exit 1
[ $passed -gt 0 ] || exit 77
