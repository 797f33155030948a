# SPDX-License-Identifier: MIT
"""Medians, spreads and the printed tables. run.py fills Results and calls the rest."""

import statistics

import allocators
import measure


class Summary:
    """The medians of one row under one allocator."""

    def __init__(self, samples):
        times = [sample.nanoseconds for sample in samples]
        self.times = times
        self.nanoseconds = statistics.median(times)
        self.spread = (max(times) - min(times)) / self.nanoseconds
        self.peak_kib = statistics.median(sample.peak_kib for sample in samples)
        self.end_kib = statistics.median(sample.end_kib for sample in samples)
        self.faults = statistics.median(sample.faults for sample in samples)

    def time_to(self, other):
        """The median of the runs' own ratios.

        The turns of one run follow each other at once; a machine that is slower for some
        seconds slows both, which a ratio of two medians would not forgive.
        """
        return statistics.median(mine / its for mine, its in zip(self.times, other.times))


class Results:
    """Everything that one bench has found; filled by run.py."""

    def __init__(self, contestants, rows):
        self.allocators = contestants
        self.turns = list(contestants)  # in the order of the next turns
        self.rows = rows
        self.samples = {}  # (row, allocator) -> list of Sample, or Failed
        self.calls = {}  # (row, allocator) -> memory system calls
        self.traces = {}  # (trace, allocator) -> Trace, or Failed
        self.empty_traces = {}  # allocator -> Trace
        self.sealed = {}  # (arguments, allocator) -> Sample, or Failed
        self.start_up = {}
        self.populate = None  # a Populate
        self.control = None  # a Control
        self.release = None  # a Release
        self.numa = None  # a Numa
        self.profile = None       # a list of profile_cost.Cost
        self.instructions = None  # three lists of Counts; (): could not be counted

    def ours(self):
        for allocator in self.allocators:
            if allocator.name == allocators.OURS:
                return allocator
        return None

    def row(self, name, allocator):
        """A Summary; None where the row has not run or has failed."""
        samples = self.samples.get((name, allocator.name)) if allocator else None
        if not samples or isinstance(samples, measure.Failed):
            return None
        return Summary(samples)

    def peers(self, name, chosen):
        """The Summaries of a row under those allocators but ours that `chosen` picks."""
        found = [self.row(name, allocator) for allocator in self.allocators
                 if allocator.name != allocators.OURS and not allocator.is_before() and
                 chosen(allocator)]
        return [summary for summary in found if summary]


def slowest_ratio(summary, others):
    """The ratio to the fastest of some others; None where there is none."""
    return max((summary.time_to(other) for other in others), default=None)


def duration(nanoseconds):
    for unit, size in (("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= 10 * size:
            return f"{nanoseconds / size:.1f} {unit}"
    return f"{nanoseconds:.2f} ns"


def ratio(value):
    return "-" if value is None else f"{value:.2f}"


def row_table(results, row):
    summaries = {a.name: results.row(row.name, a) for a in results.allocators}
    peers = results.peers(row.name, lambda allocator: True)
    mimallocs = results.peers(row.name, allocators.Allocator.is_mimalloc)
    print(f"\n{row.name} ({row.low_bytes}-{row.high_bytes} B, {row.threads} thread(s))")
    print(f"  {'':<18}{'an operation':>13}{'spread':>8}{'/best':>7}{'/mimal':>7}"
          f"{'peak MiB':>10}{'end MiB':>9}{'faults':>9}{'calls':>8}")
    for name, summary in summaries.items():
        if not summary:
            print(f"  {name:<18}failed: {results.samples.get((row.name, name))}")
            continue
        calls = results.calls.get((row.name, name), "-")
        print(f"  {name:<18}{duration(summary.nanoseconds):>13}{summary.spread:>8.0%}"
              f"{ratio(slowest_ratio(summary, peers)):>7}"
              f"{ratio(slowest_ratio(summary, mimallocs)):>7}"
              f"{summary.peak_kib / 1024:>10.1f}{summary.end_kib / 1024:>9.1f}"
              f"{summary.faults:>9.0f}{calls:>8}")


def causes_text(counts, form):
    return ", ".join(f"{form(key)} {counts[key]}" for key in sorted(counts))


def size_range(low):
    return f"{low}-{2 * low - 1} B"


def trace_causes(trace, by_alignment):
    """One line for each kind of call: when, and by which sizes."""
    for kind in trace.kinds():
        phases = trace.phases(kind)
        when = ", ".join(f"{phase} {count}" for phase, count in phases.items())
        print(f"      {kind}: {when}")
        if "run" in phases:
            print(f"        by size: {causes_text(trace.by(kind, 2), size_range)}")
        if "run" in phases and by_alignment:
            print(f"        by alignment: {causes_text(trace.by(kind, 3), str)}")


def trace_table(results):
    empty = results.empty_traces.get(allocators.SYSTEM)
    for name in measure.TRACES:
        print(f"\nsyscall_trace {name}: 50,000 operations, working set 256, seed 42; "
              f"an empty program under glibc makes {empty.total()} calls")
        for allocator in results.allocators:
            trace = results.traces.get((name, allocator.name))
            if isinstance(trace, measure.Failed):
                print(f"  {allocator.name:<18}failed: {trace}")
                continue
            own = results.empty_traces[allocator.name].total()
            more = trace.total() - empty.total()
            print(f"  {allocator.name:<18}{trace.total():>6} calls, "
                  f"{more:>5} more than empty, last in operation "
                  f"{trace.last_operation()}; empty program preloaded {own}")
            trace_causes(trace, name == "aligned")


def sealed_table(results):
    print("\nsealed: a warm thread that forbids itself the memory system calls, 10^7 "
          "operations to 1 MiB")
    for (arguments, name), outcome in results.sealed.items():
        label = " ".join((name, *arguments))
        if isinstance(outcome, measure.Failed):
            print(f"  {label:<26}dies: {outcome}")
        else:
            print(f"  {label:<26}lives: {duration(outcome.nanoseconds)} an operation, "
                  f"peak {outcome.peak_kib / 1024:.1f} MiB")


def start_up_table(results):
    mimalloc = min((results.start_up[a.name] for a in results.allocators
                    if a.is_mimalloc() and a.name in results.start_up), default=None)
    print("\nstart-up of `true` (spawned to reaped; resident when about to exit)")
    for name, (median, low, high, resident) in results.start_up.items():
        to_mimalloc = (f"  / mimalloc {median / mimalloc[0]:.2f} "
                       f"{resident / mimalloc[3]:.2f}" if mimalloc else "")
        print(f"  {name:<18}{median / 1e3:>8.1f} us  (10-90 %: {low / 1e3:.1f}-"
              f"{high / 1e3:.1f})  {resident:>6} KiB{to_mimalloc}")


def limits_table(found):
    print("\nLimits: hakmem beside the peers of this run")
    print(f"{'':<52} {'allowed':>10} {'found':>10}")
    for limit in found:
        print(limit.line())
    missed = sum(limit.kept is False for limit in found)
    unknown = sum(limit.kept is None for limit in found)
    print(f"{len(found)} limits: {len(found) - missed - unknown} reached, {missed} not "
          f"reached, {unknown} not measured")
