#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # fake.sh sets variables
# A scrape of 100 processes takes the exporter less than 100 ms of a processor; processes that accept and never
# answer delay the first two scrapes that meet them, and hardly the next; all others are in each.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
command -v python3 >/dev/null || skip "no python3"

for _ in $(seq 100); do
	HAKMEM_OPTIONS=control:always LD_PRELOAD=$HAKMEM_LIB sleep 600 &
	started="$started $!"
done
"$HAKCTL" metrics --listen 0 >"$work/exporter" 2>&1 &
exporter=$!
started="$started $exporter"
wait_until test -s "$work/exporter"
url=$(sed -n 's/^serving //p' "$work/exporter")

cat >"$work/scrape.py" <<'PYTHON'
import os, re, subprocess, sys, time, urllib.request
url, exporter, fake, library = sys.argv[1:5]
TICK_MS = 1e3 / os.sysconf("SC_CLK_TCK")

def cpu_ms():
    words = open(f"/proc/{exporter}/stat").read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) * TICK_MS

def scrape():
    began = time.monotonic()
    text = urllib.request.urlopen(url).read().decode()
    answers = len(re.findall(r"^hakmem_answers\{.*process=\"sleep\".*\} 1$", text, re.M))
    return (time.monotonic() - began) * 1e3, answers

for _ in range(200):
    if scrape()[1] == 100:
        break
    time.sleep(0.1)
else:
    sys.exit("they cannot all be asked")
before = cpu_ms()
quiet = [scrape() for _ in range(10)]
cpu = (cpu_ms() - before) / 10
wall = sorted(took for took, _ in quiet)[5]
print(f"100 processes: {cpu:.0f} ms of a processor, {wall:.0f} ms in all")
wrong = []
# Twice what a quiet machine has to reach: neighbours take caches away.
if cpu > 200:
    wrong.append("too long")

rude = []
for mode in "mute", "mute", "hostile", "cut":
    environment = dict(os.environ, LD_PRELOAD=library, HAKMEM_OPTIONS="helpers:never")
    rude.append(subprocess.Popen([fake, mode], env=environment, stdout=subprocess.PIPE))
    rude[-1].stdout.readline()
first = scrape()
later = [scrape() for _ in range(7)]
median = sorted(took for took, _ in later)[3]
print(f"with 4 that do not answer: {first[0]:.0f} ms, then {median:.0f} ms")
if median > 3 * wall + 100:
    wrong.append("they keep waiting")
if any(answers != 100 for _, answers in quiet + [first] + later):
    wrong.append("not all others are in each scrape")
for process in rude:
    process.kill()
sys.exit(", ".join(wrong) or 0)
PYTHON
python3 "$work/scrape.py" "$url" $exporter "$fake" "$HAKMEM_LIB" || failures=$((failures + 1))
expect_end
