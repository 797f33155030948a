#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2119,SC2034 # fake.sh and planted.sh set variables
# Of twenty call stacks `hakctl profile` says what each has allocated and holds, within 5 % of the
# truth; `go tool pprof` reads the same of it; the difference of two dumps is what lay between them;
# what was freed is not there. Off, it shows nothing new; another user may not ask; a process that
# ends in a dump is told of.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
. "$(dirname "$0")/planted.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

# shellcheck disable=SC2119 # with no options of its own
start_planted
expect 1 'no profile was taken' "$HAKCTL" profile dump "$pid"
expect 2 'wants a size such as 512K' "$HAKCTL" profile start --interval x "$pid"
expect 0 'profile on, one sample in 1.0 KiB' "$HAKCTL" profile start --interval 1K "$pid"
tell p 20
cp "$work/answer" "$work/truth"
expect 0 '' "$HAKCTL" profile dump -o "$work/one.pb.gz" "$pid"
"$HAKCTL" profile dump -o "$work/live" "$pid"
"$HAKCTL" profile dump --value allocated -o "$work/allocated" "$pid"
if ! grep -q 'main;plant_7 ' "$work/live"; then
	sed 's/ [0-9]*$//' "$work/live" | head -3
	skip "no names: hakctl was built without elfutils, or the program without symbols"
fi

cat >"$work/judge.py" <<'PYTHON'
import sys
truth = [[int(n) for n in line.split()] for line in open(sys.argv[1])]
failed = 0
for column, path in enumerate(sys.argv[2:4]):
    sums = [0.0] * 20
    for line in open(path):
        stack, number = line.rsplit(" ", 1)
        for frame in stack.split(";"):
            if frame.startswith("plant_") and frame[6:].isdigit():
                sums[int(frame[6:])] += float(number)
    for i in range(20):
        if not truth[i][column] * 0.95 <= sums[i] <= truth[i][column] * 1.05:
            print(f"{path}: plant_{i}: {sums[i]:.0f}, truth {truth[i][column]}")
            failed = 1
sys.exit(failed)
PYTHON
python3 "$work/judge.py" "$work/truth" "$work/allocated" "$work/live" || failures=$((failures + 1))

if command -v go >/dev/null; then
	HOME=$work go tool pprof -top -unit=b -sample_index=inuse_space "$work/one.pb.gz" >"$work/top" 2>&1
	awk '$6 == "plant_3" { print $1 + 0 }' "$work/top" >"$work/of_pprof"
	awk -v of_pprof="$(cat "$work/of_pprof")" 'NR == 4 { exit !(of_pprof > $2 * 0.95 && of_pprof < $2 * 1.05) }' \
		"$work/truth" || { echo "pprof says:"; cat "$work/top"; failures=$((failures + 1)); }
	grep -q '^Build ID: [0-9a-f]' "$work/top" || { echo "no build-id"; failures=$((failures + 1)); }
else
	echo "no go: pprof is not asked"
fi

"$HAKCTL" profile dump -o "$work/one.svg" "$pid"
python3 - "$work/one.svg" <<'PYTHON' || failures=$((failures + 1))
import re, sys
import xml.etree.ElementTree as tree
text = open(sys.argv[1]).read()
root = tree.fromstring(text)
names = [g.get("data-n") for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("data-n")]
if "plant_19" not in names or names[0] != "all":
    sys.exit(f"boxes: {names[:10]}")
if re.search(r'(href|src)=|url\(|@import', text):
    sys.exit("something is loaded from elsewhere")
PYTHON

# Once more the same: the difference is as much.
tell p 20
"$HAKCTL" profile dump -o "$work/two.pb.gz" "$pid"
expect 0 '' "$HAKCTL" profile diff -o "$work/live" "$work/one.pb.gz" "$work/two.pb.gz"
"$HAKCTL" profile diff --value allocated -o "$work/allocated" "$work/one.pb.gz" "$work/two.pb.gz"
python3 "$work/judge.py" "$work/truth" "$work/allocated" "$work/live" || failures=$((failures + 1))
mkfifo "$work/pipe"
expect 1 'pipe: is not a file' timeout 10 "$HAKCTL" profile diff "$work/pipe" "$work/two.pb.gz"
expect 1 'no profile of' "$HAKCTL" profile diff "$work/truth" "$work/two.pb.gz"

tell f 1
"$HAKCTL" profile dump -o "$work/live" "$pid"
grep plant_ "$work/live" && { echo "it was freed"; failures=$((failures + 1)); }
expect 0 'profile off' "$HAKCTL" profile stop "$pid"
tell p 20
"$HAKCTL" profile dump -o "$work/live" "$pid"
grep plant_ "$work/live" && { echo "it was off"; failures=$((failures + 1)); }
tell f 1

# What happens within a second, while threads allocate; then it is off again.
printf c >&9
expect 0 'churn' "$HAKCTL" profile dump --seconds 0.3 --value allocated "$pid"
expect 0 'profile off' "$HAKCTL" profile status "$pid"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$work"
	expect 1 'belongs to another user' setpriv --reuid 65534 --clear-groups "$HAKCTL" profile start "$pid"
	expect 0 'profile off' "$HAKCTL" profile status "$pid"
fi

"$HAKCTL" profile start --interval 1K "$pid" >"$work/output"
tell p 20
for try in 1 2 3 4 5; do
	"$HAKCTL" profile dump -o "$work/last.$try" "$pid" 2>"$work/last_said" &
	dumping=$!
	[ $try -lt 5 ] || kill -9 "$pid"
	wait $dumping
	code=$?
	[ $code -eq 0 ] || [ $try -eq 5 ] || { echo "dump $try exits with $code"; failures=$((failures + 1)); }
	[ $code -le 3 ] || { echo "the dump ends with $code"; failures=$((failures + 1)); }
done
expect_end
