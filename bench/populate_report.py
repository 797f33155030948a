# SPDX-License-Identifier: MIT
"""Prints what populate.py has found: times, memory, counters, system calls."""

import statistics

import measure
import populate
import report

MIB = 1 << 20
HUGE_SHARE = 0.5  # a peer that has more of its memory in huge pages than this is on them
COUNTERS = ("moved_bytes", "copied_bytes", "unarmed_bytes", "stock_bytes")


def median(samples, name):
    values = [sample[name] for sample in samples if name in sample]
    return statistics.median(values) if values else None


def on_huge_pages(samples):
    return statistics.median(sample.huge_share() for sample in samples) > HUGE_SHARE


def ratio(ours, theirs, name):
    """The median of the runs' own ratios: one run's turns follow each other at once."""
    return statistics.median(mine[name] / its[name] for mine, its in zip(ours, theirs))


def to_best(found, scenario, setting, ours, name, huge=None):
    """The ratio to the best peer: all of them, or those that are on huge pages or not."""
    ratios = []
    for peer in found.peers():
        theirs = found.runs(scenario, setting, peer.name)
        if theirs and (huge is None or on_huge_pages(theirs) == huge):
            ratios.append(ratio(ours, theirs, name))
    return max(ratios, default=None)


def late_faults_per_mib(samples):
    """Faults for each MiB grown after the first, plain part."""
    return statistics.median(sample["late_faults"] / (sample["bytes"] / MIB - 16)
                             for sample in samples)


def time_text(nanoseconds):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def optional(value, form):
    return "-" if value is None else form.format(value)


def scenario_line(found, scenario, setting, name, samples):
    sums = [sample["sum_ns"] for sample in samples]
    spread = (max(sums) - min(sums)) / statistics.median(sums)
    times = f"{time_text(median(samples, 'sum_ns')):>9}{time_text(max(sums)):>9}"
    times += "".join(f"{time_text(median(samples, key)):>9}" for key in
                    ("p50_ns", "p99_ns", "p999_ns", "late_p999_ns",
                     "most_ns", "wall_ns", "cpu_ns"))
    small = to_best(found, scenario, setting, samples, "sum_ns", huge=False)
    huge = to_best(found, scenario, setting, samples, "sum_ns", huge=True)
    later = median(samples, "second_later_resident_kib")
    print(f"  {name:<20}{times}{spread:>6.0%}{report.ratio(small):>7}"
          f"{report.ratio(huge):>7}{late_faults_per_mib(samples):>7.1f}"
          f"{median(samples, 'resident_kib') / 1024:>7.0f}"
          f"{optional(later and later / 1024, '{:.0f}'):>7}"
          f"{statistics.median(s.huge_share() for s in samples):>6.0%}"
          f"{median(samples, 'mappings'):>5.0f}"
          f"{optional(median(samples, 'idle_wakeups'), '{:.0f}'):>5}")


def scenario_table(found, scenario, setting):
    works, threads = populate.SCENARIOS[scenario]
    if not any(key[:2] == (scenario, setting) for key in found.samples):
        return
    between = "with work between" if works == "work" else "no work"
    memory = "cold" if scenario.endswith(populate.COLD) else "warm"
    print(f"\npopulate {scenario}: {between}, {threads} thread(s), {memory} memory, "
          f"huge pages {setting}")
    times = "".join(f"{title:>9}" for title in
                    ("sum", "worst", "p50", "p99", "p99.9", "late", "max", "wall", "cpu"))
    print(f"  {'':<20}{times}{'spr.':>6}{'/4Ki':>7}{'/huge':>7}{'flt/M':>7}{'MiB':>7}"
          f"{'+1 s':>7}{'huge':>6}{'maps':>5}{'wake':>5}")
    for contestant in found.contestants:
        samples = found.samples.get((scenario, setting, contestant.name))
        if isinstance(samples, measure.Failed):
            print(f"  {contestant.name:<20}failed: {samples}")
        elif samples:
            scenario_line(found, scenario, setting, contestant.name, samples)


def counters_table(found):
    """The library's own counters; nothing where it has none."""
    lines = []
    for (scenario, setting, name), samples in found.samples.items():
        if isinstance(samples, measure.Failed) or \
           "grown.populate.moved_bytes" not in samples[0]:
            continue
        values = [median(samples, f"grown.populate.{key}") / MIB for key in COUNTERS]
        lines.append(f"  {name:<20}{scenario:<9}{setting:<9}" +
                     "".join(f"{value:>9.1f}" for value in values) +
                     f"{median(samples, 'grown.helper.wakeups'):>9.0f}")
    if lines:
        print("\npopulate: the library's own counters when all has been grown, MiB\n"
              f"  {'':<38}{'moved':>9}{'copied':>9}{'unarmed':>9}{'stock':>9}"
              f"{'wakeups':>9}")
        print("\n".join(lines))


def calls_text(counts):
    return ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"


def trace_line(name, outcome):
    if isinstance(outcome, measure.Failed):
        print(f"  {name:<20}failed: {outcome}")
        return
    trace, sample = outcome
    print(f"  {name:<20}growing {sum(trace.counts('run').values())}: "
          f"{calls_text(trace.counts('run'))}")
    helper = trace.counts("thread")
    if not helper:
        return
    print(f"  {'':<20}helper: {calls_text(helper)}")
    print(f"  {'':<20}moved {trace.bytes('UFFDIO_MOVE') / MIB:.1f} MiB, copied "
          f"{trace.bytes('UFFDIO_COPY') / MIB:.1f} MiB says the kernel; the library "
          f"{optional_mib(sample, 'moved')}, {optional_mib(sample, 'copied')}")


def optional_mib(sample, key):
    value = sample.get(f"end.populate.{key}_bytes")
    return "-" if value is None else f"{value / MIB:.1f}"


def trace_tables(found):
    for title, traces in ((f"{populate.TRACE_MIB} MiB, work between, 1 thread",
                           found.traces),
                          (f"{populate.SMALL_MIB} MiB: the plain part", found.small)):
        print(f"\npopulate: memory system calls while growing to {title}")
        for name, outcome in traces.items():
            trace_line(name, outcome)


def calibration_line(found):
    """What cold memory was like; a machine may have none."""
    if not found.calibrations:
        return
    huge, small = (statistics.median(costs) for costs in zip(*found.calibrations))
    cold = sum(costs[0] > populate.COLD_HUGE_NS for costs in found.calibrations)
    print(f"\npopulate: before each cold turn the first touch of a huge page "
          f"took {time_text(huge)}, of 512 small ones {time_text(small)} (medians); in "
          f"{cold} of {len(found.calibrations)} turns memory was cold"
          f"{'' if cold else ': this machine has none'}")


def tables(found):
    for scenario in populate.SCENARIOS:
        for setting in found.settings:
            scenario_table(found, scenario, setting)
    calibration_line(found)
    counters_table(found)
    trace_tables(found)
