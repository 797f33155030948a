# SPDX-License-Identifier: MIT
"""Puts what one bench has found into RESULTS.md, in Markdown. run.py calls write()."""

import os
import sys
import textwrap

import allocators
import machine
import populate_report
import report

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
SCENARIOS = {
    "work_1": "growth by 512 MiB, with work between",
    "work_2": "the same, by 2 threads",
    "burst_1": "growth by 512 MiB, without",
    "burst_2": "the same, by 2 threads",
}


def table_row(*cells):
    return "| " + " | ".join(cells) + " |"


def cell(nanoseconds, kib):
    return f"{populate_report.time_text(nanoseconds)}, {kib / 1024:.3g}"


def row_cell(summary):
    return cell(summary.nanoseconds, summary.peak_kib) if summary else "-"


def populate_cell(samples):
    if not samples:
        return "-"
    median = populate_report.median
    return cell(median(samples, "sum_ns"), median(samples, "resident_kib"))


def lines(results):
    contestants = results.allocators
    yield table_row("an operation, peak MiB", *(a.name for a in contestants))
    yield table_row("---", *("---:" for _ in contestants))
    for row in results.rows:
        yield table_row(f"`{row.name}`",
                        *(row_cell(results.row(row.name, a)) for a in contestants))
    found = results.populate
    if found:
        setting = found.settings[0]
        for scenario, what in SCENARIOS.items():
            yield table_row(what, *(
                populate_cell(found.runs(scenario, setting, a.name)) for a in contestants))
    if results.start_up:
        yield table_row("start of `true`", *(
            cell(results.start_up[a.name][0], results.start_up[a.name][3])
            if a.name in results.start_up else "-" for a in contestants))


def fill(text):
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def description(results, runs):
    command = f"make bench README=1 RUNS={runs} BENCH=\"{os.environ.get('BENCH', '')}\""
    libraries = ", ".join(os.path.basename(os.path.realpath(a.library))
                          for a in results.allocators
                          if a.library and a.name != allocators.OURS)
    return fill(f"`{command}`: {machine.processor()}, {len(os.sched_getaffinity(0))} processors, "
                f"Linux {os.uname().release.split('-')[0]}; medians of {runs} interleaved runs; "
                f"{libraries}.")


def write(results, runs, path):
    """Replaces what is between the marks, each on a line of its own."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        sys.exit(f"bench: {path} has no lines {BEGIN} and {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = "\n".join(lines(results))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{description(results, runs)}\n\n{table}\n{END}{after}")
