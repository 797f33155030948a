#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench: hakmem beside every allocator found, interleaved, in one go.

BENCH, PEERS, RUNS and QUICK come from the environment; README.md describes them.
"""

import argparse
import fnmatch
import os
import random
import sys

import allocators
import callgrind
import control
import field
import field_page
import hardened
import limits
import machine
import measure
import numa
import populate
import populate_limits
import populate_report
import profile_cost
import readme
import release
import release_limits
import release_report
import report

DEFAULT_RUNS = 5
QUICK_RUNS = 1
START_UP_ROUNDS = 1000
POPULATE_RUNS = 9
QUICK_START_UP_ROUNDS = 100
SEED = 42
EXTRAS = ("instructions", "syscall_trace", "sealed", "start_up", "populate",
          "control", "hardened", profile_cost.NAME, *release.NAMES)
# Only by name: one boots a guest, and downloads its kernel; real programs take half an hour.
FIELD_NAMES = tuple(field.NAME + program.name for program in field.PROGRAMS)
NAMED_EXTRAS = ("numa", *FIELD_NAMES)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Selection:
    """What BENCH asks for: words with shell patterns; nothing asks for everything."""

    def __init__(self, text):
        self.words = text.split()

    def wants(self, name):
        return not self.words or any(fnmatch.fnmatchcase(name, f"*{word}*")
                                     for word in self.words)

    def names(self, name):
        return bool(self.words) and self.wants(name)


def run_row(programs, results, row, number, order):
    """One turn of every allocator, close together, in an order that changes."""
    order.shuffle(results.turns)
    for allocator in results.turns:
        key = (row.name, allocator.name)
        if isinstance(results.samples.get(key), measure.Failed):
            continue
        try:
            results.samples.setdefault(key, []).append(
                programs.row(row, allocator, number))
        except measure.Failed as error:
            results.samples[key] = error


def run_rows(programs, results, runs):
    order = random.Random(SEED)
    for number in range(runs):
        for row in results.rows:
            progress(f"run {number + 1} of {runs}: {row.name}")
            with measure.timing_lock():
                run_row(programs, results, row, number, order)


def count_calls(programs, results):
    """The system calls of a row: a run of its own, which is not timed."""
    for row in results.rows:
        for allocator in results.allocators:
            progress(f"system calls: {row.name} {allocator.name}")
            try:
                trace = programs.trace_row(allocator, row)
            except measure.Failed:
                continue
            results.calls[row.name, allocator.name] = trace.total()


def trace_sizes(programs, results):
    for allocator in results.allocators:
        progress(f"syscall_trace: {allocator.name}")
        results.empty_traces[allocator.name] = programs.trace_empty(allocator)
        for name in measure.TRACES:
            try:
                trace = programs.trace_sizes(allocator, name)
            except measure.Failed as error:
                trace = error
            results.traces[name, allocator.name] = trace


def run_sealed(programs, results):
    for arguments in ((), ("strict",)):
        for allocator in results.allocators:
            progress(f"sealed: {allocator.name}")
            try:
                with measure.timing_lock():
                    outcome = programs.sealed(allocator, *arguments)
            except measure.Failed as error:
                outcome = error
            results.sealed[arguments, allocator.name] = outcome


def count_instructions(programs, results):
    """Only ours: make bench-instructions has the peers' as well."""
    ours = results.ours()
    if not ours:
        return
    results.instructions = ()
    if not callgrind.available():
        print("\ninstructions: not counted, valgrind is not installed")
        return
    progress("instructions")
    try:
        program = programs.path("instructions")
        results.instructions = (*callgrind.count(program, ours),
                                callgrind.count_aligned(program, ours))
    except RuntimeError as error:
        print(f"\ninstructions: {error}")
        return
    print("\ninstructions of a warm call (typical)")
    mallocs, frees, aligned = results.instructions
    for low, high, malloc, free in callgrind.ranges(mallocs, frees):
        print(f"  {low:>5}-{high:<5} malloc {malloc.typical:>4}  free {free.typical:>4}")
    for count in aligned:
        print(f"  memalign of {callgrind.ALIGNED_BYTES} bytes, aligned to "
              f"{count.size_bytes:>4} {count.typical:>4}")


def run_populate(programs, results, selection, runs):
    named = selection.names("populate")
    if named and not programs.quick:
        runs = max(runs, POPULATE_RUNS)
    results.populate = populate.run(programs, results.allocators, runs, progress, named)
    populate.trace(programs, results.populate, progress)
    progress("")
    populate_report.tables(results.populate)


def run_release(programs, results, selection, runs):
    results.release = release.run(programs, results.allocators, runs, selection.wants,
                                  progress)
    progress("")
    release_report.tables(results.release)


def run_extras(programs, results, selection, runs):
    if selection.wants("instructions"):
        count_instructions(programs, results)
    if selection.wants("syscall_trace"):
        trace_sizes(programs, results)
        report.trace_table(results)
    if selection.wants("sealed"):
        run_sealed(programs, results)
        report.sealed_table(results)
    if selection.wants("start_up"):
        progress("start-up")
        rounds = QUICK_START_UP_ROUNDS if programs.quick else START_UP_ROUNDS
        with measure.timing_lock():
            results.start_up = programs.start_up(results.allocators, rounds)
        report.start_up_table(results)
    if selection.wants("populate"):
        run_populate(programs, results, selection, runs)
    if selection.wants("control") and results.ours():
        results.control = control.run(programs, results.ours(), runs, progress)
        progress("")
        control.table(results.control)
    if selection.wants("hardened") and results.ours():
        found = hardened.run(programs, results.ours(), runs, progress)
        progress("")
        hardened.table(found)
    if selection.wants(profile_cost.NAME) and results.ours():
        results.profile = profile_cost.run(programs, results.ours(), progress)
        progress("")
        profile_cost.table(results.profile)
    if any(selection.wants(name) for name in release.NAMES):
        run_release(programs, results, selection, runs)
    if any(selection.names(name) for name in FIELD_NAMES):
        contestants = results.allocators + allocators.with_options(results.allocators)
        field.table(field.run(contestants, selection.names, runs, progress))
    if selection.names("numa"):
        results.numa = numa.run(programs, results.allocators, progress)
        progress("")
        numa.table(results.numa)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="where the built programs are")
    parser.add_argument("--limits", action="store_true",
                        help="exit 1 if a limit is missed")
    parser.add_argument("--readme", help="put a table of all rows into this file")
    return parser.parse_args()


def main():
    chosen = arguments()
    quick = os.environ.get("QUICK", "") not in ("", "0")
    runs = int(os.environ.get("RUNS") or (QUICK_RUNS if quick else DEFAULT_RUNS))
    selection = Selection(os.environ.get("BENCH", ""))
    programs = measure.Programs(chosen.programs, quick)
    contestants = allocators.find(programs.path("empty"))
    if chosen.readme and selection.words == ["field"]:
        print(machine.describe(contestants, runs, quick), flush=True)
        field_page.write(contestants, runs, progress,
                         os.path.join(os.path.dirname(chosen.readme), field_page.PATH))
        return 0
    rows = [row for row in programs.rows() if selection.wants(row.name)]
    if not rows and not any(selection.wants(extra) for extra in EXTRAS + NAMED_EXTRAS):
        sys.exit(f"bench: BENCH={os.environ['BENCH']} matches no row; rows are: " +
                 " ".join([row.name for row in programs.rows()] + list(EXTRAS + NAMED_EXTRAS)))
    results = report.Results(contestants, rows)
    print(machine.describe(contestants, runs, quick), flush=True)
    run_rows(programs, results, runs)
    count_calls(programs, results)
    progress("")
    for row in rows:
        report.row_table(results, row)
    run_extras(programs, results, selection, runs)
    found = (limits.judge(results) + populate_limits.judge(results.populate) +
             control.judge(results.control) + release_limits.judge(results.release) +
             numa.judge(results.numa) + profile_cost.judge(results.profile))
    if found:
        report.limits_table(found)
    if chosen.readme:
        readme.write(results, runs, chosen.readme)
    return int(chosen.limits and any(limit.kept is False for limit in found))


if __name__ == "__main__":
    sys.exit(main())
