#!/bin/bash
# SPDX-License-Identifier: MIT
# `make check-numa`: boots machines with several NUMA nodes in qemu, without hardware help, and
# runs the tests on them. A failure inside, and a guest that does not come to its end, is a
# failure here, with its output.
#   MACHINES="two_nodes_6.1 …"   only these        GUEST_TESTS="tests/unit/heap …"   only these
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
kernels=${GUEST_KERNELS:-${top_builddir:?}/tests/numa/kernels}
# shellcheck source=kernel.sh
. "$here/kernel.sh"
# shellcheck source=guest.sh
. "$here/guest.sh"

skip()
{
	echo "SKIP: check-numa: $*"
	exit 77
}

memory() # NODE MIB
{
	echo "-object memory-backend-ram,id=m$1,size=${2}M"
}

# What qemu is told, for each machine: its name ends with the kernel's series.
options_of() # MACHINE
{
	case $1 in
	two_nodes_*)
		echo "-smp 4 -m 1536M $(memory 0 768) $(memory 1 768)
			-numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1,cpus=2-3" ;;
	four_nodes_*)	# in a ring: a node's nearest are its neighbours, 0 and 2 are far apart
		echo "-smp 4 -m 1536M $(memory 0 384) $(memory 1 384) $(memory 2 384) $(memory 3 384)
			-numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1
			-numa node,memdev=m2,cpus=2 -numa node,memdev=m3,cpus=3
			-numa dist,src=0,dst=1,val=16 -numa dist,src=1,dst=2,val=16
			-numa dist,src=2,dst=3,val=16 -numa dist,src=0,dst=3,val=18
			-numa dist,src=0,dst=2,val=32 -numa dist,src=1,dst=3,val=32" ;;
	odd_nodes_*)	# 0 is whole, 1 has memory only, 2 has CPUs only and is nearer to 1
		echo "-smp 4 -m 1G $(memory 0 512) $(memory 1 512)
			-numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1 -numa node,cpus=2-3
			-numa dist,src=0,dst=1,val=20 -numa dist,src=0,dst=2,val=30
			-numa dist,src=1,dst=2,val=15" ;;
	one_node_*)
		echo "-smp 2 -m 1G" ;;
	*)	return 1 ;;
	esac
}

passed=0 failed=0 skipped=0

check_machine() # MACHINE
{
	local machine=$1 series=${1##*_} options

	options=$(options_of "$machine") || { echo "no such machine: $machine"; exit 99; }
	if ! kernel_find "$series"; then
		echo "SKIP: $machine: $kernel_reason"
		skipped=$((skipped + 1))
		return
	fi
	guest_run "$machine" "$kernel" "$options"
	guest_report "$machine"
}

[ "$(uname -m)" = x86_64 ] || skip "the guests are x86_64 machines"
for command in qemu-system-x86_64 cpio busybox; do
	command -v $command >/dev/null ||
		skip "no $command (Debian: qemu-system-x86, cpio, busybox-static)"
done
grep -q '^HAKMEM_LDFLAGS = .*-fsanitize' "$top_builddir/Makefile" &&
	skip "a library with a sanitizer cannot be preloaded"
guest_pack || exit 99
for machine in ${MACHINES:-two_nodes_6.1 two_nodes_6.12 four_nodes_6.12 odd_nodes_6.12}; do
	check_machine "$machine"
done
echo "check-numa: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] || exit 1
[ $passed -gt 0 ] || exit 77
