# SPDX-License-Identifier: MIT
"""The limits that hakmem has set itself, each judged with its number.

"mimalloc" is whichever mimalloc among the peers did best. run.py calls judge().
"""

import math

import allocators
import callgrind
import measure
import report

MALLOC_INSTRUCTIONS = 16
FREE_INSTRUCTIONS = 21
MEMALIGN_INSTRUCTIONS = 24      # 1.5 times malloc's; to 16 bytes it has malloc's own path
MEMALIGN_TO_16_INSTRUCTIONS = 18
TIME_TO_FASTEST = 1.05
TIME_TO_BEFORE = 1.02
MIDDLE_TIME_TO_MIMALLOC = 0.6
MIDDLE_LOW_BYTES, MIDDLE_HIGH_BYTES = 1025, 8191
PRODUCER_CONSUMER_TO_MIMALLOC = 1.0
RESIDENT_TO_LOWEST = 0.95       # the mean; …
RESIDENT_TO_LOWEST_MOST = 1.3   # … and the row that is worst
# Peaks of rows with an allocator to match of their own: those the name begins with, and how much.
PATTERN_PEAK_TO = {
    "larson_4": ("jemalloc", 1.1), "exchange_4": ("mimalloc", 1.1),
    "sessions_1": ("jemalloc", 1.15), "sessions_4": ("jemalloc", 1.15),
    "phases": ("jemalloc", 1.15),
}
# What lives in these rows, and the share of it that a peak may be; their tables are left out.
LIVE = {"sessions_1": (69, 22, 1.5), "sessions_4": (69, 29, 1.5), "phases": (100, 34, 1.8)}
CALLS_MORE_THAN_EMPTY = 10
LAST_OPERATION = 1000
START_UP_TO_MIMALLOC = 1.1


# Rows of patterns that programs have, each with a limit of its own, and in no mean of sizes.
PATTERN_TIME_TO_FASTEST = {
    "aligned_8": 1.1, "aligned_16": 1.1, "aligned_64": 1.1, "aligned_4096": 1.1,
    "aligned_mixed": 1.1, "lifo_4096_many": 1.0, "large_turns": 1.03, "larson_2": 1.03,
    "handover_8": 1.03,
    "messages_2": 1 / 0.95, "messages_8": 1 / 0.95, "messages_64": 1 / 0.95,
}
PATTERN_NANOSECONDS = {"free_tail": 2000}
PATTERN_PEAK_MIB = {"idle_threads_1000": 150, "fork_free_all": 8, "fork_free_some": 6}
# 150 KiB a thread, and the process
PATTERN_END_MIB = {"fork_free_some": 6, "first_work_500": 76}
PATTERN_TIME_TO = {"threads_1000": ("jemalloc", 1.0)}
PATTERNS_WITHOUT_LIMIT = ("messages_256", *LIVE)
PATTERNS = {*PATTERN_TIME_TO_FASTEST, *PATTERN_NANOSECONDS, *PATTERN_PEAK_MIB,
            *PATTERN_END_MIB, *PATTERN_TIME_TO, *PATTERNS_WITHOUT_LIMIT}


class Limit:
    """One promise: what it is, what was found, whether it is kept (None: unknown)."""

    def __init__(self, what, allowed, found, kept):
        self.what = what
        self.allowed = allowed
        self.found = found
        self.kept = kept

    def line(self):
        verdict = {True: "reached", False: "NOT REACHED", None: "not measured"}[self.kept]
        return f"{self.what:<52} {self.allowed:>10} {self.found:>10}  {verdict}"


def at_most(what, value, most, form="{:.2f}"):
    if value is None:
        return Limit(what, "<= " + form.format(most), "-", None)
    return Limit(what, "<= " + form.format(most), form.format(value), value <= most)


def instructions(mallocs, frees, aligned):
    found = []
    for name, counts, most in (("malloc", mallocs, MALLOC_INSTRUCTIONS),
                               ("free", frees, FREE_INSTRUCTIONS)):
        worst, size_bytes = callgrind.worst(counts)
        found.append(at_most(f"instructions of {name}, worst size ({size_bytes} B)",
                             worst, most, "{}"))
    for count in aligned:
        most = MEMALIGN_TO_16_INSTRUCTIONS if count.size_bytes <= 16 else MEMALIGN_INSTRUCTIONS
        found.append(at_most(f"instructions of memalign, to {count.size_bytes} B",
                             count.typical, most, "{}"))
    return found


def instruction_limits(results):
    if results.instructions is None:
        return []
    if not results.instructions:
        return [at_most("instructions of malloc", None, MALLOC_INSTRUCTIONS, "{}"),
                at_most("instructions of free", None, FREE_INSTRUCTIONS, "{}")]
    return instructions(*results.instructions)


def ratio(ours, other):
    return ours / other if other else None


def time_ratio(ours, peers):
    return report.slowest_ratio(ours, peers) if ours else None


def pattern_limits(results):
    found = []
    for row in results.rows:
        mine = results.row(row.name, results.ours())
        most = PATTERN_TIME_TO_FASTEST.get(row.name)
        if most:
            fastest = time_ratio(mine, results.peers(row.name, lambda a: True))
            found.append(at_most(f"{row.name}: time / fastest peer's", fastest, most))
        name, most = PATTERN_TIME_TO.get(row.name, (None, None))
        if name:
            its = time_ratio(mine, results.peers(
                row.name, lambda a, name=name: a.name.startswith(name)))
            found.append(at_most(f"{row.name}: time / {name}'s", its, most))
        for what, limits, value in (
                ("ns", PATTERN_NANOSECONDS, mine and mine.nanoseconds),
                ("MiB", PATTERN_PEAK_MIB, mine and mine.peak_kib / 1024),
                ("MiB at the end", PATTERN_END_MIB, mine and mine.end_kib / 1024)):
            if row.name in limits:
                found.append(at_most(f"{row.name}: {what}", value, limits[row.name],
                                     "{:.4g}"))
    return found


def row_limits(results):
    found = []
    ours = results.ours()
    for row in results.rows:
        if row.name in PATTERNS:
            continue
        mine = results.row(row.name, ours)
        fastest = time_ratio(mine, results.peers(row.name, lambda a: True))
        mimalloc = time_ratio(
            mine, results.peers(row.name, allocators.Allocator.is_mimalloc))
        if row.threads == 1:
            found.append(at_most(f"{row.name}: time / fastest peer's",
                                 fastest, TIME_TO_FASTEST))
            if MIDDLE_LOW_BYTES <= row.low_bytes and row.high_bytes <= MIDDLE_HIGH_BYTES:
                found.append(at_most(f"{row.name}: time / mimalloc's",
                                     mimalloc, MIDDLE_TIME_TO_MIMALLOC))
        elif row.name.startswith("producer_consumer"):
            found.append(at_most(f"{row.name}: time / mimalloc's",
                                 mimalloc, PRODUCER_CONSUMER_TO_MIMALLOC))
    return found


def geometric_mean(ratios):
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))


def resident_limit(results):
    """Of ours / the lower of mimalloc and jemalloc: the geometric mean, and the worst row."""
    ratios = {}
    for row in results.rows:
        mine = results.row(row.name, results.ours())
        peers = results.peers(row.name, lambda a: a.is_mimalloc() or a.is_jemalloc())
        if mine and peers and row.name not in PATTERNS:
            ratios[row.name] = mine.peak_kib / min(peer.peak_kib for peer in peers)
    if not ratios:
        return []
    worst = max(ratios, key=ratios.get)
    return [at_most(f"peak resident / lowest, mean of {len(ratios)} rows",
                    geometric_mean(ratios.values()), RESIDENT_TO_LOWEST),
            at_most(f"peak resident / lowest, worst row ({worst})", ratios[worst],
                    RESIDENT_TO_LOWEST_MOST)]


def peak_limits(results):
    """Rows whose peak has a peer to match, or what lives in them."""
    found = []
    for row in results.rows:
        mine = results.row(row.name, results.ours())
        if mine and row.name in PATTERN_PEAK_TO:
            name, most = PATTERN_PEAK_TO[row.name]
            peers = results.peers(row.name, lambda a, name=name: a.name.startswith(name))
            lowest = min((peer.peak_kib for peer in peers), default=None)
            found.append(at_most(f"{row.name}: peak / {name}'s",
                                 ratio(mine.peak_kib, lowest), most))
        if mine and row.name in LIVE:
            live, tables, most = LIVE[row.name]
            found.append(at_most(f"{row.name}: peak without tables / {live} MiB live",
                                 (mine.peak_kib / 1024 - tables) / live, most))
    return found


def before_limit(results):
    """Of times of this hakmem to those of another whose name in PEERS begins with "before"."""
    ratios = []
    for row in results.rows:
        mine = results.row(row.name, results.ours())
        before = next((a for a in results.allocators if a.is_before()), None)
        its = results.row(row.name, before)
        if mine and its:
            ratios.append(mine.time_to(its))
    if not ratios:
        return []
    return [at_most(f"time / before, mean of {len(ratios)} rows", geometric_mean(ratios),
                    TIME_TO_BEFORE)]


def trace_limits(results):
    found = []
    empty = results.empty_traces.get(allocators.SYSTEM)
    for name in measure.TRACES:
        trace = results.traces.get((name, allocators.OURS))
        if trace is None or empty is None:
            continue
        what = f"syscall_trace {name}"
        if isinstance(trace, measure.Failed):
            found.append(Limit(what, "runs", "failed", False))
            continue
        found.append(at_most(f"{what}: calls more than empty", trace.total() -
                             empty.total(), CALLS_MORE_THAN_EMPTY, "{}"))
        found.append(at_most(f"{what}: operation of the last call",
                             trace.last_operation(), LAST_OPERATION, "{}"))
    return found


def sealed_limits(results):
    found = []
    for arguments, allocator in results.sealed:
        if allocator != allocators.OURS:
            continue
        outcome = results.sealed[arguments, allocator]
        what = " ".join(("sealed thread lives", *arguments))
        lived = not isinstance(outcome, measure.Failed)
        found.append(Limit(what, "lives", "lives" if lived else "dies", lived))
    return found


def start_up_limits(results):
    ours = results.start_up.get(allocators.OURS)
    peers = [results.start_up[a.name] for a in results.allocators
             if a.is_mimalloc() and a.name in results.start_up]
    if not ours:
        return []
    wall = ratio(ours[0], min((peer[0] for peer in peers), default=None))
    resident = ratio(ours[3], min((peer[3] for peer in peers), default=None))
    return [at_most("start-up: wall time / mimalloc's", wall, START_UP_TO_MIMALLOC),
            at_most("start-up: resident size / mimalloc's", resident,
                    START_UP_TO_MIMALLOC)]


def judge(results):
    """All limits that the results can speak of, in the order of the promises."""
    if results.ours() is None:
        return []
    return (instruction_limits(results) + row_limits(results) + pattern_limits(results) +
            resident_limit(results) + peak_limits(results) + before_limit(results) +
            trace_limits(results) + sealed_limits(results) + start_up_limits(results))
