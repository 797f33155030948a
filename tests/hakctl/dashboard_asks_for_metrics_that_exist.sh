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
# The rules fire when they should: two are tried on series that are made up.
if command -v promtool >/dev/null; then
	cp "$top_srcdir/doc/prometheus-alerts.yml" "$work/alerts.yml"
	cat >"$work/rules_test.yml" <<'YAML'
rule_files: [ alerts.yml ]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: 'hakmem_limit_taken_bytes{pid="7",process="db"}', values: '950x600' }
      - { series: 'hakmem_limit_hard_bytes{pid="7",process="db"}', values: '1000x600' }
      - { series: 'hakmem_limit_taken_bytes{pid="8",process="web"}', values: '800x600' }
      - { series: 'hakmem_limit_hard_bytes{pid="8",process="web"}', values: '1000x600' }
      - { series: 'hakmem_blocks_live_bytes{pid="7",process="db"}', values: '1e9+1e7x600' }
      - { series: 'hakmem_large_live_bytes{pid="7",process="db"}', values: '0x600' }
      - { series: 'hakmem_blocks_live_bytes{pid="8",process="web"}', values: '1e9x600' }
      - { series: 'hakmem_large_live_bytes{pid="8",process="web"}', values: '0x600' }
    alert_rule_test:
      - eval_time: 3m
        alertname: HakmemNearHardLimit
        exp_alerts: []
      - eval_time: 10m
        alertname: HakmemNearHardLimit
        exp_alerts:
          - exp_labels: { severity: warning, pid: "7", process: db }
            exp_annotations:
              summary: "db (7) holds more than nine tenths of its hard limit"
              description: "Its next growth may fail. `hakctl stats 7` says what holds the memory, `hakctl limit` changes the limit."
      - eval_time: 480m
        alertname: HakmemGrows
        exp_alerts:
          - exp_labels: { severity: warning, pid: "7", process: db }
            exp_annotations:
              summary: "db (7) holds half as much again as six hours ago"
              description: '`hakctl diff --seconds 60 7` says in blocks of which sizes; hakctl(1), RECIPES, "RSS grows".'
YAML
	promtool test rules "$work/rules_test.yml" >"$work/rules" 2>&1 || {
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
