#!/bin/sh
# SPDX-License-Identifier: MIT
# With vm.overcommit_memory=2 a program still gets 280 MiB. The setting is the whole
# machine's: it is changed by root only, for some seconds, and put back.
set -u
setting=/proc/sys/vm/overcommit_memory

skip()
{
	echo "skipped: $*"
	exit 77
}

kib_of()
{
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

[ "$(id -u)" = 0 ] || skip "only root can set vm.overcommit_memory"
before=$(cat $setting)
if [ "$before" != 2 ]; then
	# CommitLimit holds for mode 2, whatever the mode is now.
	[ $(($(kib_of CommitLimit) - $(kib_of Committed_AS))) -gt $((2 << 20)) ] ||
		skip "too much is committed here to forbid overcommitment"
	trap 'echo $before >$setting' EXIT
	trap 'exit 1' HUP INT TERM
	(echo 2 >$setting) 2>/dev/null || skip "$setting cannot be set here"
fi
"${top_builddir:?}/tests/contract/limits" most_of_512_mib_can_be_had_in_mixed_blocks
