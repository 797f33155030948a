# SPDX-License-Identifier: MIT
"""Real programs beside each other: peak resident size, processor time, page faults.

A program is run under every allocator in turn, in an order that changes; what is not installed
is skipped, and said. Of a server that a client loads, only the server is preloaded. run.py calls
run() and table().
"""

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import field_cgroup
import field_mariadb
import field_postgres
import field_save

SEED = 42
IDLE_SECONDS = 3
NAME = "field_"    # before a program's, in BENCH

JSON_THREADS = """
import json, sys, threading, time
count = int(sys.argv[1])
data = {"a": [{"id": i, "s": "x" * (i % 300), "t": list(range(i % 40))} for i in range(200)]}
go = threading.Barrier(count)
def work():
    go.wait()
    for _ in range(max(1, 400 // count)):
        json.loads(json.dumps(data))
    time.sleep(1.5)
threads = [threading.Thread(target=work) for _ in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

NODE_LISTS = """
let kept = [];
for (let i = 0; i < 300000; i++) {
    kept.push({ number: i, text: 'x'.repeat(i % 50), list: [i, i + 1] });
    if (kept.length > 50000) kept = kept.slice(25000);
}
for (let i = 0; i < 2000; i++) Buffer.alloc(16384).fill(i);
"""

RUBY_LISTS = """
threads = 8.times.map { |n| Thread.new { 1500.times.map { |i| ("k%d" % i) * (i % 30 + 1) }
    .group_by(&:size).size } }
threads.each(&:join)
"""


class Program:
    """A command that ends by itself. needs: the program that must be there."""

    def __init__(self, name, needs, command, **environment):
        self.name = name
        self.needs = needs
        self.command = command
        self.environment = environment

    def is_installed(self):
        return shutil.which(self.needs)

    def run(self, allocator, directory):
        environment = allocator.environment(**self.environment)
        return measured(self.command, environment, directory)


class Redis:
    """redis-server under a load of redis-benchmark: values of one size, or in growing waves."""

    needs = "redis-server"

    def __init__(self, name, sizes, options=(), flushes=False):
        self.name = name
        self.sizes = sizes
        self.options = options
        self.flushes = flushes

    def is_installed(self):
        return shutil.which(self.needs)

    def run(self, allocator, directory):
        port = str(free_port())
        command = ["redis-server", "--port", port, "--save", "", "--logfile", "/dev/null",
                   *self.options]
        return measured(command, allocator.environment(), directory,
                        lambda server: self.load(server, port))

    def load(self, server, port):
        wait_for_port(int(port))
        for size in self.sizes:
            count = min(400000, (200 << 20) // size)
            subprocess.run(["redis-benchmark", "-p", port, "-t", "set", "-d", str(size), "-r",
                            "10000000", "-n", str(count), "-P", "16", "-q"],
                           stdout=subprocess.DEVNULL, check=True)
        if self.flushes:
            subprocess.run(["redis-cli", "-p", port, "flushall"], stdout=subprocess.DEVNULL,
                           check=True)
        time.sleep(IDLE_SECONDS)
        return field_postgres.pss_mib(server)


PROGRAMS = (
    *(Program(f"python_{count}", "python3", [sys.executable, "-c", JSON_THREADS, str(count)],
              PYTHONMALLOC="malloc") for count in (16, 64, 200)),
    Program("node", "node", ["node", "-e", NODE_LISTS]),
    Program("ruby", "ruby", ["ruby", "-e", RUBY_LISTS]),
    Program("git_log", "git", ["git", "-C", os.path.dirname(os.path.abspath(__file__)), "log",
                               "--stat", "-n", "200"]),
    Program("g++", "g++", ["sh", "-c", "echo '#include <bits/stdc++.h>' |"
                           " g++ -x c++ -fsyntax-only -"]),
    Program("java", "java", ["java", "-version"]),
    Program("gs", "gs", ["gs", "-q", "-dNODISPLAY", "-c", "0 1 200000 {pop [1 2 3] pop} for quit"]),
    Redis("redis", (100,)),
    Redis("redis_flushall", (100,), flushes=True),
    Redis("redis_lru", (64, 128, 256, 512, 1024, 2048, 4096),
          ("--maxmemory", "150mb", "--maxmemory-policy", "allkeys-lru")),
    *field_save.PROGRAMS,
    *field_postgres.PROGRAMS,
    field_mariadb.Mariadb("mariadb", field_postgres.pss_mib),
    *(field_cgroup.Smallest(f"cgroup_{live}", live) for live in (24, 60)),
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port):
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens at port {port}")


def measured(command, environment, directory, load=None):
    """
    (peak MiB, seconds of processor time, page faults) of the largest of its processes, and what
    it held, idle, after the load; None: there is none.
    """
    idle = None
    with subprocess.Popen(command, env=environment, cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            if load:
                idle = load(process.pid)
        finally:
            if load:
                process.terminate()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, -15):
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, usage.ru_minflt, idle


def run(contestants, wants, runs, progress):
    """Those programs whose name is wanted: program -> allocator -> list of measured()."""
    found = {}
    order = random.Random(SEED)
    for program in PROGRAMS:
        if not wants(NAME + program.name):
            continue
        if not program.is_installed():
            print(f"field: {program.name} is left out: {program.needs} is not installed")
            continue
        for number in range(runs):
            turns = list(contestants)
            order.shuffle(turns)
            for allocator in turns:
                progress(f"field {program.name} {allocator.name} {number + 1}/{runs}")
                with tempfile.TemporaryDirectory() as directory:
                    try:
                        sample = program.run(allocator, directory)
                    except (RuntimeError, subprocess.CalledProcessError) as error:
                        print(f"field: {program.name} under {allocator.name}: {error}")
                        continue
                found.setdefault(program.name, {}).setdefault(allocator.name, []).append(sample)
    progress("")
    return found


def table(found):
    for name, by_allocator in found.items():
        print(f"\nfield {name}: peak MiB (least to most), processor s, faults, idle MiB; medians")
        width = max(12, *map(len, by_allocator))
        for allocator, samples in sorted(by_allocator.items()):
            peaks, seconds, faults, idle = zip(*samples)
            rest = f"{statistics.median(idle):8.1f}" if None not in idle else "       -"
            print(f"  {allocator:{width}} {statistics.median(peaks):8.1f} ({min(peaks):.1f} to "
                  f"{max(peaks):.1f}) {statistics.median(seconds):8.2f} "
                  f"{statistics.median(faults):9.0f} {rest}")
