# SPDX-License-Identifier: MIT
"""What a result depends on besides the code: machine, kernel, settings, options."""

import os
import platform
import re

OPTION_VARIABLES = ("HAKMEM_OPTIONS", "MALLOC_CONF", "GLIBC_TUNABLES")
OPTION_PREFIXES = ("MIMALLOC_", "TCMALLOC_", "MALLOC_", "TBB_", "RPMALLOC_", "SNMALLOC_")


def first_line(path, default="unknown"):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return default


def processor():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M)
    return model.group(1) if model else platform.machine()


def memory_gib():
    total = int(first_line("/proc/meminfo").split()[1])
    return total / (1 << 20)


def node_count():
    try:
        return len([n for n in os.listdir("/sys/devices/system/node")
                    if re.fullmatch(r"node\d+", n)])
    except OSError:
        return 1


def options():
    found = [f"{name}={value}" for name, value in sorted(os.environ.items())
             if name in OPTION_VARIABLES or name.startswith(OPTION_PREFIXES)]
    return " ".join(found) or "none set"


def pinned_processor():
    """Rows with one thread run here: the last one, where least else happens to run."""
    return max(os.sched_getaffinity(0))


def describe(allocators, runs, quick):
    huge = "/sys/kernel/mm/transparent_hugepage/"
    huge_pages = f"{first_line(huge + 'enabled')}, defrag {first_line(huge + 'defrag')}"
    lines = [
        ("machine", f"{processor()}, {len(os.sched_getaffinity(0))} processors, "
                    f"{memory_gib():.0f} GiB, {node_count()} node(s)"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("C library", " ".join(platform.libc_ver())),
        ("huge pages", huge_pages),
        ("overcommit", first_line("/proc/sys/vm/overcommit_memory")),
        ("load before", " ".join(first_line("/proc/loadavg").split()[:3])),
        ("options", options()),
        ("runs", f"{runs} of each, interleaved{', quick' if quick else ''}; "
                 f"rows with one thread on processor {pinned_processor()}"),
    ]
    lines += [(allocator.name, os.path.realpath(allocator.library)
               if allocator.library else "nothing preloaded") for allocator in allocators]
    return "\n".join(f"{key:<18} {value}" for key, value in lines)
