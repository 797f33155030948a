#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2317 # functions are called by name
# What the kernel refuses a process, `hakctl doctor` and `hakctl purge` say at once, and what to do.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
refuse=${top_builddir:?}/bench/refuse
"$refuse" move -- true || skip "seccomp filters are refused here"

start_without() # WHAT...
{
	HAKMEM_OPTIONS=helpers:always,control:always "$refuse" --preload "$HAKMEM_LIB" "$@" -- sleep 60 &
	pid=$!
	started="$started $pid"
	wait_until can_be_asked
}

start_without madvise
expect 5 'off       helper' "$HAKCTL" doctor "$pid"
expect 5 'that lets madvise(2) through' "$HAKCTL" doctor "$pid"
expect 1 'the helper would do it, and could not be had: hakctl doctor says why' "$HAKCTL" purge "$pid"

start_without membarrier
expect 4 'caches of sleeping threads stay; ENOSYS' "$HAKCTL" doctor "$pid"
expect 0 'gave back' "$HAKCTL" purge "$pid"

start_without userfaultfd
expect 5 'off       userfaultfd' "$HAKCTL" doctor "$pid"
expect 0 'gave back' "$HAKCTL" purge "$pid"
expect_end
