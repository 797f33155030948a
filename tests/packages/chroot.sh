# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For check_debian.sh: bare systems made by debootstrap, copies of them, and commands inside. Nothing
# stays mounted: what a command needs is mounted in a namespace that ends with it.

mirror=${MIRROR:-http://deb.debian.org/debian}
ubuntu_mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}

components_of() # SUITE
{
	case $1 in
	jammy | noble) echo main,universe ;;
	*) echo main ;;
	esac
}

# The bare system of a suite, once made.
base_of() # SUITE
{
	local base=$CHROOTS/$1.base where=$mirror

	case $1 in jammy | noble) where=$ubuntu_mirror ;; esac
	[ -e "$base.whole" ] && return
	rm -rf "$base"
	mkdir -p "$CHROOTS"
	debootstrap --variant=minbase --components="$(components_of "$1")" "$1" "$base" "$where" >"$CHROOTS/$1.log" 2>&1 ||
		{ tail -n 5 "$CHROOTS/$1.log"; return 1; }
	rm -f "$base"/var/cache/apt/archives/*.deb
	touch "$base.whole"
}

copy_base() # SUITE NAME: a fresh one, at $CHROOTS/NAME
{
	rm -rf "${CHROOTS:?}/$2"
	cp -a --reflink=auto "$CHROOTS/$1.base" "$CHROOTS/$2"
	cp -L /etc/resolv.conf "$CHROOTS/$2/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$CHROOTS/$2/usr/sbin/policy-rc.d"
	chmod 755 "$CHROOTS/$2/usr/sbin/policy-rc.d"
}

# With /proc, /sys and /run of its own, and the time that a command may take.
inside() # NAME COMMAND...
{
	local root=$CHROOTS/$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands these
	unshare --mount --pid --fork --kill-child sh -c '
		root=$1; shift
		mount -t proc proc "$root/proc" && mount -t sysfs -o ro sysfs "$root/sys" &&
		exec timeout -k 10 "${INSIDE_LIMIT_S:-1800}" chroot "$root" /usr/bin/env -i \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "$@"' sh "$root" "$@" </dev/null
}

# What a package may leave: everything but the records of apt and dpkg, and what caches.
picture_of() # NAME
{
	(cd "$CHROOTS/$1" && find . \( -path ./proc -o -path ./sys -o -path ./var/lib/dpkg -o -path ./var/lib/apt \
		-o -path ./var/cache -o -path ./var/log -o -path ./tmp/packages -o -path ./etc/ld.so.cache \) -prune -o \
		-printf '%p %y %m %u %l\n' | LC_ALL=C sort)
}
