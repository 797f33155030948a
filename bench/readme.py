# SPDX-License-Identifier: MIT
"""Puts what one bench has found into a README, in Markdown. run.py calls write()."""

import os

import allocators
import machine
import populate_report
import report

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
SCENARIOS = {
    "work_1": "grow by 512 MiB with work between, 1 thread",
    "work_2": "the same, 2 threads",
    "burst_1": "grow by 512 MiB at full speed, 1 thread",
    "burst_2": "the same, 2 threads",
}


def table_row(*cells):
    return "| " + " | ".join(cells) + " |"


def row_cell(summary):
    if not summary:
        return "-"
    return f"{report.duration(summary.nanoseconds)}, {summary.peak_kib / 1024:.0f}"


def populate_cell(samples):
    if not samples:
        return "-"
    median = populate_report.median
    return (f"{populate_report.time_text(median(samples, 'sum_ns'))}, "
            f"{median(samples, 'resident_kib') / 1024:.0f}")


def lines(results):
    contestants = results.allocators
    yield table_row("an operation; peak MiB", *(a.name for a in contestants))
    yield table_row("---", *("---:" for _ in contestants))
    for row in results.rows:
        yield table_row(f"`{row.name}`",
                        *(row_cell(results.row(row.name, a)) for a in contestants))
    found = results.populate
    if found:
        setting = found.settings[0]
        for scenario, what in SCENARIOS.items():
            yield table_row(f"{what}: all of it; MiB", *(
                populate_cell(found.runs(scenario, setting, a.name)) for a in contestants))
    if results.start_up:
        yield table_row("start of `true`", *(
            f"{results.start_up[a.name][0] / 1e6:.2f} ms, "
            f"{results.start_up[a.name][3] / 1024:.1f}"
            if a.name in results.start_up else "-" for a in contestants))


def description(results, runs):
    command = f"make bench README=1 RUNS={runs} BENCH=\"{os.environ.get('BENCH', '')}\""
    libraries = ", ".join(os.path.basename(os.path.realpath(a.library))
                          for a in results.allocators
                          if a.library and a.name != allocators.OURS)
    return (f"`{command}`: {machine.processor()}, {len(os.sched_getaffinity(0))} processors, "
            f"Linux {os.uname().release.split('-')[0]}; medians of {runs} interleaved runs; "
            f"{libraries}.")


def write(results, runs, path):
    """Replaces what is between the marks, each on a line of its own."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = "\n".join(lines(results))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{description(results, runs)}\n\n{table}\n{END}{after}")
