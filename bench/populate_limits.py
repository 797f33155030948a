# SPDX-License-Identifier: MIT
"""What hakmem promises of a heap that grows, judged with populate's numbers.

Each setting of huge pages is judged against the peers under the same one. Under madvise,
a peer that got most of its memory in huge pages all the same is judged as one on huge
pages. run.py calls judge() after limits.judge().
"""

import statistics

import allocators
import huge_pages
import measure
import populate
import populate_report as report
from limits import Limit, at_most

SUM_TO_SMALL_PAGES = 0.25
SUM_TO_HUGE_PAGES = 0.35
P999_TO_BEST = 0.2
CPU_TO_SMALL_PAGES = 1.0
BURST_WALL_TO_BEST = 1.0
COLD_TIME, COLD_WORST, COLD_LATE, COLD_CPU = 0.8, 1.0, 1.0, 1.1
LATE_FAULTS_PER_MIB = 1.0
RESIDENT_MORE_SHARE = 0.08
RESIDENT_MORE_KIB = 16 << 10
SECOND_LATER_TO_OFF = 1.02
MOVED_SHARE = 0.8
CALLS_WHILE_GROWING = 11
IDLE_WAKEUPS = 2
PLAIN_BYTES = 16 << 20
SUPERSLAB_BYTES = 2 << 20
DESCRIPTOR_CALLS = ("userfaultfd", "io_uring_setup")


def times(best, setting):
    """4 KiB pages are judged where the kernel gives them to who does not ask."""
    if setting == huge_pages.HUGE:
        return best("time / best peer", "sum_ns", SUM_TO_HUGE_PAGES)
    return (best("time / 4 KiB peers", "sum_ns", SUM_TO_SMALL_PAGES, huge=False) +
            best("time / huge-page peers", "sum_ns", SUM_TO_HUGE_PAGES, huge=True) +
            best("processor / 4 KiB peers", "cpu_ns", CPU_TO_SMALL_PAGES, huge=False))


def against_peers(found, scenario, setting, ours):
    what = f"{scenario} {setting}"

    def best(title, name, most, huge=None):
        value = report.to_best(found, scenario, setting, ours, name, huge)
        # peers of one kind of pages only: nothing to judge of the other
        return [] if value is None else [at_most(f"{what}: {title}", value, most)]

    if scenario.startswith("work"):
        return (times(best, setting) +
                best("p99.9 / best peer", "p999_ns", P999_TO_BEST))
    if scenario == "burst_2":
        return best("wall / best peer", "wall_ns", BURST_WALL_TO_BEST)
    return []


def resident_more(ours, off):
    """KiB more than without helpers, over what is allowed then; run by run."""
    return statistics.median(
        (mine["resident_kib"] - its["resident_kib"]) /
        max(RESIDENT_MORE_SHARE * its["resident_kib"], RESIDENT_MORE_KIB)
        for mine, its in zip(ours, off))


def against_off(found, scenario, setting, ours):
    off = found.runs(scenario, setting, populate.OFF)
    what = f"{scenario} {setting}"
    if not off:
        return []
    result = [at_most(f"{what}: more resident / allowed", resident_more(ours, off), 1.0)]
    if all("second_later_resident_kib" in sample for sample in ours + off):
        result.append(at_most(
            f"{what}: resident 1 s later / without",
            report.ratio(ours, off, "second_later_resident_kib"), SECOND_LATER_TO_OFF,
            "{:.3f}"))
    return result


def moved_share(sample):
    """The bytes that arrived by MOVE and are in use, of those grown past the plain part.

    The growth is the kernel's: resident pages, without those that wait in the stock.
    """
    stock = sample["grown.populate.stock_bytes"]
    grown = (sample["resident_kib"] - sample["resident_before_kib"]) * 1024
    return ((sample["grown.populate.moved_bytes"] - stock) /
            max(grown - stock - PLAIN_BYTES, 1))


def of_the_helper(scenario, setting, ours):
    what = f"{scenario} {setting}"
    result = [at_most(f"{what}: faults a MiB, late",
                      report.late_faults_per_mib(ours), LATE_FAULTS_PER_MIB)]
    if scenario.startswith("work"):
        known = "grown.populate.moved_bytes" in ours[0]
        share = statistics.median(map(moved_share, ours)) if known else None
        found = f"{share:.2f}" if known else "-"
        result.append(Limit(f"{what}: share that came by MOVE", f">= {MOVED_SHARE}",
                            found, share >= MOVED_SHARE if known else None))
    wakeups = report.median(ours, "idle_wakeups")
    if wakeups is not None:
        result.append(at_most(f"{what}: wake-ups in an idle second", wakeups,
                              IDLE_WAKEUPS, "{:.0f}"))
    return result


def trace_limits(found):
    outcome = found.traces.get(allocators.OURS)
    what = f"growing to {populate.TRACE_MIB} MiB"
    if outcome is None or isinstance(outcome, measure.Failed):
        return [Limit(f"{what}: traced", "runs", "failed", False)]
    trace, sample = outcome
    result = [at_most(f"{what}: memory calls of its threads",
                      sum(trace.counts("run").values()), CALLS_WHILE_GROWING, "{}")]
    for request, key in (("MOVE", "moved"), ("COPY", "copied")):
        counter = sample.get(f"end.populate.{key}_bytes")
        apart = None if counter is None else \
            abs(counter - trace.bytes(f"UFFDIO_{request}"))
        result.append(at_most(f"{what}: {request}, trace apart, B", apart,
                              SUPERSLAB_BYTES, "{}"))
    return result


def small_limits(found):
    """A process under the plain part, beside the same one under the C library."""
    ours = found.small.get(allocators.OURS)
    plain = found.small.get(allocators.SYSTEM)
    what = f"growing to {populate.SMALL_MIB} MiB"
    if not ours or not plain or isinstance(ours, measure.Failed) or \
       isinstance(plain, measure.Failed):
        return [Limit(f"{what}: traced", "runs", "failed", False)]
    trace, sample = ours
    opened = sum(trace.kind_total(kind) for kind in DESCRIPTOR_CALLS)
    return [at_most(f"{what}: threads of a helper", sample["other_threads"], 0, "{}"),
            at_most(f"{what}: more descriptors than with glibc",
                    sample["descriptors"] - plain[1]["descriptors"], 0, "{}"),
            at_most(f"{what}: userfaultfd and rings opened", opened, 0, "{}")]


def of_cold(found, scenario, setting):
    """Beside the best peer in each number; nothing where the scenario was not run."""
    ours = found.runs(scenario, setting, allocators.OURS)
    peers = [runs for runs in (found.runs(scenario, setting, peer.name)
                               for peer in found.peers()) if runs]
    if not ours or not peers:
        return []
    best = min(report.median(runs, "sum_ns") for runs in peers)
    return [at_most(f"{scenario}: {what} / best peer's", value, most) for what, value, most in (
        ("time", report.to_best(found, scenario, setting, ours, "sum_ns"), COLD_TIME),
        ("worst time / median", max(sample["sum_ns"] for sample in ours) / best, COLD_WORST),
        ("p99.9", report.to_best(found, scenario, setting, ours, "p999_ns"), COLD_LATE),
        ("processor time", report.to_best(found, scenario, setting, ours, "cpu_ns"),
         COLD_CPU))]


def judge(found):
    if found is None or not any(contestant.is_ours for contestant in found.contestants):
        return []
    result = []
    for scenario in populate.SCENARIOS:
        if scenario.endswith(populate.COLD):
            result += of_cold(found, scenario, found.settings[0])
            continue
        for setting in found.settings:
            ours = found.runs(scenario, setting, allocators.OURS)
            if not ours:
                result.append(Limit(f"{scenario} {setting}", "runs", "failed", False))
                continue
            result += against_peers(found, scenario, setting, ours)
            result += against_off(found, scenario, setting, ours)
            result += of_the_helper(scenario, setting, ours)
    return result + trace_limits(found) + small_limits(found)
