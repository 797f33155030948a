# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the checks in chroots: bare systems made by debootstrap, copies of them, commands inside, and a
# line for each step. Nothing stays mounted: what a command needs is mounted in a namespace that ends
# with it. Sets CHROOTS, work (a folder that goes at the end), passed and failed; ends a check with 77
# that cannot be made here.
# shellcheck disable=SC2034,SC2154 # the checks read passed and failed, and set suite

CHROOTS=${CHROOTS:-$PWD/chroots}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
passed=0 failed=0
mirror=${MIRROR:-http://deb.debian.org/debian}
ubuntu_mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}

if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
	echo "skipped: chroots need root and debootstrap"
	exit 77
fi

step() # NAME COMMAND...: of $suite; one line, and what it said when it fails
{
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok    $suite: $name"
		passed=$((passed + 1))
		return
	fi
	echo "FAIL  $suite: $name"
	tail -n "${LOG_LINES:-30}" "$work/log" | sed 's/^/  | /'
	failed=$((failed + 1))
	return 1
}

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
