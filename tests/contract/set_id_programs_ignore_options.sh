#!/bin/sh
# SPDX-License-Identifier: MIT
# A set-id program takes no options from whoever starts it, and those of the administrator's file.
# Set-group-id, to a group that gives no right to anything: a set-uid copy would be a danger if it
# were left behind.
set -u
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT || exit 99
copy=$folder/linked

skip()
{
	echo "skipped: $*"
	exit 77
}

# As root any group will do; others can give a file to a group they are in.
if [ "$(id -u)" = 0 ]; then
	group=$(getent group nogroup | cut -d: -f3)
else
	group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1)
fi
[ -n "$group" ] || skip "there is no second group to give a program to"
cp "${top_builddir:?}/tests/contract/linked" "$copy" || exit 99
chgrp "$group" "$copy" 2>/dev/null || skip "chgrp $group is refused"
chmod 2755 "$copy" || exit 99

plain=$("$copy") || exit 1
case $plain in
*"secure 1"*) ;;
*) skip "$folder is mounted nosuid, or set-group-id has no effect here" ;;
esac
output=$(HAKMEM_OPTIONS=limit_hard:16M,confirm:true,foo:1 "$copy" 2>"$folder/errors") || exit 1
if [ -s "$folder/errors" ] || [ "$output" != "$plain" ]; then
	echo "options counted in a set-group-id program:"
	cat "$folder/errors"
	printf '%s\n' "$output"
	exit 1
fi

# The file: in a mount namespace, where /etc has nothing else.
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || exit 0
# shellcheck disable=SC2016	# of the inner shell
output=$(HAKMEM_OPTIONS=limit_hard:none unshare -m sh -c '
	mount -t tmpfs none /etc && echo limit_hard:16M >/etc/hakmem.conf && exec "$1"
	exit 77' sh "$copy" 2>"$folder/errors")
code=$?
[ $code -eq 77 ] && exit 0
case $output in
*"secure 1"*"64 MiB refused"*) exit 0 ;;
esac
echo "/etc/hakmem.conf does not count in a set-group-id program:"
cat "$folder/errors"
printf '%s\n' "$output"
exit 1
