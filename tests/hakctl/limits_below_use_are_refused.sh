#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# A hard limit below what the heap holds would fail the program's next allocation: it is refused, and so is
# a soft one above the hard, unless --force. What was set is said back with its unit.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
start_known_heap 40000 1000 1000000

expect 1 'a hard limit of 64 bytes is below the ' "$HAKCTL" limit --hard 64 "$pid"
expect 1 'hakctl limit --force sets it' "$HAKCTL" limit --hard 10M "$pid"
expect 1 'is below the ' "$HAKCTL" set limit_hard 64 "$pid"
expect 0 'soft none, hard none' "$HAKCTL" limit "$pid"
expect 0 'hard 1024.0 MiB' "$HAKCTL" limit --hard 1G "$pid"
expect 1 'is above the hard one' "$HAKCTL" limit --soft 2G "$pid"
expect 1 'is above the hard one' "$HAKCTL" set limit_soft 2G "$pid"
expect 1 'is above the hard one' "$HAKCTL" limit --soft 4G --hard 3G "$pid"
# Below what it holds a soft limit gives back sooner: that is what it is for.
expect 0 'soft 10.0 MiB, hard 1024.0 MiB' "$HAKCTL" limit --soft 10M "$pid"
expect 0 'hard 64 B' "$HAKCTL" limit --hard 64 --force "$pid"
expect 0 'hard none' "$HAKCTL" limit --hard none --soft none "$pid"
# A knob is listed with what it does, not with what is wrong with another value.
expect 0 'the heap does not hold more' "$HAKCTL" list --knobs "$pid"
expect_end
