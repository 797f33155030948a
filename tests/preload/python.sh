#!/bin/sh
# SPDX-License-Identifier: MIT
# python3, told to take every object from malloc: json, threads, subprocesses and fork give
# the results that they give without the library.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need python3 python3
PYTHONMALLOC=malloc
PYTHONHASHSEED=0
export PYTHONMALLOC PYTHONHASHSEED

cat >"$work/script.py" <<'SCRIPT'
import gc, hashlib, json, os, queue, re, subprocess, sys, threading, zlib

def tree(depth, seed):
    if depth == 0:
        return {"seed": seed, "text": "é" * (seed % 300), "list": list(range(seed % 50))}
    return {str(i): tree(depth - 1, seed * 7 + i) for i in range(6)}

def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

document = tree(4, 1)
text = json.dumps(document)
assert json.loads(text) == document
print("json", len(text), digest(document))

jobs, results = queue.Queue(), {}
def work():
    while (number := jobs.get()) is not None:
        data = (b"%d " % number) * (number * 40 + 1)
        back = zlib.decompress(zlib.compress(data))
        assert back == data
        results[number] = digest([back.decode(), re.sub("1", "one", str(number))])
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for number in range(400): jobs.put(number)
for _ in threads: jobs.put(None)
for thread in threads: thread.join()
print("threads", digest(results))

children = [subprocess.Popen([sys.executable, "-c", "print(sum(range(%d)))" % n],
                             stdout=subprocess.PIPE) for n in range(1000, 1012)]
print("subprocess", [int(child.communicate()[0]) for child in children],
      [child.returncode for child in children])

reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, digest(tree(3, 5)).encode())
    os._exit(0)
assert os.wait()[1] == 0
print("fork", os.read(reader, 100) == digest(tree(3, 5)).encode())

array, big = bytearray(), 1
for i in range(20000):
    array += bytes([i % 256]) * (i % 97)
    big = big * 3 + i
print("growth", hashlib.sha256(array).hexdigest(), hashlib.sha256(str(big % 10 ** 4000).encode()).hexdigest())
cycles = []
for i in range(50000):
    a, b = [i], {}
    a.append(b); b["a"] = a
    if i % 500 == 0: cycles.append(a)
gc.collect()
print("cycles", len(cycles), sum(cycle[0] for cycle in cycles))
SCRIPT

preloaded python3 -c 'import sys; sys.exit(sys.argv[1] not in open("/proc/self/maps").read())' \
	"$(readlink -f "$library")" || fail "python3 does not have the library"
python3 "$work/script.py" >"$work/expected" || fail "the script itself"
preloaded python3 "$work/script.py" >"$work/found" || fail "exit $?"
expect_same "$work/expected" "$work/found" "the output of the script"
