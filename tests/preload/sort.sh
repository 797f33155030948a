#!/bin/sh
# SPDX-License-Identifier: MIT
# sort with four threads puts the same lines in the same order as without the library.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need sort coreutils
LC_ALL=C
export LC_ALL

awk 'BEGIN { srand(42); for (i = 0; i < 400000; i++)
	printf "%x %d %s\n", rand() * 2 ^ 31, rand() * 1000, substr("abcdefghijklmnopqrstuvwxyz", 1 + rand() * 26) }' \
	>"$work/lines"
expect_mapped_in sort --parallel=4

for options in '' '-n -k2' '-r -k3' '-u -k2,2n' '-S 2M' '-s -k3,3'; do
	# shellcheck disable=SC2086 # several options
	sort --parallel=1 -T "$work" $options "$work/lines" >"$work/expected" || fail "sort itself"
	# shellcheck disable=SC2086
	preloaded sort --parallel=4 -T "$work" $options "$work/lines" >"$work/found" ||
		fail "sort $options: exit $?"
	expect_same "$work/expected" "$work/found" "sort $options"
done
