# SPDX-License-Identifier: MIT
"""Runs `populate`: every allocator, and hakmem also with its options and on each rung.

A turn is one scenario under one setting of huge pages: every contestant runs once, in an
order that changes, each after a warm-up of memory. run.py calls run() and trace().
"""

import random
import time

import allocators
import huge_pages
import measure

GROW_MIB, QUICK_GROW_MIB = 512, 128
TRACE_MIB = 1024
SMALL_MIB = 6       # a process that stays under the plain part
WARM_UP_MIB = 1024
SEED = 42

# name -> arguments of the program: whether it works between, threads
SCENARIOS = {
    "work_1": ("work", "1"),
    "work_2": ("work", "2"),
    "burst_1": ("burst", "1"),
    "burst_2": ("burst", "2"),
    "work_1_cold": ("work", "1"),
    "burst_2_cold": ("burst", "2"),
}
COLD = "_cold"      # behind a scenario's name: on memory that the host may have taken back
COLD_SECONDS = 4
COLD_HUGE_NS = 1000000  # one first touch of a huge page; less is no cold memory
IDLE_SCENARIOS = ("work_1", "burst_2")

# hakmem with its option and what is refused. A library that finds a filter uses no more
# than the C library's calls unless told to, hence helpers:always.
OFF = "hakmem never"
FORMS = {
    OFF: ("helpers:never", ()),
    "hakmem always": ("helpers:always", ()),
    "hakmem B no move": ("helpers:always", ("move",)),
    "hakmem C no uffd": ("helpers:always", ("userfaultfd",)),
    "hakmem D no ring": ("helpers:always", ("io_uring",)),
    "hakmem E no mbind": ("helpers:always", ("mbind",)),
    "hakmem F no threads": ("helpers:always", ("threads",)),
}
RUNG_SCENARIOS = ("work_1", "burst_2")


class Contestant:
    """An allocator as it takes part: an option for hakmem, facilities refused."""

    def __init__(self, allocator, name, option="", refused=()):
        self.allocator = allocator
        self.name = name
        self.option = option
        self.refused = refused
        self.is_ours = allocator.name == allocators.OURS
        self.is_peer = not self.is_ours

    def environment(self):
        extra = {"HAKMEM_OPTIONS": self.option} if self.option else {}
        return self.allocator.environment(**extra)

    def takes_part(self, scenario):
        if scenario.endswith(COLD):
            return not self.option
        if not self.refused:
            return True
        # the program itself needs a second thread there
        return scenario in RUNG_SCENARIOS and not (
            "threads" in self.refused and SCENARIOS[scenario][1] != "1")

    def idles(self, scenario):
        return self.is_ours and not self.refused and scenario in IDLE_SCENARIOS


class Sample(dict):
    """One run: the program's `name value` lines."""

    def __init__(self, text):
        super().__init__((name, int(value)) for name, value in
                         (line.split() for line in text.splitlines()))

    def huge_share(self):
        return self["huge_kib"] / self["resident_kib"]


class Populate:
    """Everything that populate has found."""

    def __init__(self, contestants):
        self.contestants = contestants
        self.settings = huge_pages.available()
        self.samples = {}  # (scenario, setting, name) -> list of Sample, or Failed
        self.traces = {}  # name -> (Trace, Sample), or Failed
        self.calibrations = []  # (huge_ns, small_ns) before each cold turn
        self.small = {}  # name -> (Trace, Sample), or Failed: under the plain part

    def runs(self, scenario, setting, name):
        found = self.samples.get((scenario, setting, name))
        return None if isinstance(found, measure.Failed) else found

    def peers(self):
        return [contestant for contestant in self.contestants if contestant.is_peer]


def contestants(found):
    """Each allocator as it is, then hakmem's other forms."""
    result = [Contestant(allocator, allocator.name) for allocator in found]
    ours = [allocator for allocator in found if allocator.name == allocators.OURS]
    for allocator in ours:
        result += [Contestant(allocator, name, option, refused)
                   for name, (option, refused) in FORMS.items()]
    return result


def command(programs, contestant, arguments):
    program = [programs.path("populate"), *arguments]
    if not contestant.refused:
        return program, contestant.environment()
    environment = contestant.environment()
    environment.pop("LD_PRELOAD", None)  # the launcher itself is never preloaded
    return [programs.path("refuse"), "--preload", contestant.allocator.library,
            *contestant.refused, "--", *program], environment


def warm_up(programs):
    programs.run([programs.path("populate"), "warm-up", str(WARM_UP_MIB)],
                 allocators.Allocator(allocators.SYSTEM, "").environment())


def cool_down(programs, found):
    """A large range was touched and given back; the host has time to take it."""
    warm_up(programs)
    time.sleep(COLD_SECONDS)
    costs = Sample(programs.run([programs.path("populate"), "calibrate"],
                                allocators.Allocator(allocators.SYSTEM, "").environment()))
    found.calibrations.append((costs["huge_ns"], costs["small_ns"]))


def run_once(programs, contestant, scenario):
    size_mib = QUICK_GROW_MIB if programs.quick else GROW_MIB
    arguments = [*SCENARIOS[scenario], str(size_mib)]
    if contestant.idles(scenario):
        arguments.append("idle")
    return Sample(programs.run(*command(programs, contestant, arguments)))


def run_turn(programs, found, scenario, setting, order):
    for contestant in order:
        key = (scenario, setting, contestant.name)
        if not contestant.takes_part(scenario) or isinstance(found.samples.get(key),
                                                             measure.Failed):
            continue
        try:
            if scenario.endswith(COLD):
                cool_down(programs, found)
            else:
                warm_up(programs)
            with huge_pages.using(setting):
                sample = run_once(programs, contestant, scenario)
            found.samples.setdefault(key, []).append(sample)
        except measure.Failed as error:
            found.samples[key] = error


def run(programs, usable, runs, progress, with_cold=False):
    """with_cold: the cold scenarios too, four seconds before each program."""
    found = Populate(contestants(usable))
    order = list(found.contestants)
    shuffler = random.Random(SEED)
    for number in range(runs):
        for scenario in SCENARIOS:
            if scenario.endswith(COLD) and not with_cold:
                continue
            for setting in found.settings[:1 if scenario.endswith(COLD) else None]:
                progress(f"run {number + 1} of {runs}: populate {scenario} {setting}")
                shuffler.shuffle(order)
                with measure.timing_lock():
                    run_turn(programs, found, scenario, setting, order)
    return found


def trace_once(programs, contestant, arguments):
    """(Trace, Sample): what our tracer saw, beside what the process said of itself."""
    output, trace = programs.trace_with_output(
        contestant.allocator, [programs.path("populate"), *arguments],
        contestant.environment())
    return trace, Sample(output)


def trace(programs, found, progress):
    """Not timed. The rungs are left out: a filter would be traced as well."""
    for contestant in found.contestants:
        if contestant.refused:
            continue
        progress(f"system calls: populate {contestant.name}")
        for into, arguments in ((found.traces, ["work", "1", str(TRACE_MIB), "idle"]),
                                (found.small, ["work", "1", str(SMALL_MIB), "idle"])):
            if contestant.is_peer:
                arguments = arguments[:-1]
            try:
                with measure.timing_lock():
                    into[contestant.name] = trace_once(programs, contestant, arguments)
            except measure.Failed as error:
                into[contestant.name] = error
