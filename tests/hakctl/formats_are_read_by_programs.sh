#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# Every -j is one JSON object with a schema, whose numbers are integers and whose ledger
# adds up; -m and metrics are OpenMetrics, each family once and whole.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"
formats=$(dirname "$0")/formats.py

reads() # FORMAT CODE COMMAND...
{
	format=$1
	code=$2
	shift 2
	"$@" >"$work/printed" 2>"$work/errors" </dev/null
	[ $? -eq "$code" ] && python3 "$formats" "$format" "$work/printed" && return
	echo "$*: is not $format, or does not exit with $code"
	cat "$work/errors"
	head -c 600 "$work/printed"
	failures=$((failures + 1))
}

start_fake_preloaded good
start_fake_preloaded longer
for verb in ps 'stats --all' 'stats --classes --threads --nodes --all' 'stats -w 0.1 -n 2 --all' 'numa --all' \
	'huge --all' 'limit --all' 'list --all' 'get on_stray_access --all' 'stray --all' 'purge --all' \
	"map $pid"; do
	# shellcheck disable=SC2086 # the verb, its options and targets
	reads json 0 "$HAKCTL" $verb -j
done
reads json 5 "$HAKCTL" doctor "$pid" -j
reads openmetrics 0 "$HAKCTL" stats --all -m
reads openmetrics 0 "$HAKCTL" metrics
reads openmetrics 0 "$HAKCTL" metrics "$pid"
reads classic 0 "$HAKCTL" metrics --format text
"$HAKCTL" doctor -j >"$work/printed"
python3 "$formats" json "$work/printed" || failures=$((failures + 1))

# A seccomp profile is JSON of the shape that Docker wants, alone and upon another.
for base in '' =base.json; do
	cd "$work" || exit 99
	echo '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}' >base.json
	"$HAKCTL" doctor "--seccomp-profile$base" >profile.json
	python3 -c '
import json, sys
profile = json.load(open("profile.json"))
refuses = profile["defaultAction"] == "SCMP_ACT_ERRNO"
named = {name: rule["action"] for rule in profile["syscalls"] for name in rule["names"]}
for call in "userfaultfd", "io_uring_setup", "mbind", "process_madvise":
    if named.get(call, profile["defaultAction"]) != "SCMP_ACT_ALLOW":
        sys.exit(call + " is not allowed")
if not refuses and named.get("kexec_load") != "SCMP_ACT_ERRNO":
    sys.exit("kexec_load is not refused")' || failures=$((failures + 1))
done
expect 1 'is no seccomp profile' "$HAKCTL" doctor --seccomp-profile="$work/printed"
expect 1 'cannot be read as JSON' "$HAKCTL" doctor --seccomp-profile=/no/such

# The drawing is XML.
"$HAKCTL" map --svg "$work/map.svg" "$pid" &&
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/map.svg" ||
	failures=$((failures + 1))
expect_end
