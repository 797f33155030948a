# SPDX-License-Identifier: MIT
"""Runs `control`: how late `stats` is answered, and what asking costs the threads.

Only hakmem takes part: no other allocator is asked over a socket. run.py calls run(),
table() and judge().
"""

import measure
from limits import Limit, at_most

HEAP_MIB, QUICK_HEAP_MIB = 4096, 1024
QUESTIONS_A_SECOND = 10  # as control_turns.c asks
TURNS_A_RUN = 400
SECONDS_A_RUN = 40  # of 50 ms each, and as much again
ANSWER_MS = 10
COST_PERCENT = 1
THROUGHPUT_WITH_QUESTIONS = 0.99


class Control:
    """What was found: name -> value."""

    def __init__(self):
        self.values = None
        self.failure = None


def run(programs, ours, runs, progress):
    found = Control()
    size_mib = QUICK_HEAP_MIB if programs.quick else HEAP_MIB
    try:
        progress("control")
        with measure.timing_lock():
            text = programs.run([programs.path("control"), str(size_mib),
                                 str(TURNS_A_RUN * runs)], ours.environment(),
                                measure.TIMEOUT_SECONDS + SECONDS_A_RUN * runs)
        found.values = {name: int(value)
                        for name, value in (line.split() for line in text.splitlines())}
    except measure.Failed as error:
        found.failure = str(error)
    return found


def table(found):
    print("\ncontrol: `stats` over the socket, 64 busy threads")
    if found.failure:
        print(f"  failed: {found.failure}")
        return
    value = found.values
    for name, who in (("echo", "a thread of the bench that only echoes"),
                      ("plain_answer", "asked at ordinary priority"),
                      ("answer", "asked as hakctl asks" if value["real_time"] else
                       "asked as hakctl asks, which may not be of real time here")):
        print(f"  {who}, ms: " + ", ".join(
            f"{word} {value[f'{name}_{key}_ns'] / 1e6:.2f}"
            for word, key in (("median", "p50"), ("p99", "p99"), ("max", "most"))))
    ratio, error, background = throughput(value)
    print(f"  throughput asked {QUESTIONS_A_SECOND} times a second / not asked: "
          f"{ratio:.4f} ± {error:.4f}; what the helper goes on to do takes {background:.2%} more")
    print("  of all processors' time the library's own threads take, in the 50 ms from a question "
          "on, in those behind and at rest: " + ", ".join(f"{value[f'{name}_share_ppm'] / 1e4:.2f} %" for name in
                                          ("asked", "not_asked", "at_rest")))


def throughput(value):
    """The ratio of turns, its error, and what was done in both kinds of turn."""
    return (value["throughput_ratio_ppm"] / 1e6, value["throughput_error_ppm"] / 1e6,
            max(0, value["not_asked_share_ppm"] - value["at_rest_share_ppm"]) / 1e6)


def judge(found):
    if found is None:
        return []
    if found.failure:
        return [Limit("control", "runs", "failed", False)]
    value = found.values
    ratio, error, background = throughput(value)
    share = ((value["asked_share_ppm"] + value["not_asked_share_ppm"]) / 2 -
             value["at_rest_share_ppm"]) / 1e4
    return [at_most("control: 99 answers of 100, ms", value["answer_p99_ns"] / 1e6, ANSWER_MS),
            at_most("control: latest answer of 100, ms", value["answer_most_ns"] / 1e6,
                    ANSWER_MS),
            at_most("control: median answer at ordinary priority, ms",
                    value["plain_answer_p50_ns"] / 1e6, ANSWER_MS),
            at_most("control: processors' time for questions, %", share, COST_PERCENT),
            Limit("control: throughput while asked / not asked",
                  f">= {THROUGHPUT_WITH_QUESTIONS}",
                  f"{ratio - background:.4f} ± {error:.4f}",
                  ratio - background - error >= THROUGHPUT_WITH_QUESTIONS)]
