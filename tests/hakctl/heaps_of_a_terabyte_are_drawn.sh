#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# A block of a terabyte is half a million superslabs, and its tags are at its ends alone: the map, the nodes and a
# scrape come from one pass over them, within the time that an answer may take.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

cat >"$work/program.py" <<'PYTHON'
import ctypes, time
malloc = ctypes.CDLL(None).malloc
malloc.restype, malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
print("ready" if malloc(1 << 40) else "refused", flush=True)
time.sleep(600)
PYTHON
HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB python3 "$work/program.py" >"$work/ready" &
pid=$!
started="$started $pid"
wait_until test -s "$work/ready"
grep -q ready "$work/ready" || skip "no address space of a terabyte here"
wait_until can_be_asked
expect 0 'large blocks 524288 cells' "$HAKCTL" map $pid
expect 0 '"live_bytes":10995' "$HAKCTL" stats -j --nodes $pid
expect 0 'hakmem_large_live_bytes{' "$HAKCTL" metrics $pid
expect_end
