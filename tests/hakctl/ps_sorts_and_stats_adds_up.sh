#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# `hakctl ps` has the largest process first, or another column's, and command lines as ps(1) shows them;
# `hakctl stats --all` ends with the total, whose terms are the sums of those above.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

for count in 200000 400000 100000; do
	start_one_known_heap "$work/truth.$count" $count 100 2000000
done

column() # SORT: the second word of each command line, from above
{
	"$HAKCTL" ps --sort "$1" | sed -n 's/.*known_heap \([0-9]*\) .*/\1/p' | tr '\n' ' '
}
for sort in rss live populated; do
	[ "$(column $sort)" = "400000 200000 100000 " ] || {
		echo "by $sort: $(column $sort)"
		failures=$((failures + 1))
	}
done
[ "$(column pid)" = "200000 400000 100000 " ] || { echo "by pid: $(column pid)"; failures=$((failures + 1)); }
[ "$(column command)" = "100000 200000 400000 " ] || { echo "by command"; failures=$((failures + 1)); }
expect 2 'ps: --sort wants rss, live' "$HAKCTL" ps --sort age
expect 0 '"title":"known_heap 100000 100 2000000"' "$HAKCTL" ps -j

expect 0 'total of 3 processes' "$HAKCTL" stats --all
"$HAKCTL" stats -j --all >"$work/all" && python3 - "$work/all" <<'PYTHON' || failures=$((failures + 1))
import json, sys
answer = json.load(open(sys.argv[1]))
total, processes = answer["total"], answer["processes"]
wrong = [name for name in ("live_bytes", "populated_bytes")
         if total[name] != sum(process[name] for process in processes)]
for term in total["terms"]:
    one = sum(other["bytes"] for process in processes for other in process["terms"]
              if other["name"] == term["name"])
    if one != term["bytes"]:
        wrong.append(term["name"])
if total["processes"] != 3 or sum(term["bytes"] for term in total["terms"]) != total["populated_bytes"]:
    wrong.append("terms do not add up")
sys.exit(", ".join(wrong) or 0)
PYTHON
"$HAKCTL" stats "$pid" | grep -q 'total of' && { echo "a total of one"; failures=$((failures + 1)); }
expect_end
