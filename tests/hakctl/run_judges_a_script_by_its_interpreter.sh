#!/bin/sh
# SPDX-License-Identifier: MIT
# A script runs in another program: that one has to be fit for preloading.
# shellcheck disable=SC2016 # the scripts expand these
set -u
. "$(dirname "$0")/expect.sh"
skip_if_library_has_a_sanitizer

script() # NAME FIRST-LINE
{
	printf '%s\necho "ran with <$LD_PRELOAD>"\n' "$2" >"$work/$1"
	chmod 755 "$work/$1"
}

script plain '#!/bin/sh'
expect 0 'libhakmem.so>' "$HAKCTL" run -- "$work/plain"
script spaced '#!  /bin/sh -e'
expect 0 'libhakmem.so>' "$HAKCTL" run -- "$work/spaced"
script by-env '#!/usr/bin/env sh'
expect 0 'libhakmem.so>' "$HAKCTL" run -- "$work/by-env"
script no-line 'true'
expect 0 'libhakmem.so>' "$HAKCTL" run -- "$work/no-line"
script twice "#!$work/plain"
expect 0 'libhakmem.so>' "$HAKCTL" run -- "$work/twice"

cp "$(realpath "$(command -v sh)")" "$work/privileged" && chmod 4755 "$work/privileged"
script by-privileged "#!$work/privileged"
expect 1 "$work/privileged: is set-uid" "$HAKCTL" run -- "$work/by-privileged"
script env-privileged '#!/usr/bin/env privileged'
expect 1 "$work/privileged: is set-uid" env PATH="$work:$PATH" "$HAKCTL" run -- "$work/env-privileged"

script orphan '#!/no/such/interpreter'
expect 1 '/no/such/interpreter: No such file or directory' "$HAKCTL" run -- "$work/orphan"
script snake "#!$work/snake"
expect 1 'its interpreters are scripts without end' "$HAKCTL" run -- "$work/snake"
expect_end
