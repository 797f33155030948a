# SPDX-License-Identifier: MIT
"""Instructions inside one warm malloc and one warm free, for each size, by callgrind.

bench/instructions dumps the counters after every call; here the dumps are read in
order. run.py and count_instructions.py call count().
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile

LOW_BYTES = 16
HIGH_BYTES = 8191
STEP_BYTES = 16
REPEATS = 15
TIMEOUT_SECONDS = 300


class Counts:
    """The calls of one size: each call's exact number of instructions."""

    def __init__(self, size_bytes, calls):
        self.size_bytes = size_bytes
        self.least = min(calls)
        self.typical = int(statistics.median_low(calls))
        self.most = max(calls)

    def same_as(self, other):
        return (self.least, self.typical) == (other.least, other.typical)


def sizes():
    return [*range(LOW_BYTES, HIGH_BYTES, STEP_BYTES), HIGH_BYTES]


def available():
    return shutil.which("valgrind") is not None


def run_callgrind(program, allocator, output):
    command = [
        "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
        "--combine-dumps=yes", "--collect-atstart=no",
        "--toggle-collect=instructions_malloc", "--toggle-collect=instructions_free",
        "--dump-before=instructions_dump", program,
        str(LOW_BYTES), str(HIGH_BYTES), str(STEP_BYTES), str(REPEATS),
    ]
    result = subprocess.run(command, env=allocator.environment(), capture_output=True,
                            text=True, timeout=TIMEOUT_SECONDS, check=False)
    if result.returncode:
        own = [line for line in result.stderr.splitlines() if line and line[:2] != "=="]
        raise RuntimeError(f"does not run under callgrind: {' '.join(own[:1])}")


def read_totals(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return [int(match.group(1)) for match in
                (re.match(r"totals: (\d+)", line) for line in file) if match]


def count(program, allocator):
    """Two lists of Counts, in the order of sizes(): malloc's and free's."""
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "callgrind.out")
        run_callgrind(program, allocator, output)
        totals = read_totals(output)
    expected = 3 + 2 * REPEATS * len(sizes())
    if len(totals) < expected or totals[0] != 0:
        raise RuntimeError(f"callgrind: {len(totals)} dumps where {expected} were due")
    # the frame was measured with a callee of one instruction
    malloc_frame, free_frame = totals[1] - 1, totals[2] - 1
    calls = totals[3:expected]
    mallocs, frees = [], []
    for number, size_bytes in enumerate(sizes()):
        own = calls[2 * REPEATS * number:2 * REPEATS * (number + 1)]
        mallocs.append(Counts(size_bytes, [total - malloc_frame for total in own[0::2]]))
        frees.append(Counts(size_bytes, [total - free_frame for total in own[1::2]]))
    return mallocs, frees


def worst(counts):
    """The largest typical number over all sizes, and the size it belongs to."""
    most = max(counts, key=lambda entry: entry.typical)
    return most.typical, most.size_bytes


def ranges(mallocs, frees):
    """Neighbours of equal cost as one: (lowest size, highest size, malloc, free)."""
    found = []
    low_bytes = LOW_BYTES
    for number, (malloc, free) in enumerate(zip(mallocs, frees)):
        last = number + 1 == len(mallocs)
        if last or not (malloc.same_as(mallocs[number + 1]) and
                        free.same_as(frees[number + 1])):
            found.append((low_bytes, malloc.size_bytes, malloc, free))
            low_bytes = mallocs[number + 1].size_bytes if not last else 0
    return found
