# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The machines that are emulated. Sourced by check_numa.sh and run_in_guest.sh.

memory() # NODE MIB
{
	echo "-object memory-backend-ram,id=m$1,size=${2}M"
}

# What qemu is told, for each machine: its name ends with the kernel's series.
machine_options() # MACHINE
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
		echo "-smp 2 -m 3G" ;;
	large_pages_*)	# of 16 KiB, and huge ones of 32 MiB
		echo "-smp 4 -m 2G" ;;
	arm64_*)	# pages of 4 KiB
		echo "-smp 4 -m 3G" ;;
	*)	return 1 ;;
	esac
}

# Which of the series' kernels it boots; those of arm64 have it in their name.
machine_flavour() # MACHINE
{
	case $1 in
	large_pages_*)	echo arm64-16k ;;
	arm64_*)	echo cloud-arm64 ;;
	*)		echo cloud-amd64 ;;
	esac
}

# Fails, with machine_reason, where no guest can be had.
machine_is_possible()
{
	local command

	machine_reason="the guests are x86_64 machines"
	[ "$(uname -m)" = x86_64 ] || return 1
	for command in qemu-system-x86_64 cpio busybox; do
		machine_reason="no $command (Debian: qemu-system-x86, cpio, busybox-static)"
		command -v $command >/dev/null || return 1
	done
	machine_reason="a library with a sanitizer cannot be preloaded"
	! grep -q '^HAKMEM_LDFLAGS = .*-fsanitize' "${top_builddir:?}/Makefile"
}
