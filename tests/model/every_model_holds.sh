#!/bin/bash
# SPDX-License-Identifier: MIT
# Every model beside this script, searched to the end by spin. 77: no spin.
set -u
# shellcheck source=tests/model/search.sh
. "$(dirname "$0")/search.sh"
failed=0

for model in "$models"/*.pml; do
	name=$(basename "$model" .pml)
	if search_model "$model"; then
		printf 'ok %s: %s states\n' "$name" "$(awk '/states, stored/ { print $1 }' log)"
	else
		echo "FAIL $name"
		cat log
		[ -e "$(basename "$model").trail" ] && spin -t -p -g -l "$model" | tail -n 120
		failed=1
	fi
done
exit $failed
