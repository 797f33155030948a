# SPDX-License-Identifier: MIT
"""
The page of real programs (doc/programs.md): throughput, p99, peak and idle memory, beside others.

`make bench BENCH=field README=1`. Rounds of all programs under all allocators, in an order that
changes, until another would not end in TIME_MOST_SECONDS; each cell is the median of the rounds.
run.py calls write().
"""

import csv
import ctypes.util
import glob
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time

import allocators
import field
import field_mariadb
import field_postgres
import field_sessions
import machine

BEGIN, END = "<!-- field -->", "<!-- /field -->"
PATH = "../doc/programs.md"
TIME_MOST_SECONDS = 840
LOAD_SECONDS = 4
IDLE_SECONDS = 4
WORSE = 1.03    # from here on our cell is bold
BUSY = 1.5      # a load above so many tasks a processor at the start: times say nothing

JSON_THREADS = """
import json, sys, threading, time
data = {"a": [{"id": i, "s": "x" * (i % 300), "t": list(range(i % 40))} for i in range(200)]}
took, end = [], time.monotonic() + float(sys.argv[1])
def work():
    while (begin := time.monotonic()) < end:
        json.loads(json.dumps(data))
        took.append(time.monotonic() - begin)
threads = [threading.Thread(target=work) for _ in range(16)]
begin = time.monotonic()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(took) / (time.monotonic() - begin), sorted(took)[len(took) * 99 // 100] * 1000, flush=True)
sys.stdin.readline()
"""

NODE_SERVER = """
const cache = new Map();
let turn = 0;
require('http').createServer((request, response) => {
    const list = [];
    for (let i = 0; i < 200; i++) list.push({ number: i, text: 'x'.repeat((i + turn) % 90) });
    cache.set(turn++ % 20000, Buffer.alloc(1000 + turn % 3000, 1));
    response.end(JSON.stringify(list));
}).listen(Number(process.argv[1]), '127.0.0.1');
"""

RUBY_LISTS = """
took, finish = [], Process.clock_gettime(Process::CLOCK_MONOTONIC) + ARGV[0].to_f
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
begun = now.()
8.times.map { |n| Thread.new { while (start = now.()) < finish
    1500.times.map { |i| ("k%d" % i) * (i % 30 + 1) }.group_by(&:size).size
    took << now.() - start
end } }.each(&:join)
puts "#{took.size / (now.() - begun)} #{took.sort[took.size * 99 / 100] * 1000}"
$stdout.flush
$stdin.gets
"""


class Sample:
    """What one turn found; None: it is not known."""

    def __init__(self, throughput, p99_ms, peak_mib, idle_mib):
        self.throughput = throughput
        self.p99_ms = p99_ms
        self.peak_mib = peak_mib
        self.idle_mib = idle_mib


def environment_of(allocator):
    """Some programs are linked with jemalloc: for glibc's malloc to be theirs, glibc goes first."""
    environment = allocator.environment()
    if allocator.name == allocators.SYSTEM:
        environment["LD_PRELOAD"] = ctypes.util.find_library("c")
    return environment


def command_output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


class Server:
    """A command that is loaded from outside; its port is the last word, or behind --port."""

    def __init__(self, name, what, unit, needs, command):
        self.name, self.what, self.unit = name, what, unit
        self.needs = needs
        self.command = command

    def is_installed(self):
        return all(shutil.which(name) for name in self.needs)

    def load(self, port):
        """Throughput and p99 in ms."""
        raise NotImplementedError

    def run(self, allocator, directory):
        port, found = str(field.free_port()), []

        def load(server):
            field.wait_for_port(int(port))
            found.extend(self.load(port))
            time.sleep(IDLE_SECONDS)
            return field_postgres.pss_mib(server)

        command = [word.replace("PORT", port) for word in self.command]
        peak, _, _, idle = field.measured(command, environment_of(allocator), directory, load)
        return Sample(*found, peak, idle)


class Redis(Server):
    """SET of values of these sizes, one after the other; the worst p99 of them."""

    def __init__(self, name, what, sizes, *options):
        super().__init__(name, what, "SET/s", ("redis-server", "redis-benchmark"),
                         ["redis-server", "--port", "PORT", "--save", "", "--logfile",
                          "/dev/null", *options])
        self.sizes = sizes

    def load(self, port):
        count, seconds, p99_ms = 0, 0.0, 0.0
        for size in self.sizes:
            number = min(400000, (100 << 20) // size)
            lines = command_output(
                "redis-benchmark", "-p", port, "-t", "set", "-d", str(size), "-r", "10000000",
                "-n", str(number), "-P", "16", "--csv").splitlines()
            row = next(csv.DictReader(lines))
            count += number
            seconds += number / float(row["rps"])
            p99_ms = max(p99_ms, float(row["p99_latency_ms"]))
        return count / seconds, p99_ms


class Node(Server):
    """An HTTP server in JavaScript under wrk."""

    def load(self, port):
        text = command_output("wrk", "-t1", "-c16", f"-d{LOAD_SECONDS}s", "--latency",
                              f"http://127.0.0.1:{port}/")
        amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return (float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
                float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


class Script:
    """An interpreter that says throughput and p99 itself, and then waits for its end."""

    def __init__(self, name, what, unit, command, **environment):
        self.name, self.what, self.unit = name, what, unit
        self.command = command
        self.environment = environment

    def is_installed(self):
        return shutil.which(self.command[0])

    def run(self, allocator, directory):
        with subprocess.Popen([*self.command, str(LOAD_SECONDS)], cwd=directory, text=True,
                              env={**environment_of(allocator), **self.environment},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            throughput, p99_ms = map(float, process.stdout.readline().split())
            time.sleep(IDLE_SECONDS)
            idle = field_postgres.pss_mib(process.pid)
            process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        return Sample(throughput, p99_ms, usage.ru_maxrss / 1024, idle)


class Postgres(field_postgres.Postgres):
    """Eight clients of pgbench; memory is the sum over all processes."""

    what = "postgres 15, 8 clients of pgbench"
    unit = "transactions/s"

    def __init__(self):
        super().__init__("postgres", 8, "")
        self.figures = None

    def is_installed(self):
        return super().is_installed() and field_postgres.program("pgbench")

    def run(self, allocator, directory):
        peak, _, _, idle = super().run(allocator, directory)
        return Sample(*self.figures, peak, idle)

    def load(self, server, home, become):
        field_sessions.wait_for_file(os.path.join(home, ".s.PGSQL.5432"))
        time.sleep(0.5)
        bench = [field_postgres.program("pgbench"), "-h", home, "-U", "bench"]
        subprocess.run([*bench, "-i", "-q", "-s", "2", "postgres"], check=True, cwd=home,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **become)
        with subprocess.Popen([*bench, "-n", "-c", "8", "-j", "2", "-l", "-T", str(LOAD_SECONDS),
                               "postgres"], cwd=home, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, **become) as client:
            peak = 0.0
            while client.poll() is None:
                peak = max(peak, field_postgres.pss_mib(server))
                time.sleep(0.3)
            text = client.stdout.read()
        took_us = sorted(int(line.split()[2])
                         for name in glob.glob(os.path.join(home, "pgbench_log.*"))
                         for line in open(name, encoding="utf-8"))
        self.figures = (float(re.search(r"tps = ([\d.]+)", text).group(1)),
                        took_us[len(took_us) * 99 // 100] / 1000)
        time.sleep(IDLE_SECONDS)
        return peak, field_postgres.pss_mib(server)


class Mariadb(field_mariadb.Mariadb):
    """Twelve sessions that fill, sort and drop tables of 20,000 rows."""

    what = "mariadb, 12 sessions that fill and sort tables"
    unit = "sessions/s"

    def __init__(self):
        super().__init__("mariadb", field_postgres.pss_mib)
        self.seconds = None

    def run(self, allocator, directory):
        peak, _, _, idle = super().run(allocator, directory)
        return Sample(field_mariadb.SESSIONS / self.seconds, None, peak, idle)

    def load(self, server, socket):
        field_sessions.wait_for_file(socket)
        begin = time.monotonic()
        idle = super().load(server, socket)
        self.seconds = time.monotonic() - begin - field_mariadb.IDLE_SECONDS
        return idle


class Compiler:
    """g++, one file after the other; the p99 of few runs would be the slowest."""

    name, what, unit = "g++", "g++ -O1, a file that includes much", "files/s"
    SOURCE = ("#include <map>\n#include <regex>\n#include <iostream>\n"
              "int main() { std::map<std::string, int> m; std::regex r(\"a+\"); m[\"a\"] = 1;"
              " for (auto &p : m) std::cout << std::regex_match(p.first, r); }\n")

    def is_installed(self):
        return shutil.which("g++")

    def run(self, allocator, directory):
        source = os.path.join(directory, "source.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(self.SOURCE)
        begin = time.monotonic()
        peak, _, _, _ = field.measured(["g++", "-O1", "-c", source, "-o", "/dev/null"],
                                       environment_of(allocator), directory)
        return Sample(1 / (time.monotonic() - begin), None, peak, None)


PROGRAMS = (
    Redis("redis", "redis, 400,000 values of 100 B", (100,)),
    Redis("redis_lru", "redis as a cache of 100 MB, values from 64 B to 4 KiB",
          (64, 256, 1024, 4096), "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"),
    Postgres(),
    Mariadb(),
    Node("node", "node, an HTTP server under wrk", "requests/s", ("node", "wrk"),
         ["node", "-e", NODE_SERVER, "PORT"]),
    Script("python", "python, JSON in 16 threads", "documents/s",
           [sys.executable, "-c", JSON_THREADS], PYTHONMALLOC="malloc"),
    Script("ruby", "ruby, strings in 8 threads", "lists/s", ["ruby", "-e", RUBY_LISTS]),
    Compiler(),
)

TIMES = (
    ("Throughput", "throughput", True, "more is better"),
    ("p99, ms", "p99_ms", False, "of one request, transaction, document or list; less is better"),
)
MEMORY = (
    ("Peak memory, MiB", "peak_mib", False, "less is better"),
    (f"Idle memory, MiB, {IDLE_SECONDS} s after the load", "idle_mib", False, "less is better"),
)


def turn(program, allocator, found):
    with tempfile.TemporaryDirectory() as directory:
        try:
            sample = program.run(allocator, directory)
        except (RuntimeError, OSError, ValueError, IndexError, AttributeError,
                subprocess.CalledProcessError) as error:
            print(f"field: {program.name} under {allocator.name}: {error}")
            return
    found.setdefault((program.name, allocator.name), []).append(sample)


def run(contestants, runs, progress):
    """((program, allocator) -> list of Sample, rounds)."""
    found, order, begin, longest = {}, random.Random(field.SEED), time.monotonic(), 0.0
    here = [program for program in PROGRAMS if program.is_installed()]
    for program in PROGRAMS:
        if program not in here:
            print(f"field: {program.name} is left out: it is not installed")
    for number in range(runs):
        round_begin = time.monotonic()
        if number and round_begin + longest > begin + TIME_MOST_SECONDS:
            break
        for program in here:
            turns = list(contestants)
            order.shuffle(turns)
            for allocator in turns:
                progress(f"round {number + 1}: {program.name} {allocator.name}")
                turn(program, allocator, found)
        longest = max(longest, time.monotonic() - round_begin)
    progress("")
    return found, max(map(len, found.values()), default=0)


def median(samples, name):
    values = [getattr(sample, name) for sample in samples or ()]
    return None if not values or None in values else statistics.median(values)


def number_text(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def is_worse(ours, others, more_is_better):
    if ours is None or not others:
        return False
    if more_is_better:
        return ours * WORSE < max(others)
    return ours > min(others) * WORSE


def rows(found, contestants, name, more_is_better):
    for program in PROGRAMS:
        values = [median(found.get((program.name, a.name)), name) for a in contestants]
        if not any(values):
            continue
        texts = [number_text(value) for value in values]
        others = [value for a, value in zip(contestants, values)
                  if value is not None and a.name != allocators.OURS]
        if contestants[0].name == allocators.OURS and is_worse(values[0], others, more_is_better):
            texts[0] = f"**{texts[0]}**"
        unit = f", {program.unit}" if more_is_better else ""
        yield "| " + " | ".join([program.what + unit, *texts]) + " |"


def lines(found, rounds, contestants, load):
    libraries = ", ".join(os.path.basename(os.path.realpath(a.library)) for a in contestants
                          if a.library and a.name != allocators.OURS)
    yield textwrap.fill(
        f"`make bench BENCH=field README=1`: {machine.processor()}, "
        f"{len(os.sched_getaffinity(0))} processors, Linux {os.uname().release.split('-')[0]}, "
        f"{time.strftime('%Y-%m-%d')}; rounds: {rounds}; {libraries}.", 100,
        break_long_words=False, break_on_hyphens=False)
    is_busy = load > BUSY * len(os.sched_getaffinity(0))
    if is_busy:
        yield f"\nThe machine was busy (load {load:.0f}): no times."
    for title, name, more_is_better, what in (() if is_busy else TIMES) + MEMORY:
        yield f"\n## {title}\n\n({what})\n"
        yield "| | " + " | ".join(a.name for a in contestants) + " |"
        yield "|---|" + "---:|" * len(contestants)
        yield from rows(found, contestants, name, more_is_better)


def write(contestants, runs, progress, path):
    """Runs all, and replaces what is between the marks of the page."""
    load = os.getloadavg()[0]
    found, rounds = run(contestants, runs, progress)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    table = "\n".join(lines(found, rounds, contestants, load))
    print(table)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{table}\n{END}{after}")
