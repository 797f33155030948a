# SPDX-License-Identifier: MIT
"""Runs `numa` in a guest with two nodes: where the pages of live blocks are, by allocator.

A guest is mostly emulated, so no time is measured: placement, system calls, faults. run.py
calls run(), table() and judge().
"""

import os
import subprocess

import allocators
import measure
from limits import Limit

MACHINE = "two_nodes_6.12"
SCENARIOS = ("pass", "move", "short")
OPERATIONS, QUICK_OPERATIONS = 1000000, 50000
GUEST_LIMIT_S = 9000
PAGES_AT_HOME = 0.99
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests", "numa",
                      "run_in_guest.sh")


class Sample:
    """What one allocator did in one scenario."""

    def __init__(self, lines):
        placed = next((line.split()[1:] for line in lines if line.startswith("placed ")), None)
        if placed is None:
            raise measure.Failed(lines[-1] if lines else "no output")
        (self.blocks, self.blocks_right, self.pages, self.pages_right, self.faults,
         self.calls, self.helper_calls, self.peak_kib) = map(int, placed)

    def share_of_blocks(self):
        return self.blocks_right / self.blocks

    def share_of_pages(self):
        return self.pages_right / self.pages


class Numa:
    """Everything that numa has found."""

    def __init__(self):
        self.machine = ""
        self.samples = {}       # (scenario, allocator) -> Sample, or Failed
        self.reason = ""        # why there are none


def commands(usable, operations):
    """(scenario, allocator, command), in the order in which the guest runs them."""
    for scenario in SCENARIOS:
        for allocator in usable:
            preload = f"LD_PRELOAD=/lib/{allocator.name}.so " if allocator.library else ""
            yield scenario, allocator, f"{preload}/bench/numa {scenario} {operations}"


def answers(text):
    """What follows each command's line, until the next."""
    found = []
    for line in text.splitlines():
        if line.startswith(("PASS: ", "FAIL: ", "SKIP: ")):
            found.append([])
        elif found:
            found[-1].append(line)
    return found


def start_guest(programs, usable, lines):
    files = [f"{programs.path('numa')}=bench/numa"]
    files += [f"{a.library}=lib/{a.name}.so" for a in usable if a.library]
    environment = dict(os.environ, GUEST_LIMIT_S=str(GUEST_LIMIT_S),
                       top_builddir=os.path.dirname(programs.directory))
    return subprocess.run([SCRIPT, MACHINE, *files], input="\n".join(lines) + "\n",
                          env=environment, capture_output=True, text=True, check=False)


def run(programs, usable, progress):
    found = Numa()
    operations = QUICK_OPERATIONS if programs.quick else OPERATIONS
    planned = list(commands(usable, operations))
    progress(f"numa: a guest does {operations} operations with each allocator")
    result = start_guest(programs, usable, [command for _, _, command in planned])
    lines = (result.stdout + result.stderr).splitlines()
    if result.returncode:
        found.reason = lines[-1] if lines else f"exit {result.returncode}"
    found.machine = next((line.removeprefix("guest: begin ") for line in lines
                          if line.startswith("guest: begin ")), "")
    for (scenario, allocator, _), answer in zip(planned, answers(result.stdout)):
        try:
            found.samples[scenario, allocator.name] = Sample(answer)
        except measure.Failed as error:
            found.samples[scenario, allocator.name] = error
    return found


def table(found):
    print(f"\nnuma: {found.machine or MACHINE}; live blocks and pages at home, %")
    if found.reason:
        print(f"  {found.reason}")
    print(f"  {'':<6} {'':<12} {'blocks':>8} {'pages':>8} {'of':>8} {'calls':>8} {'helper':>8} "
          f"{'faults':>8} {'peak MiB':>9}")
    for (scenario, name), sample in found.samples.items():
        if isinstance(sample, measure.Failed):
            print(f"  {scenario:<6} {name:<12} failed: {sample}")
            continue
        print(f"  {scenario:<6} {name:<12} {100 * sample.share_of_blocks():>8.2f} "
              f"{100 * sample.share_of_pages():>8.2f} {sample.pages:>8} {sample.calls:>8} "
              f"{sample.helper_calls:>8} {sample.faults:>8} {sample.peak_kib / 1024:>9.1f}")


def judge(found):
    if found is None:
        return []
    result = []
    for scenario in SCENARIOS:
        sample = found.samples.get((scenario, allocators.OURS))
        known = isinstance(sample, Sample)
        share = sample.share_of_pages() if known else None
        result.append(Limit(f"numa {scenario}: live pages at home", f">= {PAGES_AT_HOME}",
                            f"{share:.4f}" if known else "-",
                            share >= PAGES_AT_HOME if known else None))
    return result
