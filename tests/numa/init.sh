#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first process of a guest: runs the commands of /commands, says how each went, and switches
# the machine off. What a command printed follows its line, unless it passed. Variables come
# with the kernel's command line.
/bin/busybox --install -s /bin
PATH=/bin
export PATH HAKMEM_LIB=/lib/libhakmem.so HAKCTL=/bin/hakctl top_srcdir=/ top_builddir=/ TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
ip link set lo up 2>/dev/null
passed=0 failed=0 skipped=0

uptime_s()
{
	cut -d. -f1 /proc/uptime
}

echo "guest: begin Linux $(uname -r), nodes $(cat /sys/devices/system/node/online), with memory" \
	"$(cat /sys/devices/system/node/has_memory), with CPUs $(cat /sys/devices/system/node/has_cpu)"
while read -r command; do
	begin=$(uptime_s)
	# shellcheck disable=SC2086 # variables and words
	timeout "${COMMAND_LIMIT_S:-150}" env $command >/tmp/output 2>&1 </dev/null
	code=$?
	took=$(($(uptime_s) - begin))
	command=${command#/}
	case $code in
	0)	echo "PASS: $command ($took s)"; passed=$((passed + 1)) ;;
	77)	echo "SKIP: $command: $(grep -im1 skip /tmp/output)"; skipped=$((skipped + 1)) ;;
	*)	echo "FAIL: $command: exit code $code after $took s"; cat /tmp/output
		failed=$((failed + 1)) ;;
	esac
	if [ -n "${SHOW_ALL:-}" ]; then
		[ $code -eq 0 ] && cat /tmp/output
	else
		grep '^table: ' /tmp/output	# numbers that a test wants to be seen
	fi
done </commands
echo "guest: end $passed passed $failed failed $skipped skipped"
poweroff -f
