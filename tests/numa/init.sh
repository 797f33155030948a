#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first process of a guest: runs the tests of /tests.list, says how each went, and switches
# the machine off. What a test printed follows its line, unless it passed.
/bin/busybox --install -s /bin
PATH=/bin
export PATH HAKMEM_LIB=/lib/libhakmem.so top_srcdir=/ top_builddir=/ TMPDIR=/tmp
test_limit_s=150
mount -t proc proc /proc
mount -t sysfs sys /sys
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
while read -r test; do
	begin=$(uptime_s)
	timeout $test_limit_s "/$test" >/tmp/output 2>&1 </dev/null
	code=$?
	took=$(($(uptime_s) - begin))
	case $code in
	0)	echo "PASS: $test ($took s)"; passed=$((passed + 1)) ;;
	77)	echo "SKIP: $test: $(grep -im1 skip /tmp/output)"; skipped=$((skipped + 1)) ;;
	*)	echo "FAIL: $test: exit code $code after $took s"; cat /tmp/output
		failed=$((failed + 1)) ;;
	esac
	grep '^table: ' /tmp/output	# numbers that a test wants to be seen
done </tests.list
echo "guest: end $passed passed $failed failed $skipped skipped"
poweroff -f
