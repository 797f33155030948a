#!/bin/bash
# SPDX-License-Identifier: MIT
# Every model beside this script, searched to the end by spin. 77: no spin.
set -u
models=$(cd "$(dirname "$0")" && pwd) || exit 1
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 1
failed=0

command -v spin >/dev/null || { echo "# skipped: no spin (Debian: apt-get install spin)"; exit 77; }
cd "$work" || exit 1
for model in "$models"/*.pml; do
	name=$(basename "$model" .pml)
	if ! spin -a "$model" >"$name.log" 2>&1 ||
		! "${CC:-cc}" -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -o pan pan.c >>"$name.log" 2>&1; then
		echo "FAIL $name: no verifier"
		cat "$name.log"
		failed=1
		continue
	fi
	./pan -m200000 >"$name.log" 2>&1
	if grep -q 'errors: 0' "$name.log" &&
		! grep -qE 'max search depth too small|out of memory' "$name.log"; then
		printf 'ok %s: %s states\n' "$name" \
			"$(awk '/states, stored/ { print $1 }' "$name.log")"
	else
		echo "FAIL $name"
		cat "$name.log"
		spin -t -p -g -l "$model" | tail -n 120
		failed=1
	fi
	rm -f ./*.trail pan pan.*
done
exit $failed
