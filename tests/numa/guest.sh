# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A guest: its root file system, out of the build tree, and its run. Sourced by check_numa.sh.

boots_most=3
run_limit_s=${GUEST_LIMIT_S:-240}

# A program and the libraries that it is linked with.
guest_add() # PROGRAM PLACE
{
	local library

	install -D "$1" "$work/root/$2" || return 1
	strip "$work/root/$2" 2>/dev/null
	ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' | while read -r library; do
		[ -e "$work/root/$library" ] || install -D "$library" "$work/root/$library"
	done
}

# The initial RAM file system, not compressed: the guest would be slow to unpack it.
guest_pack()
{
	local program

	mkdir -p "$work/root"/{bin,proc,sys,dev,tmp,etc}
	install -D "$(command -v busybox)" "$work/root/bin/busybox"
	install "$here/init.sh" "$work/root/init"
	guest_add "${HAKMEM_LIB:?}" lib/libhakmem.so || return 1
	for program in ${GUEST_TESTS:-${guest_tests:?}}; do
		guest_add "$top_builddir/$program" "$program" || return 1
		echo "$program"
	done >"$work/root/tests.list"
	(cd "$work/root" && find . | cpio -o -H newc --quiet >"$work/initramfs")
}

# One virtual CPU runs at a time: with several at once, instructions that a guest's kernel
# rewrites in place are at times executed half written. Where the kernel itself dies on its
# way up nothing of ours has run, and it is booted again.
guest_run() # MACHINE KERNEL QEMU-OPTIONS
{
	local boot

	for ((boot = 1; boot <= boots_most; boot++)); do
		# shellcheck disable=SC2086 # the options are words
		timeout "$run_limit_s" qemu-system-x86_64 -accel tcg,thread=single -cpu Nehalem \
			-nodefaults -no-reboot -display none -serial stdio $3 \
			-kernel "$2" -initrd "$work/initramfs" \
			-append "OPERATIONS=${OPERATIONS:-20000} console=ttyS0 quiet panic=-1 mitigations=off numa_balancing=disable" \
			</dev/null 2>&1 | tr -d '\r' >"$work/console"
		grep -q '^guest: begin' "$work/console" && return
		echo "$1: the guest's kernel did not come up (attempt $boot)"
	done
}

guest_count() # WORD
{
	sed -nE "s/^guest: end.* ([0-9]+) $1.*/\1/p" "$work/console"
}

guest_report() # MACHINE
{
	echo "---- $1: $(sed -n 's/^guest: begin //p' "$work/console")"
	if ! grep -q '^guest: end ' "$work/console"; then
		cat "$work/console"
		echo "FAIL: $1: the guest did not come to its end in $run_limit_s s"
		failed=$((failed + 1))
		return
	fi
	sed -n '/^guest: begin/,/^guest: end/p' "$work/console" | sed '1d;$d'
	passed=$((passed + $(guest_count passed)))
	failed=$((failed + $(guest_count failed)))
	skipped=$((skipped + $(guest_count skipped)))
}
