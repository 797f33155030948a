# SPDX-License-Identifier: MIT
"""Which allocators take part: hakmem, glibc, Debian's, and those that PEERS names.

Each is a name and a library to preload. run.py and count_instructions.py call find().
"""

import glob
import os
import subprocess
import sys

OURS = "hakmem"
SYSTEM = "glibc"

# Debian's and Ubuntu's packages, by the file that is preloaded.
PACKAGED = {
    "mimalloc": "libmimalloc.so.2",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
    "tbbmalloc": "libtbbmalloc_proxy.so.2",
}


class Allocator:
    """One contestant; an empty library is the C library's own allocator."""

    def __init__(self, name, library):
        self.name = name
        self.library = library

    def environment(self, **extra):
        """The environment of a program that runs under this allocator."""
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        if self.library:
            environment["LD_PRELOAD"] = self.library
        environment.update(extra)
        return environment

    def is_before(self):
        """Another state of hakmem, which is no peer."""
        return self.name.startswith("before")

    def is_mimalloc(self):
        return self.name.startswith("mimalloc")

    def is_jemalloc(self):
        return self.name.startswith("jemalloc")


class WithOptions(Allocator):
    """hakmem with options of its own."""

    def __init__(self, ours, options):
        super().__init__(f"{ours.name} {options}", ours.library)
        self.options = options

    def environment(self, **extra):
        given = os.environ.get("HAKMEM_OPTIONS")
        return super().environment(
            HAKMEM_OPTIONS=",".join(filter(None, (given, self.options))), **extra)


def with_options(contestants):
    """Ours once more for each word of OPTIONS, which is KEY:VALUE,..."""
    ours = [allocator for allocator in contestants if allocator.name == OURS]
    return [WithOptions(allocator, options) for allocator in ours
            for options in os.environ.get("OPTIONS", "").split()]


def packaged_library(file_name):
    for pattern in ("/usr/lib/*-linux-gnu/", "/usr/lib64/", "/usr/lib/"):
        found = sorted(glob.glob(pattern + file_name))
        if found:
            return found[0]
    return None


def works(allocator, empty_program):
    """The loader only warns of a library that it cannot preload, and runs without it."""
    result = subprocess.run(
        [empty_program], env=allocator.environment(), capture_output=True, text=True,
        check=False,
    )
    if result.returncode == 0 and not result.stderr:
        return True
    reason = result.stderr.strip() or f"exit {result.returncode}"
    print(f"bench: leaving out {allocator.name}: {reason}", file=sys.stderr)
    return False


def from_peers(text):
    peers = []
    for word in text.split():
        name, equals, path = word.partition("=")
        if not equals or not name or not os.path.exists(path):
            sys.exit(f"bench: PEERS: '{word}' is not NAME=PATH of a library that exists")
        peers.append(Allocator(name, os.path.abspath(path)))
    return peers


def find(empty_program):
    """All contestants, ours first if its library is there."""
    found = []
    library = os.environ.get("HAKMEM_LIB", "")
    if library and os.path.exists(library):
        found.append(Allocator(OURS, os.path.abspath(library)))
    else:
        print(f"bench: no {library or 'HAKMEM_LIB'}: the peers only", file=sys.stderr)
    found.append(Allocator(SYSTEM, ""))
    peers = from_peers(os.environ.get("PEERS", ""))
    for name, file_name in PACKAGED.items():
        if name in [peer.name for peer in peers]:
            continue
        path = packaged_library(file_name)
        if path:
            found.append(Allocator(name, path))
        else:
            print(f"bench: no {name} here ({file_name})", file=sys.stderr)
    found += peers
    usable = [allocator for allocator in found if works(allocator, empty_program)]
    if found and found[0].name == OURS and found[0] not in usable:
        sys.exit("bench: hakmem itself cannot be preloaded")
    return usable
