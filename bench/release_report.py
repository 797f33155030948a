# SPDX-License-Identifier: MIT
"""Prints what release.py has found: memory over time, processor time, answers."""

import statistics

import measure
import release

MIB_KIB = 1024
SECONDS = (0, 1, 2, 3, 5)


def median(samples, name):
    return statistics.median(sample[name] for sample in samples)


def good(samples):
    """The runs, or None if there are none or one failed."""
    return None if isinstance(samples, measure.Failed) or not samples else samples


def per_mib(sample, name):
    """Nanoseconds for each MiB that went back."""
    return sample[name] / (max(sample["given_kib"], 1) / MIB_KIB)


def mib_columns(sample, kind):
    return "".join(f"{sample[f'at_{second}_{kind}_kib'] / MIB_KIB:>7.0f}"
                   for second in SECONDS)


def series_line(name, samples, cgroup):
    if isinstance(samples, measure.Failed):
        print(f"  {name:<12}failed: {samples}")
        return
    sample = samples[-1]
    print(f"  {name:<12}{sample['full_kib'] / MIB_KIB:>7.0f}"
          f"{sample['live_kib'] / MIB_KIB:>6.0f}{mib_columns(sample, 'resident')}"
          f"{mib_columns(sample, 'cgroup') if cgroup else ''}"
          f"{sample['free_ns'] / (sample['full_kib'] / MIB_KIB) / 1000:>9.2f}")


def series_table(found, scenario):
    of_scenario = {name: samples for (at, name), samples in found.series.items()
                   if at == scenario}
    if not of_scenario:
        return
    program, block = release.SERIES[scenario]
    beside = f", then of its cgroup ({found.cgroup})" if found.cgroup else \
        "; no cgroup could be made here"
    print(f"\n{scenario}: {program}, blocks of {block} B; resident MiB{beside}, "
          "by seconds after the last free")
    seconds = "".join(f"{f'{second} s':>7}" for second in SECONDS)
    print(f"  {'':<12}{'full':>7}{'live':>6}{seconds}"
          f"{seconds if found.cgroup else ''}{'free us/M':>11}")
    for name, samples in of_scenario.items():
        series_line(name, samples, found.cgroup)


def saw_table(found):
    if not found.saw:
        return
    print(f"\n{release.SAW}: {release.SAW_MIB} MiB freed and allocated again every 250 ms, "
          "36 times each with releasing and without")
    samples = good(found.saw[release.SAW])
    if not samples:
        print(f"  failed: {found.saw[release.SAW]}")
        return
    for name, key in (("with", "saw"), ("without", "saw_off")):
        print(f"  {name:<10}frees {median(samples, f'{key}_free_ns') / 1e6:.1f} ms, "
              f"busy {median(samples, f'{key}_busy_ns') / 1e6:.1f} ms, "
              f"processor {median(samples, f'{key}_cpu_ns') / 1e6:.1f} ms")
    print(f"  given back {max(sample['saw_given_bytes'] for sample in samples)} B; before, "
          f"of what the program began with, {median(samples, 'saw_given_before_bytes')} B")


def cost_table(found):
    if not found.cost:
        return
    print(f"\n{release.COST}: processor time, without the program's own thread, of giving "
          "memory back\n"
          f"  {'':<25}{'us/MiB':>8}{'MiB':>7}{'ring':>7}{'vector':>8}{'plain':>7}"
          f"{'free us/M':>11}")
    for way, samples in found.cost.items():
        if not good(samples):
            print(f"  {way:<25}failed: {samples}")
            continue
        cost = statistics.median(per_mib(sample, "give_back_cpu_ns") for sample in samples)
        frees = statistics.median(per_mib(sample, "free_ns") for sample in samples)
        shares = "".join(f"{by_way(samples, kind):>{width}}" for kind, width in
                         (("ring", 7), ("vector", 8), ("plain", 7)))
        print(f"  {way:<25}{cost / 1000:>8.1f}{median(samples, 'given_kib') / 1024:>7.0f}"
              f"{shares}{frees / 1000:>11.2f}")


def by_way(samples, kind):
    name = f"release.{kind}_bytes"
    return "-" if name not in samples[0] else f"{median(samples, name) / 2**20:.0f}"


def percentile(times, share):
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def is_there(what, result):
    """False: it was not measured, or failed, which is printed."""
    if isinstance(result, measure.Failed):
        print(f"\n{what}: failed: {result}")
    return result is not None and not isinstance(result, measure.Failed)


def answer_table(found):
    if not is_there(release.ANSWER, found.answers):
        return
    times = [seconds * 1000 for seconds in found.answers]
    print(f"\n{release.ANSWER}: {len(times)} requests to the helper while memory goes back: "
          f"p50 {percentile(times, 0.5):.2f} ms, p99 {percentile(times, 0.99):.2f} ms, "
          f"longest {max(times):.2f} ms")


def kernel_table(found):
    if not is_there(release.KERNEL, found.kernel):
        return
    trace = found.kernel
    ours = trace.values["release.ring_bytes"]
    print(f"\n{release.KERNEL}: of a burst, by the kernel's event rss_stat: "
          f"{trace.by_workers / 2**20:.0f} MiB dropped by workers of io_uring, "
          f"{trace.by_others / 2**20:.0f} MiB by other threads; the library counts "
          f"{ours / 2**20:.0f} MiB through the ring")


def calls_text(counts):
    return ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"


def trace_table(found):
    if not is_there("release: memory system calls", found.trace):
        return
    trace, _ = found.trace
    print("\nrelease: memory system calls from the first free on\n"
          f"  the program's thread: {calls_text(trace.counts('run'))}\n"
          f"  the helper, its start included: {calls_text(trace.counts('thread'))}")


def tables(found):
    for scenario in release.SERIES:
        series_table(found, scenario)
    trace_table(found)
    saw_table(found)
    cost_table(found)
    kernel_table(found)
    answer_table(found)
