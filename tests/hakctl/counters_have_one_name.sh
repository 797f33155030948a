#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# What `hakctl list` calls a counter, `hakctl stats -j` calls it, with the same value; `hakctl get` and hak_ctl know it
# by that name, and by the one that says what it belongs to.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

start_known_heap 100000 100 2000000
sleep 1.5
"$HAKCTL" stats -j "$pid" >"$work/stats"
"$HAKCTL" list -j "$pid" >"$work/list"
python3 - "$work/stats" "$work/list" <<'PYTHON' || failures=$((failures + 1))
import json, sys
stats = json.load(open(sys.argv[1]))["processes"][0]
settings = json.load(open(sys.argv[2]))["processes"][0]["settings"]
# What time itself changes, and the asking.
MOVING = {"up_ns", "helper_wakeups", "helper_lag_ns", "helper_lag_max_ns", "helper_calls", "wait_p99_ns",
          "populated_bytes", "rss_bytes", "metadata_bytes"}
wrong, compared = [], 0
for setting in settings:
    name = setting["name"]
    # Knobs are options; two limits are counters as well.
    if setting["settable"] or setting["unit"] == "word" or name in ("cache_max", "profile", "decay_ms"):
        continue
    if name not in stats:
        if not name.startswith("limit_"):
            wrong.append(f"{name} is not in stats")
        continue
    compared += 1
    if name not in MOVING and setting["value"] != stats[name]:
        wrong.append(f"{name}: {setting['value']} and {stats[name]}")
if compared < 45:
    wrong.append(f"only {compared} counters")
sys.exit(", ".join(wrong) or 0)
PYTHON
expect 0 '' "$HAKCTL" get blocks_live_bytes "$pid"
cp "$work/output" "$work/first"
expect 0 "$(cat "$work/first")" "$HAKCTL" get live.blocks_bytes "$pid"
expect 1 'no_such_name' "$HAKCTL" get no_such_name "$pid"
expect_end
