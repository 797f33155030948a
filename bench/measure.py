# SPDX-License-Identifier: MIT
"""Runs the bench's programs under one allocator and reads their lines. No judgement here.

Every timing holds a lock, so that two benches on one machine do not time each other.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import tempfile

import machine

TIMEOUT_SECONDS = 60
FIRST_SEED = 42
TRACES = ("small", "middle", "aligned")


class Failed(Exception):
    """A program died or printed something else than its line; the text says how."""


@contextlib.contextmanager
def timing_lock():
    """BENCH_LOCK names the file; empty means that the caller holds a lock already."""
    path = os.environ.get("BENCH_LOCK", os.path.join(tempfile.gettempdir(),
                                                     "hakmem-timing.lock"))
    if not path:
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    except PermissionError:     # another user's file in a sticky directory
        descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Sample:
    """One run of one row."""

    def __init__(self, line):
        words = line.split()
        self.operations = int(words[1])
        self.nanoseconds = float(words[2]) * 1e9 / self.operations
        self.peak_kib = int(words[3])
        self.end_kib = int(words[4])
        self.faults = int(words[5])


class Row:
    """A row as `workloads --list` describes it."""

    def __init__(self, line):
        name, threads, low, high = line.split()
        self.name = name
        self.threads = int(threads)
        self.low_bytes = int(low)
        self.high_bytes = int(high)


class Trace:
    """The memory system calls of one traced program."""

    def __init__(self, text):
        self.causes = []
        for line in text.splitlines():
            kind, phase, *numbers = line.split()
            self.causes.append((kind, phase, *map(int, numbers)))

    def total(self):
        return sum(cause[4] for cause in self.causes)

    def last_operation(self):
        """The operation of the last call; -1: none after the program had begun."""
        return max((cause[6] for cause in self.causes), default=-1)

    def by(self, kind, column):
        """Calls of one kind in the program's own part, by size (2) or alignment (3)."""
        counts = {}
        for cause in self.causes:
            if cause[0] == kind and cause[1] == "run":
                counts[cause[column]] = counts.get(cause[column], 0) + cause[4]
        return counts

    def counts(self, phase):
        """Calls of one phase, by kind."""
        counts = {}
        for cause in self.causes:
            if cause[1] == phase:
                counts[cause[0]] = counts.get(cause[0], 0) + cause[4]
        return counts

    def kind_total(self, kind):
        return sum(cause[4] for cause in self.causes if cause[0] == kind)

    def bytes(self, kind):
        """What the kernel has said that a UFFDIO_ request has done."""
        return sum(cause[7] for cause in self.causes if cause[0] == kind)

    def phases(self, kind):
        counts = {}
        for cause in self.causes:
            if cause[0] == kind:
                counts[cause[1]] = counts.get(cause[1], 0) + cause[4]
        return counts

    def kinds(self):
        return sorted({cause[0] for cause in self.causes})


class Programs:
    """The built programs, in one directory."""

    def __init__(self, directory, quick):
        self.directory = os.path.abspath(directory)
        self.quick = quick

    def path(self, name):
        return os.path.join(self.directory, name)

    def environment(self, allocator):
        extra = {"BENCH_CPU": str(machine.pinned_processor())}
        if self.quick:
            extra["BENCH_QUICK"] = "1"
        return allocator.environment(**extra)

    def run(self, command, environment, seconds=TIMEOUT_SECONDS):
        try:
            result = subprocess.run(
                command, env=environment, capture_output=True, text=True,
                timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"still running after {seconds} s") from error
        if result.returncode < 0:
            raise Failed(f"killed by {signal.Signals(-result.returncode).name}")
        if result.returncode:
            message = result.stderr.strip().splitlines()
            raise Failed(message[-1] if message else f"exit {result.returncode}")
        return result.stdout

    def rows(self):
        text = self.run([self.path("workloads"), "--list"], dict(os.environ))
        return [Row(line) for line in text.splitlines()]

    def row(self, row, allocator, number):
        """One run of a row; its number decides the seed of rows that want several."""
        environment = self.environment(allocator)
        environment["BENCH_SEED"] = str(FIRST_SEED + number)
        output = self.run([self.path("workloads"), row.name], environment)
        return Sample(output)

    def trace_with_output(self, allocator, command, environment):
        """Counts memory system calls; the tracer itself is never preloaded."""
        environment = dict(environment)
        environment.pop("LD_PRELOAD", None)
        with tempfile.NamedTemporaryFile("r", encoding="ascii") as file:
            output = self.run([self.path("syscall_tracer"), "--preload",
                               allocator.library, "--output", file.name, "--", *command],
                              environment)
            return output, Trace(file.read())

    def trace(self, allocator, command):
        return self.trace_with_output(allocator, command, self.environment(allocator))[1]

    def trace_row(self, allocator, row):
        return self.trace(allocator, [self.path("workloads"), row.name])

    def trace_sizes(self, allocator, trace):
        return self.trace(allocator, [self.path("syscall_trace"), trace])

    def trace_empty(self, allocator):
        return self.trace(allocator, [self.path("empty")])

    def sealed(self, allocator, *arguments):
        """A Sample, or Failed with the call that the allocator could not do without."""
        environment = self.environment(allocator)
        try:
            return Sample(self.run([self.path("sealed"), *arguments], environment))
        except Failed as error:
            if "SIGSYS" not in str(error):
                raise
        self.run([self.path("sealed"), *arguments, "report"], environment)
        raise Failed("killed by SIGSYS, but not when asked why")

    def start_up(self, allocators, rounds):
        """name -> (median ns, 10th and 90th percentile, resident KiB)."""
        contestants = [f"{a.name}={a.library}" for a in allocators]
        environment = dict(os.environ, BENCH_CPU=str(machine.pinned_processor()))
        environment.pop("LD_PRELOAD", None)
        output = self.run([self.path("start_up"), str(rounds), *contestants], environment)
        return {name: tuple(map(int, numbers)) for name, *numbers in
                (line.split() for line in output.splitlines())}
