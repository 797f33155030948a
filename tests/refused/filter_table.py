#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each call that the helper makes, under a filter on that call alone: `make check-filters`.

    filter_table.py [quick] [CALL...]

A row is a call, what the filter does with it, and when it is set: before the program starts, or by the
program before its heap grows. The program's output must be what it is without hakmem, under the same
filter, unless it does not live there; and the rungs that `hakctl doctor` says are on must be those
that are, as the kernel shows the helper. Prints a table, by tabs, with what is in force in each row;
RECORD=1 keeps it in filters.tsv.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
import time

ACTIONS = ["EPERM", "ENOSYS", "process", "thread", "trap", "silence"]
QUICK = {"futex", "clone3", "madvise", "prctl", "mmap", "io_uring_setup"}
PATIENCE = 60
HEAD = "call\tfilter\tset\tprogram\tin force"
WORKERS = 4 * os.cpu_count()  # they wait, most of the time
build = os.environ["top_builddir"]
program = os.path.join(build, "tests/refused/one_call")
hakctl = os.path.join(build, "hakctl/hakctl")
library = os.environ.get("HAKMEM_LIB") or os.path.join(build, ".libs/libhakmem.so")


def start(number, action, when, preload):
    environment = dict(os.environ, HAKMEM_OPTIONS="helpers:auto", ASAN_OPTIONS="", TSAN_OPTIONS="")
    environment.pop("LD_PRELOAD", None)
    if when == "before":
        words = ["before", number, action, preload or "-"]
    else:
        words = ["itself", number, action]
        if preload:
            environment["LD_PRELOAD"] = preload
    return subprocess.Popen([program] + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment)


def first_line(process):
    """What it says, or nothing: it has ended, or hangs."""
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    line = process.stdout.readline()
    alarm.cancel()
    return line.decode()


def finish(process):
    process.stdin.close()
    try:
        status = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    errors = process.stderr.read().decode()
    process.stdout.close()
    process.stderr.close()
    return status, errors


@functools.lru_cache(None)
def without(number, action, when):
    process = start(number, action, when, None)
    line = first_line(process)
    return line, finish(process)[0]


def expected_of(number, action, when):
    """What the program does under the filter without hakmem."""
    killed = without(number, "process", when)
    # A call that it never makes is none to it; whoever is killed for one would wait for ever for an answer.
    if killed[1] == 0 or action == "silence":
        return killed
    return without(number, action, when)


# A task of the program's that no wait(2) of its own would see; its name may be a call that is filtered.
STATE, PARENT, EXIT_SIGNAL = 0, 1, 35


def helper_of(pid):
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[STATE] != "Z" and fields[PARENT] == str(pid) and fields[EXIT_SIGNAL] == "0":
            return int(name)
    return 0


def files_of(task):
    files = set()
    try:
        for name in os.listdir(f"/proc/{task}/fd"):
            files.add(os.readlink(f"/proc/{task}/fd/{name}"))
    except OSError:
        pass
    return files


def rungs_of(pid):
    done = subprocess.run([hakctl, "doctor", "-j", str(pid)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return {}
    rungs = {}

    def collect(value):
        if isinstance(value, dict):
            if "state" in value and "name" in value:
                rungs[value["name"]] = value["state"]
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(document)
    return rungs


def is_settled(rungs):
    helper = rungs.get("helper", "unknown")
    if helper != "on":
        return helper != "unknown"
    return "unknown" not in (rungs.get("io_uring", "unknown"), rungs.get("membarrier", "unknown"))


def settled_rungs(pid):
    """The helper has said what it has, or there is none."""
    end = time.monotonic() + 5
    while True:
        rungs = rungs_of(pid)
        if is_settled(rungs):
            return rungs
        if time.monotonic() > end:
            return rungs
        time.sleep(0.05)


def compare(pid, name):
    """What is said and is not so; and what is in force, in words."""
    rungs = settled_rungs(pid)
    helper = helper_of(pid)
    # Without MADV_WIPEONFORK there is one that answers hakctl, and does nothing else.
    if name == "madvise" and rungs.get("helper") == "off":
        helper = 0
    files = files_of(helper) if helper else set()
    there = {
        "helper": helper != 0,
        "userfaultfd": "anon_inode:[userfaultfd]" in files,
        "io_uring": "anon_inode:[io_uring]" in files,
    }
    wrong = [f"doctor says {name} {rungs.get(name)}, and it is {'there' if is_there else 'not'}"
             for name, is_there in there.items() if (rungs.get(name) == "on") != is_there]
    if not rungs:
        wrong = ["doctor does not answer"]
    return wrong, " ".join(name for name in ("helper", "userfaultfd", "move", "io_uring",
                                             "membarrier") if rungs.get(name) == "on") or "nothing"


def try_row(row):
    number, name, action, when = row
    expected = expected_of(number, action, when)
    process = start(number, action, when, library)
    line = first_line(process)
    wrong, rungs = compare(process.pid, name) if line else ([], "-")
    # It may have been killed, or have ended, meanwhile: there is nothing to compare then.
    if process.poll() is not None:
        wrong, rungs = [], "-"
    status, errors = finish(process)
    # A call that we make never, or in another task, traps less often.
    if (line, status) != expected and (line.strip() + ", trapped\n", status) != expected:
        # It lives and says what it says under no filter, where it would not live without us.
        if not expected[0] or expected[1]:
            return row, "dies without us" if status else "lives", rungs, []
        wrong.append(f"says {line!r}, status {status}; without us {expected}; {errors[-200:]!r}")
    return row, "same", rungs, wrong


def calls(names):
    listed = subprocess.run([program, "list"], stdout=subprocess.PIPE, check=True, text=True).stdout
    found = dict(reversed(line.split()) for line in listed.splitlines())
    return sorted((number, name) for name, number in found.items() if not names or name in names)


def rows(names):
    return [(number, name, action, when) for number, name in calls(names)
            for when in ("before", "itself") for action in ACTIONS]


def library_digest():
    """As tests/refused/run has it."""
    source = os.environ["top_srcdir"]
    files = sorted(os.path.join(folder, name)[len(source) + 1:] for top in ("include", "kmod-free-helpers", "lib")
                   for folder, _, names in os.walk(os.path.join(source, top))
                   for name in names if name.endswith((".c", ".h")))
    digest = hashlib.sha256()
    for name in files:
        with open(os.path.join(source, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]


def record(lines):
    """Kept beside the script, of which library it is."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "filters.tsv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"# make check-filters RECORD=1, Linux {os.uname().release.split('-')[0]}, "
                   f"library {library_digest()}\n{HEAD}\n" + "\n".join(lines) + "\n")


def main():
    words = sys.argv[1:]
    names = QUICK if words[:1] == ["quick"] else set(words)
    if subprocess.run([program, "before", "0", "allow", "-"], stdin=subprocess.DEVNULL,
                      stdout=subprocess.DEVNULL, check=False).returncode:
        print("# skipped: seccomp filters are refused here")
        sys.exit(77)
    failed = count = 0
    print(HEAD)
    lines = []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for (_, name, action, when), outcome, rungs, wrong in pool.map(try_row, rows(names)):
            lines.append("\t".join((name, action, when, outcome, rungs)))
            print(lines[-1], flush=True)
            count += 1
            failed += bool(wrong)
            for what in wrong:
                print(f"FAIL {name} {action} {when}: {what}", flush=True)
    print(f"# {count} rows, {failed} failed")
    if os.environ.get("RECORD"):
        record(lines)
    sys.exit(failed > 0)


main()
