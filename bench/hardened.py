# SPDX-License-Identifier: MIT
"""What hardened:true costs: rows of `workloads` with it and without, in turns.

Only hakmem takes part. Its parts are no options of their own, so they are told apart by what
they grow with: canary, quarantine and random places with calls, zeroing (and the look whether
it is still zero) with bytes, guards with large blocks. run.py calls run() and table().
"""

import statistics

import allocators
import measure

ROWS = ("pair_16", "pair_1024", "pair_4096", "pair_8000", "lifo_64", "lifo_1024",
        "lifo_8000", "random_mixed_256", "random_mixed_4096", "random_mixed_1025_8191",
        "realloc_steps_small", "large_blocks", "producer_consumer_2", "larson_4",
        "short_threads")
BY_SIZE = {"pair_16": 16, "pair_1024": 1024, "pair_4096": 4096, "pair_8000": 8000}


class Hardened:
    """row -> list of (default, hardened) pairs of Sample, or Failed."""

    def __init__(self):
        self.pairs = {}

    def median(self, row, which):
        """which: 0 for the default, 1 for hardened; ns of an operation."""
        return statistics.median(pair[which].nanoseconds for pair in self.pairs[row])

    def ratio(self, row, field):
        return statistics.median(getattr(hard, field) / getattr(plain, field)
                                 for plain, hard in self.pairs[row])

    def has(self, row):
        return bool(self.pairs.get(row)) and not isinstance(self.pairs[row], measure.Failed)


def run(programs, ours, runs, progress):
    found = Hardened()
    contestants = (ours, allocators.WithOptions(ours, "hardened:true"))
    rows = [row for row in programs.rows() if row.name in ROWS]
    for number in range(runs):
        for row in rows:
            if isinstance(found.pairs.get(row.name), measure.Failed):
                continue
            progress(f"run {number + 1} of {runs}: hardened {row.name}")
            turns = contestants[::-1] if number % 2 else contestants
            try:
                with measure.timing_lock():
                    samples = {turn: programs.row(row, turn, number) for turn in turns}
            except measure.Failed as error:
                found.pairs[row.name] = error
                continue
            pair = tuple(samples[contestant] for contestant in contestants)
            found.pairs.setdefault(row.name, []).append(pair)
    return found


def parts(found):
    """Least squares over the pairs of one block: ns a call of malloc and free, ns a KiB."""
    if not all(found.has(row) for row in BY_SIZE):
        return None
    sizes = [size / 1024 for size in BY_SIZE.values()]
    more = [found.median(row, 1) - found.median(row, 0) for row in BY_SIZE]
    line = statistics.linear_regression(sizes, more)
    return line.intercept, line.slope


def table(found):
    print("\nhardened:true beside the default, ns an operation (median)")
    print(f"  {'row':<24} {'default':>10} {'hardened':>10} {'ratio':>7} {'peak RSS':>9}")
    for row, pairs in found.pairs.items():
        if isinstance(pairs, measure.Failed):
            print(f"  {row:<24} failed: {pairs}")
            continue
        print(f"  {row:<24} {found.median(row, 0):>10.1f} {found.median(row, 1):>10.1f} "
              f"{found.ratio(row, 'nanoseconds'):>7.2f} {found.ratio(row, 'peak_kib'):>9.2f}")
    fitted = parts(found)
    if fitted:
        print(f"  a malloc and its free take {fitted[0]:.0f} ns more (canary, quarantine, "
              f"random place, no cache), {fitted[1]:.0f} ns more a KiB (zeroing, and the look "
              "at the zeroes)")
    if found.has("large_blocks"):
        more = found.median("large_blocks", 1) - found.median("large_blocks", 0)
        print(f"  a large block takes {more / 1000:.0f} us more (guards, and its pages "
              "anew each time)")
