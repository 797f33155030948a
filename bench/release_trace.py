# SPDX-License-Identifier: MIT
"""What the kernel itself says of how memory went back: its own event rss_stat, which has the
process's resident size whenever that changes, by thread. A kernel worker of io_uring is a thread
that no other way of releasing has. For root, where the kernel has tracefs. release.py calls
trace().
"""

import contextlib
import os
import re
import subprocess
import tempfile

import measure

EVENT = "events/kmem/rss_stat"
BUFFER_KIB = "8192"
# Of our threads: a busy machine's other processes would fill the buffer.
FILTER = 'curr == 1 && member == 1 && (comm ~ "iou-wrk*" || comm ~ "hakmem-*" || ' \
    'comm ~ "*release")'
EVENT_LINE = re.compile(r"-(\d+)\s+\[\d+\].*: rss_stat: mm_id=(\d+) curr=1 "
                        r"type=MM_ANONPAGES size=(\d+)B$")
LAST_LINE = "at_3_resident_kib"     # when it is printed everything is back


class Trace:
    """Bytes that left, by the kind of thread, and the library's own counters."""

    def __init__(self, by_workers, by_others, values):
        self.by_workers = by_workers
        self.by_others = by_others
        self.values = values

    def share(self):
        return self.by_workers / max(self.by_workers + self.by_others, 1)

    def to_ours(self):
        """The workers' bytes as the kernel counts them, to what the library counts."""
        return self.by_workers / max(self.values["release.ring_bytes"], 1)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


@contextlib.contextmanager
def instance():
    """A buffer of our own, in a tracefs that nobody else sees the mount of for long."""
    mount = tempfile.mkdtemp(prefix="hakmem-trace-")
    made = os.path.join(mount, "instances", f"hakmem-bench-{os.getpid()}")
    try:
        if subprocess.run(["mount", "-t", "tracefs", "nodev", mount], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            raise measure.Failed("tracefs cannot be mounted (root only)")
        try:
            os.mkdir(made)
            write(os.path.join(made, "buffer_size_kb"), BUFFER_KIB)
            write(os.path.join(made, EVENT, "filter"), FILTER)
            yield made
        finally:
            if os.path.isdir(made):
                os.rmdir(made)
            subprocess.run(["umount", mount], check=False)
    except OSError as error:
        raise measure.Failed(f"tracefs: {error}") from error
    finally:
        os.rmdir(mount)


def sum_up(lines, threads, values):
    """Sizes fall from event to event; who makes the event has dropped the difference."""
    events = [match.groups() for match in map(EVENT_LINE.search, lines) if match]
    memories = {memory for thread, memory, _ in events if thread in threads}
    left = {True: 0, False: 0}
    before = None
    for thread, memory, size in events:
        if memory not in memories:
            continue
        if before is not None and int(size) < before:
            left[threads.get(thread, "").startswith("iou-wrk")] += before - int(size)
        before = int(size)
    if not left[True] + left[False]:
        raise measure.Failed("the kernel's trace has nothing of the program")
    return Trace(left[True], left[False], values)


def note_threads(process, names):
    """One may end while we look; it was there before then."""
    folder = f"/proc/{process.pid}/task"
    with contextlib.suppress(OSError):
        for thread in os.listdir(folder):
            with open(os.path.join(folder, thread, "comm"), encoding="utf-8") as file:
                names[thread] = file.read()


def follow(process, made):
    """From the last free on; the first memory goes back a second later."""
    values, threads = {}, {}
    for line in process.stdout:
        name, value = line.split()
        values[name] = int(value)
        note_threads(process, threads)
        if name == "live_kib":
            write(os.path.join(made, EVENT, "enable"), "1")
        if name == LAST_LINE:
            write(os.path.join(made, EVENT, "enable"), "0")
    if process.wait() or "release.ring_bytes" not in values:
        raise measure.Failed("the traced program failed")
    with open(os.path.join(made, "trace"), encoding="ascii", errors="replace") as file:
        return sum_up(file, threads, values)


def trace(command, environment):
    with instance() as made, subprocess.Popen(command, env=environment, text=True,
                                              stdout=subprocess.PIPE) as process:
        try:
            return follow(process, made)
        finally:
            process.kill()
