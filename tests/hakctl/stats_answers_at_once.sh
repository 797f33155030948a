#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# `hakctl stats`, which has the kernel asked of the heap's pages, answers as soon as `hakctl get`, which has not: the
# program's helper, whose timers may be late by design, is waited for by no timer, and of address space in which
# there is nothing the kernel is asked once.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

start_known_heap 1000 100 2000000
python3 - "$HAKCTL" "$pid" <<'PYTHON' || failures=$((failures + 1))
import statistics, subprocess, sys, time
hakctl, pid = sys.argv[1:3]

def took(*verb):
    began = time.monotonic()
    subprocess.run([hakctl, *verb, pid], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1e3

times = {"get decay_ms": [], "stats -j": [], "stats --classes": [], "map": [], "purge": []}
for _ in range(21):
    for verb, list_ in times.items():
        list_.append(took(*verb.split()))
    time.sleep(0.11)
medians = {verb: statistics.median(list_) for verb, list_ in times.items()}
print(", ".join(f"{verb} {ms:.1f} ms" for verb, ms in medians.items()))
# On a quiet machine each is below 10 ms; on a busy one they wait alike.
if max(medians.values()) > 15 + medians["get decay_ms"]:
    sys.exit("one of them waits")
PYTHON
expect_end
