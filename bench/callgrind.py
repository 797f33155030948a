# SPDX-License-Identifier: MIT
"""Instructions inside one warm malloc and one warm free, for each size, by callgrind, and
inside one warm memalign of a small block for each of some alignments.

bench/instructions dumps the counters after every call; here the dumps are read in
order. run.py and count_instructions.py call count() and count_aligned().
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
ALIGNED_BYTES = 48
ALIGNMENTS = (8, 16, 32, 64, 256, 4096)
TIMEOUT_SECONDS = 300


class Counts:
    """The calls of one size or alignment: each call's exact number of instructions."""

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


def run_callgrind(program, allocator, output, *arguments):
    command = [
        "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
        "--combine-dumps=yes", "--collect-atstart=no",
        "--toggle-collect=instructions_malloc", "--toggle-collect=instructions_free",
        "--toggle-collect=instructions_memalign",
        "--dump-before=instructions_dump", program, *map(str, arguments),
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


def dumps(program, allocator, expected, *arguments):
    """What the frames of malloc, free and memalign cost, and what each call did in all."""
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "callgrind.out")
        run_callgrind(program, allocator, output, *arguments)
        totals = read_totals(output)
    if len(totals) < 4 + expected or totals[0] != 0:
        raise RuntimeError(f"callgrind: {len(totals)} dumps where {4 + expected} were due")
    # the frame was measured with a callee of one instruction
    return [total - 1 for total in totals[1:4]], totals[4:4 + expected]


def count_aligned(program, allocator):
    """A list of Counts, in the order of ALIGNMENTS, which stand for the sizes."""
    (_, _, frame), calls = dumps(program, allocator, REPEATS * len(ALIGNMENTS),
                                 "--aligned", ALIGNED_BYTES, REPEATS, *ALIGNMENTS)
    return [Counts(alignment, [total - frame for total in
                               calls[REPEATS * number:REPEATS * (number + 1)]])
            for number, alignment in enumerate(ALIGNMENTS)]


def count(program, allocator):
    """Two lists of Counts, in the order of sizes(): malloc's and free's."""
    (malloc_frame, free_frame, _), calls = dumps(
        program, allocator, 2 * REPEATS * len(sizes()),
        LOW_BYTES, HIGH_BYTES, STEP_BYTES, REPEATS)
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
