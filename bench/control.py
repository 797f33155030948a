# SPDX-License-Identifier: MIT
"""Runs `control`: how late `stats` is answered, and what asking costs the threads.

Only hakmem takes part: no other allocator is asked over a socket. run.py calls run(),
table() and judge(). Runs with and without questions follow each other, in turns.
"""

import statistics

import measure
from limits import Limit, at_most

HEAP_MIB, QUICK_HEAP_MIB = 4096, 1024
QUESTIONS_A_SECOND = 10
ANSWER_MS = 10
THROUGHPUT_WITH_QUESTIONS = 0.99


class Control:
    """What was found: name -> value of the latency run, and a ratio for each pair of runs."""

    def __init__(self):
        self.latency = None
        self.ratios = []
        self.failure = None


def run_once(programs, allocator, how):
    size_mib = QUICK_HEAP_MIB if programs.quick else HEAP_MIB
    text = programs.run([programs.path("control"), str(how), str(size_mib)],
                        allocator.environment())
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


def throughput(sample):
    return sample["operations"] / sample["elapsed_ns"]


def run(programs, ours, runs, progress):
    found = Control()
    try:
        progress("control: latency")
        with measure.timing_lock():
            found.latency = run_once(programs, ours, "latency")
        for number in range(runs):
            progress(f"run {number + 1} of {runs}: control")
            order = (0, QUESTIONS_A_SECOND) if number % 2 else (QUESTIONS_A_SECOND, 0)
            with measure.timing_lock():
                samples = {rate: run_once(programs, ours, rate) for rate in order}
            found.ratios.append(throughput(samples[QUESTIONS_A_SECOND]) /
                                throughput(samples[0]))
    except measure.Failed as error:
        found.failure = str(error)
    return found


def milliseconds(found, name):
    return None if found.latency is None else found.latency[name] / 1e6


def table(found):
    print("\ncontrol: `stats` over the socket, 64 busy threads")
    if found.failure:
        print(f"  failed: {found.failure}")
    if found.latency:
        print(f"  {found.latency['answers']} answers, ms: "
              f"median {milliseconds(found, 'answer_p50_ns'):.2f}, "
              f"p99 {milliseconds(found, 'answer_p99_ns'):.2f}, "
              f"max {milliseconds(found, 'answer_most_ns'):.2f}")
    if found.ratios:
        print(f"  throughput asked {QUESTIONS_A_SECOND} times a second / not asked: "
              f"{statistics.median(found.ratios):.3f}")


def judge(found):
    if found is None:
        return []
    if found.failure:
        return [Limit("control", "runs", "failed", False)]
    ratio = statistics.median(found.ratios)
    return [at_most("control: latest answer, ms", milliseconds(found, "answer_most_ns"),
                    ANSWER_MS),
            Limit("control: throughput while asked / not asked",
                  f">= {THROUGHPUT_WITH_QUESTIONS}", f"{ratio:.3f}",
                  ratio >= THROUGHPUT_WITH_QUESTIONS)]
