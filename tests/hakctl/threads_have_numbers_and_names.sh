#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# stats --threads knows each live thread of a process by its number and name, with a helper and without.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"

for options in control:always helpers:never; do
	rm -f "$work/threads"
	HAKMEM_OPTIONS=$options LD_PRELOAD=$HAKMEM_LIB "${top_builddir:?}/tests/hakctl/named_threads" >"$work/threads" &
	pid=$!
	started="$started $pid"
	wait_until grep -q ready "$work/threads"
	"$HAKCTL" stats --threads "$pid" >"$work/told"
	"$HAKCTL" stats --threads -j "$pid" >"$work/json"
	python3 - "$work/threads" "$work/json" "$work/told" <<'EOF' || {
import json, sys
truth = dict(line.split() for line in open(sys.argv[1]) if "worker" in line)
rows = json.load(open(sys.argv[2]))["processes"][0]["per_thread"]
told = {str(row["thread"]): row["name"] for row in rows if row["name"].startswith("worker")}
# Threads share slabs of what they use little of: some have no heap yet that is worth a row.
assert told and all(truth.get(number) == name for number, name in told.items()), (told, truth)
owners = [row for row in rows if row["state"] == "live" and row["thread"]]
assert len({row["thread"] for row in owners}) == len(owners), owners
assert len(told) == len(truth), (told, truth)
text = open(sys.argv[3]).read()
for number, name in truth.items():
    assert any(line.split()[:2] == [number, name] for line in text.splitlines()), text
EOF
		echo "with $options:"
		cat "$work/threads" "$work/told"
		failures=$((failures + 1))
	}
	end_all
done
expect_end
