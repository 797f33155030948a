# SPDX-License-Identifier: MIT
"""What hakmem promises of memory that goes back, judged with release's numbers.

run.py calls judge().
"""

import statistics

import allocators
import measure
import release
import release_report as report
from limits import Limit, at_most

BURST_SHARE = 1.1
BURST_MORE_KIB = 16 << 10
FREE_US_PER_MIB = 1.0
RING_SHARE = 0.8
AGREES = 0.02
SAW_TIME = 1.01
SMALL_TO_OWN = 1.2
RING_TO_OWN = 2.0
ANSWER_MS = 10.0

# way, the program's own way, at most
COSTS = (
    ("ring", release.OWN, RING_TO_OWN),
    ("ring, huge pages", release.OWN_HUGE, RING_TO_OWN),
    ("plain", release.OWN, SMALL_TO_OWN),
    ("vector, holes", release.OWN_HOLES, SMALL_TO_OWN),
)


def last(found, scenario, name):
    samples = report.good(found.series.get((scenario, name)))
    return samples[-1] if samples else None


def failed(what):
    return [Limit(what, "runs", "failed", False)]


def comes_down(found, scenario):
    """Within a tenth of live + 16 MiB two seconds later, and it stays there."""
    if (scenario, allocators.OURS) not in found.series:
        return []
    sample = last(found, scenario, allocators.OURS)
    if not sample:
        return failed(scenario)
    allowed = BURST_SHARE * sample["live_kib"] + BURST_MORE_KIB
    result = []
    for kind in ("resident", *(["cgroup"] if found.cgroup else [])):
        most = max(sample[f"at_{second}_{kind}_kib"] for second in (2, 3, 4, 5))
        result.append(at_most(f"{scenario}: {kind} from 2 s on / allowed", most / allowed,
                              1.0))
    return result


def survivors(found):
    scenario = "release_survivors"
    if (scenario, allocators.OURS) not in found.series:
        return []
    mine = last(found, scenario, allocators.OURS)
    if not mine:
        return failed(scenario)
    peers = [last(found, scenario, a.name) for a in found.allocators
             if a.name != allocators.OURS]
    lowest = min((peer["at_5_resident_kib"] for peer in peers if peer), default=None)
    if lowest is None:
        return []
    return [at_most(f"{scenario}: resident after 5 s / lowest peer",
                    mine["at_5_resident_kib"] / lowest, 1.0)]


def large_frees(found):
    """Their frees do hardly anything else than hand memory over: the time as it is."""
    sample = last(found, "release_large", allocators.OURS)
    if not sample:
        return []
    return [at_most("release_large: time of the frees, us a MiB",
                    report.per_mib(sample, "free_ns") / 1000, FREE_US_PER_MIB)]


def calls(found):
    what = "release: memory calls of the program's threads"
    if found.trace is None:
        return []
    if isinstance(found.trace, measure.Failed):
        return failed(what)
    return [at_most(what, sum(found.trace[0].counts("run").values()), 0, "{}")]


def saw(found):
    if not found.saw:
        return []
    samples = report.good(found.saw[release.SAW])
    if not samples:
        return failed(release.SAW)

    def ratio(kind):
        return statistics.median(sample[f"saw_{kind}_ns"] / sample[f"saw_off_{kind}_ns"]
                                 for sample in samples)

    return [at_most(f"{release.SAW}: time / without releasing", ratio("busy"), SAW_TIME,
                    "{:.3f}"),
            at_most(f"{release.SAW}: processor / without releasing", ratio("cpu"), SAW_TIME,
                    "{:.3f}"),
            at_most(f"{release.SAW}: frees, us a MiB more", statistics.median(
                (sample["saw_free_ns"] - sample["saw_off_free_ns"]) / 1000 /
                release.SAW_FREED_MIB for sample in samples), FREE_US_PER_MIB),
            at_most(f"{release.SAW}: bytes given back",
                    max(sample["saw_given_bytes"] for sample in samples), 0, "{}")]


def ratio_to_own(found, way, own_way):
    """Of the medians: a run's noise is larger than what is measured."""
    mine, own = report.good(found.cost.get(way)), report.good(found.cost.get(own_way))
    if not mine or not own:
        return None

    def cost(samples):
        return statistics.median(report.per_mib(sample, "give_back_cpu_ns")
                                 for sample in samples)

    return cost(mine) / cost(own)


def ring_share(samples):
    return statistics.median(sample["release.ring_bytes"] / max(sample["release.bytes"], 1)
                             for sample in samples)


def cost(found):
    if not found.cost:
        return []
    result = [at_most(f"{release.COST}: {way} / {own}, processor",
                      ratio_to_own(found, way, own), most)
              for way, own, most in COSTS]
    ring = report.good(found.cost.get("ring"))
    share = ring_share(ring) if ring else None
    result.append(Limit(f"{release.COST}: share through the ring", f">= {RING_SHARE}",
                        "-" if share is None else f"{share:.2f}",
                        None if share is None else share >= RING_SHARE))
    return result


def kernel(found):
    """Where the kernel cannot be asked nothing is judged; the table says why."""
    if found.kernel is None or isinstance(found.kernel, measure.Failed):
        return []
    share, to_ours = found.kernel.share(), found.kernel.to_ours()
    return [Limit(f"{release.KERNEL}: share dropped by ring workers", f">= {RING_SHARE}",
                  f"{share:.2f}", share >= RING_SHARE),
            Limit(f"{release.KERNEL}: the kernel's bytes / ours", f"1 +- {AGREES}",
                  f"{to_ours:.3f}", abs(to_ours - 1) <= AGREES)]


def answers(found):
    if found.answers is None:
        return []
    if isinstance(found.answers, measure.Failed):
        return failed(release.ANSWER)
    return [at_most(f"{release.ANSWER}: longest answer, ms", max(found.answers) * 1000,
                    ANSWER_MS)]


def judge(found):
    if found is None or not release.ours(found.allocators):
        return []
    return (comes_down(found, "release_burst") + comes_down(found, "release_large") +
            survivors(found) + large_frees(found) + calls(found) + saw(found) +
            cost(found) + kernel(found) + answers(found))
