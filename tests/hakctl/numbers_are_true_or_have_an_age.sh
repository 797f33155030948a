#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# While a heap grows by 100 MiB a second, and once it stands still: what stats says lives is what lives
# (2 %), what is resident is what the kernel says or has an age, and nothing is made up as a remainder.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"
growing=${top_builddir:?}/tests/hakctl/growing_heap

cat >"$work/compare.py" <<'EOF'
import json, struct, subprocess, sys, time
hakctl, pid, truth, size = sys.argv[1:4] + [int(sys.argv[4])]
threads, is_large = int(sys.argv[5]), size > 1 << 20
can_be_asked = sys.argv[6] != "helpers:never"
MIB, AGE_NS = 1 << 20, 10000000
wrong = []

def live():
    return struct.unpack("Q", open(truth, "rb").read(8))[0]

def smaps(start, end):
    rss, inside = 0, False
    for line in open(f"/proc/{pid}/smaps"):
        words = line.split()
        if "-" in words[0] and ":" not in words[0]:
            low, high = (int(part, 16) for part in words[0].split("-"))
            inside = start <= low and high <= end
        elif inside and words[0] == "Rss:":
            rss += int(words[1]) * 1024
    return rss

def check(what, is_, low, high):
    if not low * 0.98 - MIB // 4 <= is_ <= high * 1.02 + MIB // 4:
        wrong.append(f"{what}: {is_ / MIB:.1f} MiB, truth {low / MIB:.1f} to {high / MIB:.1f}")

def written():
    """What the program writes to of what lives, which is as large as the class."""
    return size / usable

# From outside, pages of the heap are counted while more come.
least = (0.5 if can_be_asked else 0.1) * MIB

def one():
    before = live()
    process = json.loads(subprocess.check_output([hakctl, "stats", "-j", pid]))["processes"][0]
    after = live()
    # The program counts a block once it is written.
    check("live", process["live_bytes"], before, after + threads * size)
    age = process["populated_age_ns"]
    # Read from outside, pages of before and after are in one sum; but the heap only grows.
    if age is not None and age < AGE_NS:
        # What was brought ahead is resident and does not live; the stock is in it.
        ahead = max(process["stock_bytes"], process["brought_bytes"])
        check("populated", process["populated_bytes"] - ahead, before * written(), after + 6 * MIB)
    if process["not_heap_bytes"] is not None and not least <= process["not_heap_bytes"] <= 8 * MIB:
        wrong.append(f"not heap: {process['not_heap_bytes'] / MIB:.1f} MiB")
    return process

while live() < 60 * MIB:
    time.sleep(0.05)
classes = json.loads(subprocess.check_output([hakctl, "stats", "-j", "--classes", pid]))["processes"][0]["per_class"]
usable = max(classes, key=lambda row: row["live"] * row["size_bytes"])["size_bytes"]
if is_large:
    usable = size
ages = 0
for _ in range(8):
    ages += one()["populated_age_ns"] is not None
    time.sleep(0.11)
if not ages:
    wrong.append("the kernel was never asked")
while True:
    before = live()
    time.sleep(0.3)
    if live() == before:
        break
time.sleep(1.5)
if not can_be_asked:
    # Read from outside, which asks the kernel itself; of single records there is no map.
    one()
    print("\n".join(wrong))
    sys.exit(bool(wrong))
# Standing still: what the kernel says of the mappings, page for page. map reads every record, which
# brings pages of zeroes that take no memory.
cells = json.loads(subprocess.check_output([hakctl, "map", "-j", pid]))["processes"][0]
start, end = cells["heap_start"], cells["heap_start"] + len(cells["superslabs"]) * (2 << 20)
# The other numbers of one process with one thread and one size.
process = one()
statm = int(open(f"/proc/{pid}/statm").read().split()[1]) * 4096
for name, is_, low, high in (
        ("RSS", process["rss_bytes"], statm, statm),
        ("blocks", process["large_live_bytes"] if is_large else process["blocks_live_count"] * usable,
         live(), live()),
        ("asked for, sampled", process["asked_bytes"], live() * written() * 0.9, live() * written() * 1.1),
        ("rounding and asked", process["asked_bytes"] + process["rounding_bytes"], live(), live()),
        ("slabs", process["slabs_bytes"], 0 if is_large else live(),
         2 * MIB if is_large else live() * 1.15 + 2 * MIB + threads * MIB),
        ("terms", sum(term["bytes"] for term in process["terms"]), process["populated_bytes"],
         process["populated_bytes"])):
    check(f"{name}, standing still", is_, low, high)
if process["threads"] != threads or process["refused"] or process["strays"]:
    wrong.append("counts that should be one and none")
# Asking the kernel takes a thousandth of a processor at most: where it is slow, seldom.
for _ in range(600 if "hardened" not in sys.argv[6] else 50):
    process = one()
    if process["populated_age_ns"] is not None and process["populated_age_ns"] < 5 * AGE_NS:
        heap, metadata = smaps(start, end), smaps(start - (1 << 44), start)
        check("heap, standing still", process["populated_bytes"] - process["metadata_bytes"], heap, heap)
        check("metadata, standing still", process["metadata_bytes"], metadata, metadata)
        break
    time.sleep(0.1)
else:
    # A hardened heap's pages lie about; then it is asked so seldom that there is an age instead.
    if "hardened" not in sys.argv[6] or process["populated_age_ns"] is None:
        wrong.append("the kernel is never asked")
print("\n".join(wrong))
sys.exit(bool(wrong))
EOF

# A size, how many threads, options.
for way in '1000 1' '1000 1 control:always' '100 1 control:always' '100000 1' \
	'700 4 control:always' '3000000 1 control:always' '1000 1 control:always,hardened:true' \
	'1000 1 helpers:never'; do
	size=${way%% *}
	threads=${way#"$size "}
	threads=${threads%% *}
	options=${way#"$size $threads"}
	options=${options# }
	rm -f "$work/truth"
	# The program itself, not env, is looked at.
	HAKMEM_OPTIONS=$options LD_PRELOAD=$HAKMEM_LIB "$growing" "$size" 100 3 "$work/truth" "$threads" &
	pid=$!
	started="$started $pid"
	wait_until test -s "$work/truth"
	python3 "$work/compare.py" "$HAKCTL" "$pid" "$work/truth" "$size" "$threads" "$options" || {
		echo "with: $way"
		failures=$((failures + 1))
	}
	# A scrape tells the age, too.
	expect 0 'hakmem_populated_age_seconds{' "$HAKCTL" metrics "$pid"
	end_all
done
expect_end
