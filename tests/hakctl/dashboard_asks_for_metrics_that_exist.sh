#!/bin/sh
# SPDX-License-Identifier: MIT
# Every metric that the Grafana dashboard and the alert rules ask for is one that `hakctl metrics` prints.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
command -v python3 >/dev/null || skip "no python3"

start_fake good
"$HAKCTL" metrics --classes "$socket" | grep -v '^#' | sed 's/{.*//' | sort -u >"$work/printed"
python3 - "${top_srcdir:?}/doc/grafana-dashboard.json" >"$work/asked" <<'PYTHON' || exit 1
import json
import re
import sys

board = json.load(open(sys.argv[1]))
for panel in board["panels"]:
    for target in panel["targets"]:
        print("\n".join(re.findall(r"hakmem_[a-z0-9_]+", target["expr"])))
PYTHON
grep -oE 'hakmem_[a-z0-9_]+' "$top_srcdir/doc/prometheus-alerts.yml" >>"$work/asked"
if command -v promtool >/dev/null; then
	promtool check rules "$top_srcdir/doc/prometheus-alerts.yml" >"$work/rules" 2>&1 || {
		cat "$work/rules"
		exit 1
	}
fi
[ "$(wc -l <"$work/asked")" -gt 20 ] || { echo "the dashboard asks for next to nothing"; exit 1; }
# Limits are told where there are some.
sort -u "$work/asked" | grep -vE '^hakmem_limit_(soft|hard)_bytes$' |
	comm -23 - "$work/printed" >"$work/missing"
sed 's/$/ is asked for by the dashboard, and not printed/' "$work/missing"
! [ -s "$work/missing" ]
