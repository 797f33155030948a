# SPDX-License-Identifier: MIT
"""What a heap profile costs: instructions of rows and of redis, by callgrind.

Each is counted without a profile, after one that has ended, and while one is taken. Of a row only
its rounds count (callgrind dumps whenever it looks at its clock), of redis all from a fixed load.
run.py calls run(), table() and judge().
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import allocators
import callgrind
import field_save
import limits

NAME = "profile"
ROWS = ("pair_16", "pair_1024", "pair_4096", "pair_8000", "lifo_64", "lifo_8000", "lifo_32768",
        "random_mixed_256", "random_mixed_4096", "random_mixed_1025_8191", "realloc_steps_small",
        "aligned_64")
OPTIONS = "helpers:never"       # they do not run under valgrind; and nothing else is counted
ON = OPTIONS + ",profile:512K"
ENDED_MOST = 1.0005             # a row's rounds differ by a few instructions of the clock
ON_MOST = 1.02
ROUNDS = 16
ROUNDS_TO_WARM = 5              # until bins have the size that they keep
KEYS = 20000
REDIS = "redis"
TIMEOUT_SECONDS = 300


class Cost:
    """One row: instructions a round, without a profile, after one and with one."""

    def __init__(self, name, never, ended, on):
        self.name = name
        self.never = never
        self.ended = ended
        self.on = on


def dumps(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return [int(found.group(1)) for found in
                (re.match(r"totals: (\d+)", line) for line in file) if found]


def command(output, *program):
    return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
            "--combine-dumps=yes", *program]


def row_instructions(program, row, allocator, **environment):
    """The mean of its rounds but for the first ones."""
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "callgrind.out")
        subprocess.run(command(output, "--dump-before=harness_timing_next", program, row),
                       env=allocator.environment(BENCH_ROUNDS=str(ROUNDS), **environment), check=True,
                       capture_output=True, timeout=TIMEOUT_SECONDS)
        rounds = dumps(output)[1 + ROUNDS_TO_WARM:-1]
    return sum(rounds) / len(rounds)


def load_redis(port):
    field_save.wait_until_it_answers(port)
    for _ in range(2):
        field_save.put(port, range(KEYS))
    field_save.ask(port, "debug", "reload")
    field_save.put(port, range(KEYS))


def redis_instructions(allocator):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "callgrind.out")
        server = ["redis-server", "--port", port, "--save", "", "--logfile", "/dev/null",
                  "--enable-debug-command", "yes", "--hz", "1", "--activerehashing", "no"]
        with subprocess.Popen(command(output, *server), env=allocator.environment(),
                              cwd=directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                load_redis(port)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(TIMEOUT_SECONDS)
        return sum(dumps(output))


def run(programs, ours, progress):
    """A list of Cost; empty where there is no valgrind."""
    if not callgrind.available():
        print("\nprofile: not counted, valgrind is not installed")
        return []
    off, on = (allocators.WithOptions(ours, options) for options in (OPTIONS, ON))
    program, found = programs.path("workloads"), []
    for row in ROWS:
        progress(f"profile: {row}")
        found.append(Cost(row, row_instructions(program, row, off),
                          row_instructions(program, row, off, BENCH_PROFILE_ENDED="1"),
                          row_instructions(program, row, on)))
    if shutil.which("redis-server"):
        progress("profile: redis")
        found.append(Cost(REDIS, redis_instructions(off), None, redis_instructions(on)))
    return found


def table(found):
    if not found:
        return
    print("\na heap profile (512 KiB): instructions of a round of the row, of redis in all")
    print(f"  {'row':<24} {'without':>12} {'after one':>10} {'with one':>10}")
    for cost in found:
        ended = f"{(cost.ended / cost.never - 1) * 100:+.2f} %" if cost.ended else "-"
        print(f"  {cost.name:<24} {cost.never:>12.0f} {ended:>10} "
              f"{(cost.on / cost.never - 1) * 100:>+8.2f} %")


def judge(found):
    if not found:
        return []
    ended = max((cost.ended / cost.never, cost.name) for cost in found if cost.ended)
    taken = max((cost.on / cost.never, cost.name) for cost in found)
    return [limits.Limit(f"instructions {what}, most of all rows ({worst[1]})", f"{most}",
                         f"{worst[0]:.4f}", worst[0] <= most)
            for what, worst, most in (("after a heap profile", ended, ENDED_MOST),
                                      ("while one is taken", taken, ON_MOST))]
