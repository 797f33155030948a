#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# Each verb asks the library and shows its answer: sums that add up, units, names.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer

start_fake_preloaded good
expect 0 'fake_library' "$HAKCTL"
expect 0 'uffd+move,io_uring,2 nodes,thp' "$HAKCTL" ps
expect 0 '210.0M' "$HAKCTL" ps "$pid"

# By PID, by name, by socket, and without a word, being the only one.
for target in "$pid" fake_library "$socket" ''; do
	# shellcheck disable=SC2086 # no word where there is none
	expect 0 "pid $pid (fake_library)  up 3d04h  mode uffd+move" "$HAKCTL" stats $target
done
for line in 'live (asked for)            ≈   2300.0 MiB   sampled' \
	'+ size-class rounding         ≈     92.0 MiB   3.8 %' \
	'+ free in thread caches             84.0 MiB   64 threads' \
	'+ free in partly used slabs        144.0 MiB   8.9 %' \
	'+ stock (populated, untaken)       210.0 MiB' \
	'- not touched yet                   40.0 MiB' \
	'= populated                       2820.0 MiB   the kernel says 2820.0' \
	'memory system calls by application threads 0' \
	'  waits for pages p99 0 µs, max 14 µs'; do
	expect 0 "$line" "$HAKCTL" stats "$pid"
done
# Where the locale has no such letters, others stand for them.
for verb in ps stats list map 'help stats'; do
	# shellcheck disable=SC2086 # the verb and its option
	LC_ALL=C "$HAKCTL" $verb >"$work/output"
	if LC_ALL=C grep -q '[^ -~]' "$work/output"; then
		echo "$verb prints what is not ASCII under LC_ALL=C"
		failures=$((failures + 1))
	fi
done
expect 0 ' 16      10  36864       3  4093      576.0K  90.0 %' "$HAKCTL" stats --classes "$pid"
expect 0 '    #1                idle      1       0  692.0M' "$HAKCTL" stats --threads "$pid"
expect 0 '   0  runs      2.0G      0  1.2G' "$HAKCTL" stats --nodes "$pid"
expect 0 'RELEAS/s' "$HAKCTL" stats -w 0.1 -n 2 "$pid"

expect 0 'Live                  1200.00        1192.00        2392.00' "$HAKCTL" numa "$pid"
expect 0 'in huge pages' "$HAKCTL" huge "$pid"
expect 5 'why: a seccomp filter; EPERM' "$HAKCTL" doctor "$pid"
expect 5 '--security-opt seccomp=hakmem.json' "$HAKCTL" doctor "$pid"
expect 0 "$pid (fake_library): gave back 500.0 MiB in 3.2 ms" "$HAKCTL" purge "$pid"
expect 0 'gave back 500.0 MiB' "$HAKCTL" purge --all --wait --timeout 1
expect 0 'soft none, hard none, action null' "$HAKCTL" limit "$pid"
expect 0 'soft 2048.0 MiB, hard 4096.0 MiB, action abort' \
	"$HAKCTL" limit --soft 2G --hard 4GiB --action abort "$pid"
expect 0 'soft none, hard 4096.0 MiB' "$HAKCTL" limit --soft none "$pid"
expect 0 'limits: taken 2392.0 MiB, hard 4096.0 MiB (abort)' "$HAKCTL" stats "$pid"
expect 0 'report  set  what a stray access does (report|abort|off)' "$HAKCTL" list "$pid"
expect 0 report "$HAKCTL" get on_stray_access "$pid"
expect 0 abort "$HAKCTL" set on_stray_access abort "$pid"
expect 0 abort "$HAKCTL" get on_stray_access
expect 1 'on_stray_access is report|abort|off' "$HAKCTL" set on_stray_access maybe "$pid"
expect 1 'did you mean "on_stray_access"?' "$HAKCTL" get on_stray_acces "$pid"
expect 3 "comes last: \`hakctl get on_stray_access $pid\`" "$HAKCTL" get "$pid" on_stray_access
expect 3 "comes last: \`hakctl set on_stray_access abort $pid\`" \
	"$HAKCTL" set "$pid" on_stray_access abort
expect 1 "\`hakctl list $pid\` has all" "$HAKCTL" get frobnication "$pid"
expect 0 'write   0x7f0000001000  blocks of 64 bytes, freed since' "$HAKCTL" stray "$pid"
expect 0 'cgroup="' "$HAKCTL" metrics "$pid"
expect 0 'hakmem_class_blocks{' "$HAKCTL" metrics --classes "$pid"
expect 0 'hakmem_class_blocks{' "$HAKCTL" stats -m --classes "$pid"
# Classes are many series, and wanted by few.
if "$HAKCTL" metrics "$pid" | grep -q class_blocks; then
	echo 'classes without --classes'
	failures=$((failures + 1))
fi
expect 0 '+   stock           11 cells' "$HAKCTL" map "$pid"
expect 0 '<svg xmlns="http://www.w3.org/2000/svg"' "$HAKCTL" map --svg - "$pid"
expect 0 '' "$HAKCTL" map --svg "$work/map.svg" "$pid"
[ -s "$work/map.svg" ] || { echo "map --svg wrote nothing"; failures=$((failures + 1)); }
expect 1 '/no/such/folder/map.svg: No such file or directory' "$HAKCTL" map --svg /no/such/folder/map.svg "$pid"
expect 0 '' "$HAKCTL" wait --rss-below 1G "$pid"
expect 1 'RSS is still' "$HAKCTL" wait --rss-below 4K --timeout 0.1 "$pid"

# Several: a name is enough to look, not to change.
start_fake_preloaded good
expect 0 "pid $pid" "$HAKCTL" stats fake_library
expect 2 'which? Name one, or --all' "$HAKCTL" stats
expect 2 'fake_library means 2 processes; give a PID, or --all' "$HAKCTL" purge fake_library
expect 2 'fake_library means 2 processes' "$HAKCTL" limit --soft 1G fake_library
expect 0 "$pid (fake_library): gave back" "$HAKCTL" purge --all fake_library
expect 0 'soft none' "$HAKCTL" limit fake_library

# No escape sequences but on a terminal.
"$HAKCTL" ps | grep -q "$(printf '\033')" && { echo "colours in a pipe"; failures=$((failures + 1)); }
expect_end
