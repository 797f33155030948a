#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# A server that begins as root and becomes somebody else may not open its own page map from then on. What is
# populated is told of it all the same, and is what the kernel says; who it has become may ask it.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"
setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null || skip "only root can give up its rights"

cat >"$work/server.py" <<'PYTHON'
import os, time
os.setgid(65534)
os.setuid(65534)
kept = [bytes([1]) * (1 << 20) for _ in range(96)]
print("ready", flush=True)
time.sleep(600)
PYTHON
cat >"$work/compare.py" <<'PYTHON'
import json, subprocess, sys, time
hakctl, pid = sys.argv[1:]
# On a busy machine the kernel's answer is there for a later question.
for _ in range(100):
    process = json.loads(subprocess.check_output([hakctl, "stats", "-j", pid]))["processes"][0]
    if process["populated_age_ns"] is not None:
        break
    time.sleep(0.1)
low, high = 96 << 20, process["rss_bytes"]
print(f"populated {process['populated_bytes']}, resident {high}, age {process['populated_age_ns']}")
sys.exit(not (low <= process["populated_bytes"] <= high and process["populated_age_ns"] is not None))
PYTHON
chmod 711 "$work"
chown 65534 "$HAKMEM_CONTROL_DIR"
PYTHONMALLOC=malloc LD_PRELOAD=$HAKMEM_LIB python3 "$work/server.py" >"$work/ready" &
pid=$!
started="$started $pid"
wait_until test -s "$work/ready"
wait_until can_be_asked
python3 "$work/compare.py" "$HAKCTL" $pid || failures=$((failures + 1))
# Its new user may ask it, where the folders let that user come to hakctl.
if setpriv --reuid 65534 --regid 65534 --clear-groups "$HAKCTL" version >/dev/null 2>&1; then
	expect 0 '"from_outside":false' setpriv --reuid 65534 --regid 65534 --clear-groups "$HAKCTL" stats -j $pid
fi
expect 0 'mincore counts pages of zeroes' "$HAKCTL" doctor $pid

end_all
wait $pid 2>/dev/null
chown 0 "$HAKMEM_CONTROL_DIR"
HAKMEM_OPTIONS=control:always PYTHONMALLOC=malloc LD_PRELOAD=$HAKMEM_LIB python3 "$work/server.py" >"$work/ready_too" &
pid=$!
started="$started $pid"
wait_until test -s "$work/ready_too"
wait_until can_be_asked
expect 0 '"from_outside":false' "$HAKCTL" stats -j $pid
# The helper of the one before may take a moment to end.
is_alone()
{
	[ "$("$HAKCTL" ps -j | grep -o '"pid":' | wc -l)" -eq 1 ]
}
wait_until is_alone
expect_end
