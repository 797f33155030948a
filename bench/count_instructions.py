#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make bench-instructions: exact instructions of a warm malloc and a warm free, by size.

For every allocator found; sizes of equal cost are one line. Exits 1 only if the
counting itself fails for hakmem.
"""

import argparse
import os
import sys

import allocators
import callgrind
import limits


def print_allocator(allocator, mallocs, frees):
    print(f"\n{allocator.name}: malloc at most {callgrind.worst(mallocs)[0]}, "
          f"free at most {callgrind.worst(frees)[0]} (typical call, over all sizes)")
    print("  bytes            malloc least typical most     free least typical most")
    for low, high, malloc, free in callgrind.ranges(mallocs, frees):
        print(f"  {low:>5}-{high:<5}  "
              f"{malloc.least:>14} {malloc.typical:>7} {malloc.most:>5}  "
              f"{free.least:>14} {free.typical:>7} {free.most:>5}")


def print_aligned(program, allocator):
    """memalign beside malloc; the Counts."""
    aligned = callgrind.count_aligned(program, allocator)
    print(f"  memalign of {callgrind.ALIGNED_BYTES} bytes, typical by alignment: " +
          ", ".join(f"{count.size_bytes}: {count.typical}" for count in aligned))
    return aligned


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="where the built programs are")
    arguments = parser.parse_args()
    if not callgrind.available():
        sys.exit("bench: valgrind is not installed (Debian: apt-get install valgrind)")
    program = os.path.join(os.path.abspath(arguments.programs), "instructions")
    print(f"Instructions inside one call, warm, one thread, every "
          f"{callgrind.STEP_BYTES} bytes to {callgrind.HIGH_BYTES}, "
          f"{callgrind.REPEATS} calls of each size")
    status = 0
    for allocator in allocators.find(os.path.join(arguments.programs, "empty")):
        try:
            mallocs, frees = callgrind.count(program, allocator)
            print_allocator(allocator, mallocs, frees)
            aligned = print_aligned(program, allocator)
        except RuntimeError as error:
            print(f"\n{allocator.name}: {error}")
            status = status or int(allocator.name == allocators.OURS)
            continue
        if allocator.name == allocators.OURS:
            for limit in limits.instructions(mallocs, frees, aligned):
                print(f"  {limit.line()}")
    return status


if __name__ == "__main__":
    sys.exit(main())
