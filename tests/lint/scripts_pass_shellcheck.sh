#!/bin/sh
# SPDX-License-Identifier: MIT
# Every shell script in the tree passes shellcheck, whatever it is called.
set -u
cd "${top_srcdir:?}" || exit 99
list=$(mktemp) && trap 'rm -f "$list"' EXIT || exit 99

if ! command -v shellcheck >/dev/null; then
	echo "skipped: no shellcheck (Debian: shellcheck)"
	exit 77
fi
for file in quickstart .ci/run $(find hakctl tests bench kmod-free-helpers lib -type f 2>/dev/null); do
	head -n 1 "$file" | grep -qaE '^#!.*[/ ](ba|da)?sh( |$)' && echo "$file"
done >"$list"
echo hakctl/completion/hakctl >>"$list"
xargs shellcheck -x -P SCRIPTDIR -- <"$list" || exit 1
