#!/bin/bash
# SPDX-License-Identifier: MIT
# Each line of mutants breaks one step of a model, as a mistake in the code would: spin has to
# find an interleaving that shows it. 77: no spin, or no perl.
set -u
# shellcheck source=tests/model/search.sh
. "$(dirname "$0")/search.sh"
command -v perl >/dev/null || { echo "# skipped: no perl"; exit 77; }
failed=0

while IFS='|' read -r name change what; do
	[[ -z $name || $name == '#'* ]] && continue
	perl -0pe "$change" "$models/$name.pml" >broken.pml
	if cmp -s broken.pml "$models/$name.pml"; then
		echo "FAIL $name: nothing to change any more for \"$what\""
		failed=1
		continue
	fi
	search_model broken.pml
	case $? in
	1) echo "ok $name: $what" ;;
	0) echo "FAIL $name holds with $what" && failed=1 ;;
	*) echo "FAIL $name: no answer for $what" && cat log && failed=1 ;;
	esac
done <"$models/mutants"
exit $failed
