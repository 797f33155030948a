#!/bin/sh
# SPDX-License-Identifier: MIT
# An old hakctl and a library of a later release, and the reverse: what both know works, and what does not
# is said with both versions and the way out.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"

start_fake longer
for verb in stats 'stats --classes' 'stats --threads' numa list map stray limit purge; do
	# shellcheck disable=SC2086 # the verb and its option
	expect 0 '' "$HAKCTL" $verb "$socket"
done
expect 0 '= populated                       2820.0 MiB' "$HAKCTL" stats "$socket"
expect 0 '2048.00' "$HAKCTL" numa "$socket"

start_fake old
expect 1 'its library (hakmem 9.9-fake) speaks version 0 to 0 of the protocol' "$HAKCTL" stats "$socket"
expect 1 'use the older hakctl that came with that library' "$HAKCTL" stats "$socket"
start_fake new
expect 1 'speaks version 9 to 9 of the protocol, this hakctl' "$HAKCTL" purge "$socket"
expect 1 'use the newer hakctl that came with that library' "$HAKCTL" ps "$socket"
# Refuses the hello itself.
start_fake odd
expect 1 'speaks version 7 to 8 of the protocol' "$HAKCTL" stats "$socket"
expect_end
