#!/bin/sh
# SPDX-License-Identifier: MIT
# git with the library clones, repacks and checks a repository made on the spot; the clone
# has the same objects, and fsck without the library agrees.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need git git
GIT_CONFIG_NOSYSTEM=1 HOME=$work
GIT_CONFIG_COUNT=3
GIT_CONFIG_KEY_0=pack.threads GIT_CONFIG_VALUE_0=4
GIT_CONFIG_KEY_1=gc.auto GIT_CONFIG_VALUE_1=0
GIT_CONFIG_KEY_2=init.defaultBranch GIT_CONFIG_VALUE_2=main
export GIT_CONFIG_NOSYSTEM HOME GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
export GIT_CONFIG_KEY_1 GIT_CONFIG_VALUE_1 GIT_CONFIG_KEY_2 GIT_CONFIG_VALUE_2

# 400 commits to 60 files of many sizes, as a stream for fast-import.
history()
{
	awk 'BEGIN {
		srand(7)
		for (commit = 1; commit <= 400; commit++) {
			printf "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n", 1e9 + commit
			message = "commit " commit
			printf "data %d\n%s\n", length(message), message
			for (file = 0; file < 4; file++) {
				number = int(rand() * 60)
				for (line = int(rand() * 200); line >= 0; line--)
					text[number] = text[number] number " " commit " " int(rand() * 1e6) "\n"
				if (length(text[number]) > 60000)
					text[number] = substr(text[number], 30000)
				printf "M 644 inline folder%d/file%d\n", number % 7, number
				printf "data %d\n%s\n", length(text[number]), text[number]
			}
		}
	}'
}

git init -q --bare "$work/origin.git" || fail "git itself"
history | preloaded git -C "$work/origin.git" fast-import --quiet || fail "fast-import: exit $?"
(cd "$work/origin.git" && expect_mapped_in git cat-file --batch) || exit 1

preloaded git clone -q --no-local "$work/origin.git" "$work/clone" 2>"$work/errors" ||
	fail "clone: $(cat "$work/errors")"
preloaded git -C "$work/clone" gc -q --prune=now || fail "gc: exit $?"
preloaded git -C "$work/clone" repack -q -a -d -f --depth=50 --window=50 || fail "repack: exit $?"
preloaded git -C "$work/clone" fsck --full --strict >"$work/errors" 2>&1 ||
	fail "fsck: $(cat "$work/errors")"
git -C "$work/clone" fsck --full --strict >"$work/errors" 2>&1 ||
	fail "fsck without the library: $(cat "$work/errors")"

git -C "$work/origin.git" rev-list --objects --all | sort >"$work/expected"
[ "$(grep -c . "$work/expected")" -gt 2000 ] || fail "the history is too short"
preloaded git -C "$work/clone" rev-list --objects --all | sort >"$work/found"
expect_same "$work/expected" "$work/found" "the objects of the clone"
git -C "$work/origin.git" log --stat -p main >"$work/expected"
preloaded git -C "$work/clone" log --stat -p main >"$work/found"
expect_same "$work/expected" "$work/found" "the log"
git -C "$work/origin.git" blame main -- folder3/file3 >"$work/expected"
preloaded git -C "$work/clone" blame main -- folder3/file3 >"$work/found"
expect_same "$work/expected" "$work/found" "blame"
