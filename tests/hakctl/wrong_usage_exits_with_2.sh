#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # the backticks are text
# A command line that means nothing: a message with the way out, and 2.
set -u
. "$(dirname "$0")/expect.sh"

expect 2 'hakctl: unknown verb "rum"; did you mean "run"?' "$HAKCTL" rum
expect 2 'hakctl: unknown verb "verison"; did you mean "version"?' "$HAKCTL" verison
expect 2 'hakctl: unknown verb "hlp"; did you mean "help"?' "$HAKCTL" help hlp
expect 2 'hakctl: unknown verb "frobnicate"; `hakctl help` lists them' "$HAKCTL" frobnicate
expect 2 'hakctl: unknown verb ""' "$HAKCTL" ''
expect 2 'hakctl: unknown verb "x"; `hakctl help`' "$HAKCTL" x

expect 2 'hakctl: run: no command; usage: hakctl run' "$HAKCTL" run
expect 2 'hakctl: run: no command' "$HAKCTL" run -v --
expect 2 'hakctl: run: unknown option "--libb=x"; `hakctl help run` says more' "$HAKCTL" run --libb=x -- true
expect 2 'hakctl: run: unknown option "-x"' "$HAKCTL" run -x -- true
expect 2 'hakctl: run: no value for "--lib"' "$HAKCTL" run --lib
expect 2 'hakctl: run: no value for "-o"' "$HAKCTL" run -o
# Of several letters in one word the one that is meant, and not the word before.
expect 2 'hakctl: ps: unknown option "-X"' "$HAKCTL" ps --json -Xj
expect 2 'hakctl: ps: unknown option "-X"' "$HAKCTL" ps --json -jX
expect 2 'hakctl: ps: no value for "-s"' "$HAKCTL" ps --json -js
expect 2 'hakctl: ps: no value is wanted in "--json=yes"' "$HAKCTL" ps --json=yes
for options in confirm :true "confirm:true," "," ''; do
	expect 2 "wants KEY:VALUE[,KEY:VALUE...], not \"$options\"" "$HAKCTL" run -o "$options" -- true
done

for port in 99999 65536; do
	expect 2 'with a port of 65535 at most' "$HAKCTL" metrics --listen $port
done

expect 2 'stats: --openmetrics and --json exclude each other' "$HAKCTL" stats -j -m
expect 2 'map: --json and --svg exclude each other' "$HAKCTL" map -j --svg -

expect 2 'hakctl: help: one verb at a time' "$HAKCTL" help run version
expect 2 'hakctl: version: takes no arguments' "$HAKCTL" version now

# Messages go to standard error, and nothing else goes out.
[ -z "$("$HAKCTL" rum 2>/dev/null)" ] || { echo "a message on standard output"; failures=1; }
expect_end
