# SPDX-License-Identifier: MIT
"""Runs `release`: memory over time after a program has freed it, and what that costs.

Every allocator takes part in the scenarios of time; hakmem alone in saw, cost and answer.
run.py calls run().
"""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile

import allocators
import control_client
import measure
import release_trace

MIB, QUICK_MIB = 1024, 256
SAW_MIB = 256
SAW_FREED_MIB = 36 * SAW_MIB    # with releasing, and as much without
ANSWER_MIB, QUICK_ANSWER_MIB = 4096, 1024
ANSWER_SECONDS = 4
SEED = 42
MOUNTS = (("/sys/fs/cgroup", "memory.current"),
          ("/sys/fs/cgroup/memory", "memory.usage_in_bytes"))

# name -> the program's scenario, bytes of a block
SERIES = {
    "release_burst": ("burst", 1024),
    "release_survivors": ("survivors", 256),
    "release_large": ("burst", 16 << 20),
}
SAW, COST, ANSWER = "release_saw", "release_cost", "release_answer"
KERNEL = "release_kernel"
NAMES = (*SERIES, SAW, COST, KERNEL, ANSWER)

NEVER = "decay_ms:3600000"      # an hour: nothing goes back while the bench looks
# What pages cost to give back depends on their size first of all: it is said, not found.
SMALL, HUGE = "huge_pages:never", "huge_pages:always"
HOLE = 60000                    # a block that has 64 KiB of its own
OWN, OWN_HUGE, OWN_HOLES = "own madvise", "own madvise, huge pages", "own madvise, holes"
# way -> scenario, bytes of a block, options
WAYS = {
    OWN: ("own", 1024, f"{NEVER},{SMALL}"),
    "ring": ("cost", 1024, SMALL),
    "plain": ("cost", 1024, f"release_by:plain,{SMALL}"),
    OWN_HUGE: ("own", 1024, f"{NEVER},{HUGE}"),
    "ring, huge pages": ("cost", 1024, HUGE),
    "plain, huge pages": ("cost", 1024, f"release_by:plain,{HUGE}"),
    OWN_HOLES: ("own_holes", HOLE, f"{NEVER},{SMALL}"),
    "vector, holes": ("holes", HOLE, SMALL),
    "plain, holes": ("holes", HOLE, f"release_by:plain,{SMALL}"),
    "ring, holes": ("holes", HOLE, f"release_by:ring,{SMALL}"),
}


class Release:
    """Everything that release has found."""

    def __init__(self, usable, cgroup):
        self.allocators = usable
        self.cgroup = cgroup    # "v2", "v1", or "" if none could be made
        self.series = {}        # (scenario, allocator) -> list of values, or Failed
        self.saw = {}           # {SAW: list of values}
        self.cost = {}          # way -> list of values
        self.kernel = None      # release_trace.Trace, or Failed
        self.answers = None     # seconds, or Failed
        self.trace = None       # (Trace, values), or Failed


def ours(usable):
    return next((a for a in usable if a.name == allocators.OURS), None)


def values(text):
    return {name: int(value) for name, value in
            (line.split() for line in text.splitlines())}


def make_cgroup():
    """(folder, file of its usage) of a cgroup of ours, or None where none can be made."""
    for mount, usage in MOUNTS:
        folder = os.path.join(mount, f"hakmem-bench-{os.getpid()}")
        try:
            os.mkdir(folder)
        except OSError:
            continue
        if os.path.exists(os.path.join(folder, usage)):
            return folder, os.path.join(folder, usage)
        os.rmdir(folder)
    return None


@contextlib.contextmanager
def cgroup():
    made = make_cgroup()
    try:
        yield made
    finally:
        if made:
            os.rmdir(made[0])


def inside(made, command):
    """The command with a shell before it that goes into the cgroup, and stays small."""
    if not made:
        return command
    folder, usage = made
    return ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder,
            *command, usage]


def run_once(programs, allocator, arguments, option="", made=None):
    environment = allocator.environment(**({"HAKMEM_OPTIONS": option} if option else {}))
    command = [programs.path("release"), *map(str, arguments)]
    if made:
        library = environment.pop("LD_PRELOAD", "")
        command = inside(made, ["env", *([f"LD_PRELOAD={library}"] if library else []),
                                *command])
    return values(programs.run(command, environment))


def attempt(into, key, call):
    """Appends what the call returns; a failure stays instead."""
    if isinstance(into.get(key), measure.Failed):
        return
    try:
        with measure.timing_lock():
            into.setdefault(key, []).append(call())
    except measure.Failed as error:
        into[key] = error


def run_series(programs, found, name, made, progress):
    scenario, block = SERIES[name]
    size_mib = QUICK_MIB if programs.quick else MIB
    for allocator in found.allocators:
        progress(f"{name}: {allocator.name}")
        attempt(found.series, (name, allocator.name), lambda allocator=allocator: run_once(
            programs, allocator, (scenario, block, size_mib), made=made))


def trace_calls(programs, found, progress):
    """The memory calls of the program's threads from the first free on; not timed."""
    allocator = ours(found.allocators)
    progress("system calls: release_burst")
    scenario, block = SERIES["release_burst"]
    try:
        with measure.timing_lock():
            output, trace = programs.trace_with_output(
                allocator, [programs.path("release"), scenario, str(block),
                            str(QUICK_MIB)],
                allocator.environment(HAKMEM_OPTIONS="helpers:always"))
        found.trace = trace, values(output)
    except measure.Failed as error:
        found.trace = error


def run_saw(programs, found, runs, progress):
    for number in range(runs):
        progress(f"run {number + 1} of {runs}: {SAW}")
        attempt(found.saw, SAW, lambda: run_once(
            programs, ours(found.allocators), ("saw", 1024, SAW_MIB), "helpers:always"))


def run_cost(programs, found, runs, progress):
    size_mib = QUICK_MIB if programs.quick else MIB
    order = list(WAYS)
    shuffler = random.Random(SEED)
    for number in range(runs):
        shuffler.shuffle(order)
        for way in order:
            progress(f"run {number + 1} of {runs}: {COST} {way}")
            scenario, block, option = WAYS[way]
            attempt(found.cost, way, lambda: run_once(
                programs, ours(found.allocators), (scenario, block, size_mib),
                f"helpers:always,{option}"))


def run_kernel(programs, found, progress):
    progress(KERNEL)
    allocator = ours(found.allocators)
    size_mib = QUICK_MIB if programs.quick else MIB
    try:
        found.kernel = release_trace.trace(
            [programs.path("release"), "cost", "1024", str(size_mib)],
            allocator.environment(HAKMEM_OPTIONS="helpers:always"))
    except measure.Failed as error:
        found.kernel = error


def wait_until_freed(process):
    for line in process.stdout:
        if line.startswith("live_kib"):
            return
    raise measure.Failed("ended before it was asked")


def ask_while_releasing(programs, allocator, folder):
    size_mib = QUICK_ANSWER_MIB if programs.quick else ANSWER_MIB
    environment = allocator.environment(HAKMEM_OPTIONS="control:" + folder)
    with subprocess.Popen([programs.path("release"), "burst", "65536", str(size_mib)],
                          env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until_freed(process)
            with control_client.connect(folder) as client:
                return control_client.answer_times(client, ANSWER_SECONDS)
        except (OSError, control_client.NoAnswer) as error:
            raise measure.Failed(str(error)) from error
        finally:
            process.kill()


def run_answer(programs, found, progress):
    progress(ANSWER)
    folder = tempfile.mkdtemp(prefix="hakmem-bench-")   # 0700, as the library wants it
    try:
        with measure.timing_lock():
            found.answers = ask_while_releasing(programs, ours(found.allocators), folder)
    except measure.Failed as error:
        found.answers = error
    finally:
        shutil.rmtree(folder)


def run(programs, usable, runs, wants, progress):
    with cgroup() as made:
        kind = "" if not made else "v2" if made[1].endswith("current") else "v1"
        found = Release(usable, kind)
        for name in SERIES:
            if wants(name):
                run_series(programs, found, name, made, progress)
    if not ours(usable):
        return found
    if wants("release_burst"):
        trace_calls(programs, found, progress)
    if wants(SAW):
        run_saw(programs, found, runs, progress)
    if wants(COST):
        run_cost(programs, found, runs, progress)
    if wants(KERNEL):
        run_kernel(programs, found, progress)
    if wants(ANSWER):
        run_answer(programs, found, progress)
    return found
