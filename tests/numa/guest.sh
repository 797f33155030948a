# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A guest: its root file system, out of the build tree, and its run; guest_is_foreign=yes: an
# arm64 machine, with programs and libraries of foreign.sh. Sourced by check_numa.sh
# and run_in_guest.sh, which write the commands that it shall run into $work/root/commands.

boots_most=3
run_limit_s=${GUEST_LIMIT_S:-400}
probe_limit_s=20
accelerator=
guest_is_foreign=

# A program or a library, and the libraries that it is linked with.
guest_add() # FILE PLACE
{
	local library

	install -D "$1" "$work/root/$2" || return 1
	if [ -n "$guest_is_foreign" ]; then
		foreign_strip "$work/root/$2"
		foreign_add_libraries "$1"
		return
	fi
	strip "$work/root/$2" 2>/dev/null
	ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' | while read -r library; do
		[ -e "$work/root/$library" ] || install -D "$library" "$work/root/$library"
	done
}

# The C library loads it when a thread is cancelled or ends by pthread_exit; no program names it.
guest_add_unwinder()
{
	local library

	library=$(LC_ALL=C ldconfig -p | awk '/libgcc_s\.so\.1 .*x86-64/ { print $NF; exit }')
	[ -z "$library" ] || install -D "$library" "$work/root/$library"
}

guest_begin()
{
	mkdir -p "$work/root"/{bin,proc,sys,dev,tmp,etc} || return 1
	if [ -n "$guest_is_foreign" ]; then
		install "$foreign_root/bin/busybox" "$work/root/bin/busybox"
		install -D "$foreign_libraries/libgcc_s.so.1" "$work/root/lib/libgcc_s.so.1"
	else
		install -D "$(command -v busybox)" "$work/root/bin/busybox"
		guest_add_unwinder
	fi
	install "$here/init.sh" "$work/root/init"
}

# The initial RAM file system, not compressed: the guest would be slow to unpack it.
guest_seal()
{
	(cd "$work/root" && find . | cpio -o -H newc --quiet >"$work/initramfs")
}

# Its output is what the guest writes to its console. It is ended by LIMIT-S.
guest_qemu() # LIMIT-S ACCELERATOR KERNEL INITRAMFS VARIABLES QEMU-OPTION...
{
	local limit_s=$1 how=$2 kernel=$3 initramfs=$4 variables=$5

	shift 5
	[ -n "$guest_is_foreign" ] && exec timeout "$limit_s" qemu-system-aarch64 -M virt,gic-version=3 \
		-accel tcg,thread=single -cpu cortex-a76 -nodefaults -no-reboot -display none \
		-serial stdio -kernel "$kernel" -initrd "$initramfs" \
		-append "$variables console=ttyAMA0 quiet panic=-1 mitigations=off" "$@" </dev/null 2>&1
	exec timeout "$limit_s" qemu-system-x86_64 -accel "$how" -cpu Nehalem -nodefaults \
		-no-reboot -display none -serial stdio -kernel "$kernel" -initrd "$initramfs" \
		-append "$variables console=ttyS0 quiet panic=-1 mitigations=off numa_balancing=disable" \
		"$@" </dev/null 2>&1
}

# KVM where it runs a kernel as it is. A host that is itself a guest may have a /dev/kvm that
# does not.
guest_choose_accelerator() # KERNEL
{
	local console pid

	# One virtual CPU runs at a time: with several at once, instructions that a guest's kernel
	# rewrites in place are at times executed half written.
	accelerator=tcg,thread=single
	[ -w /dev/kvm ] || return 0
	mkdir -p "$work/probe/bin"
	cp "$(command -v busybox)" "$work/probe/bin/"
	printf '#!/bin/busybox sh\necho guest: lives\nbusybox poweroff -f\n' >"$work/probe/init"
	chmod +x "$work/probe/init"
	(cd "$work/probe" && find . | cpio -o -H newc --quiet >"$work/probe.cpio")
	exec {console}< <(guest_qemu $probe_limit_s kvm "$1" "$work/probe.cpio" "" -smp 2 -m 512M)
	pid=$!
	# qemu does not end by itself where KVM gave up.
	if grep -am1 -E '^guest: lives|KVM internal error' <&"$console" | grep -q lives; then
		accelerator=kvm
	else
		echo "/dev/kvm does not run this kernel: the guests are emulated"
	fi
	kill "$pid" 2>/dev/null
	exec {console}<&-
}

# Where the kernel itself dies on its way up nothing of ours has run, and it is booted again.
guest_run() # MACHINE KERNEL QEMU-OPTIONS VARIABLES
{
	local boot

	[ -n "$accelerator$guest_is_foreign" ] || guest_choose_accelerator "$2"
	for ((boot = 1; boot <= boots_most; boot++)); do
		# shellcheck disable=SC2086 # the options are words
		(guest_qemu "$run_limit_s" "$accelerator" "$2" "$work/initramfs" "$4" $3) |
			tr -d '\r' >"$work/console"
		grep -q '^guest: begin' "$work/console" && return
		echo "$1: the guest's kernel did not come up (attempt $boot)"
	done
}

# What the commands printed.
guest_output()
{
	sed -n '/^guest: begin/,/^guest: end/p' "$work/console" | sed '1d;$d'
}
