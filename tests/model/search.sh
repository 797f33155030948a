# SPDX-License-Identifier: MIT
# For the scripts beside this one: search_model.
# shellcheck shell=bash

command -v spin >/dev/null || { echo "# skipped: no spin (Debian: apt-get install spin)"; exit 77; }
# shellcheck disable=SC2034 # for who sources this
models=$(cd "$(dirname "$0")" && pwd) || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
cd "$work" || exit 99

# Every interleaving. 0: the model holds; 1: it does not, and the trail is there; 2: no answer.
# What spin has said is in ./log.
search_model() # FILE
{
	rm -f ./*.trail pan pan.*
	# shellcheck disable=SC2086 # CC may be several words
	spin -a "$1" >log 2>&1 && ${CC:-cc} -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -o pan \
		pan.c >>log 2>&1 || return 2
	./pan -m200000 >log 2>&1
	grep -qE 'max search depth too small|out of memory' log && return 2
	grep -q 'errors: 0' log && return 0
	grep -q 'errors: [1-9]' log && return 1
	return 2
}
