# SPDX-License-Identifier: MIT
"""The smallest memory cgroup, v2 or v1, in which so many MiB of small blocks live. Used by field.py."""

import os
import subprocess

PROGRAM = os.path.abspath("bench/live")     # the bench runs in the build directory
ROOTS = (("/sys/fs/cgroup", "memory.max"),
         ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"))
MOST = 3                                    # times what lives


def make():
    """(folder, its file for the limit) of a new cgroup, or None: there may be none."""
    for root, limit in ROOTS:
        folder = os.path.join(root, f"hakmem-bench-{os.getpid()}")
        try:
            os.mkdir(folder)
        except OSError:
            continue
        if os.path.exists(os.path.join(folder, limit)):
            return folder, os.path.join(folder, limit)
        os.rmdir(folder)
    return None


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Smallest:
    """The MiB of a cgroup stand where others have a peak."""

    needs = "a memory cgroup that may be made, and no swap,"

    def __init__(self, name, live_mib):
        self.name = name
        self.live_mib = live_mib

    def is_installed(self):
        made = make()
        if made:
            os.rmdir(made[0])
        with open("/proc/swaps", encoding="ascii") as swaps:
            return bool(made) and len(swaps.readlines()) == 1

    def survives(self, allocator, mib):
        folder, limit = make()
        try:
            write(limit, str(mib << 20))
            # The shell is in it before it becomes the program, which alone is preloaded.
            preload = "LD_PRELOAD=" + allocator.library if allocator.library else "-uLD_PRELOAD"
            words = ["sh", "-c", f"echo $$ >{folder}/cgroup.procs; exec env {preload} "
                                 f"{PROGRAM} {self.live_mib}"]
            return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0
        finally:
            remove(folder)

    def run(self, allocator, _directory):
        low, high = self.live_mib - 1, self.live_mib * MOST
        if not self.survives(allocator, high):
            raise RuntimeError(f"dies in {high} MiB")
        while high - low > 1:
            middle = (low + high) // 2
            if self.survives(allocator, middle):
                high = middle
            else:
                low = middle
        return high, 0.0, 0, None


def remove(folder):
    """A helper may be in it a moment longer than the program."""
    for _ in range(100):
        try:
            os.rmdir(folder)
            return
        except OSError:
            subprocess.run(["sleep", "0.05"], check=True)
    raise RuntimeError(f"{folder} does not become empty")
