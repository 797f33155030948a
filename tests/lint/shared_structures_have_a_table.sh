#!/bin/bash
# SPDX-License-Identifier: MIT
# A header of the allocator whose structs have atomics, or fields that a lock guards, says in
# its head who may run with whom.
set -u
cd "${top_srcdir:?}" || exit 99
mapfile -t headers < <(find lib kmod-free-helpers -name '*.h' 2>/dev/null)
missing=$(grep -lE '_Atomic|; by [a-z ]*lock' "${headers[@]}" |
	xargs -r grep -L 'Who may run with whom')
[ -z "$missing" ] && exit 0
echo 'no "Who may run with whom" in the head of:'
echo "$missing"
exit 1
