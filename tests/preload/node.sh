#!/bin/sh
# SPDX-License-Identifier: MIT
# node with the library computes what it computes without: JSON, buffers, compression,
# worker threads and child processes.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need node nodejs

cat >"$work/script.js" <<'SCRIPT'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib'), { execFileSync } = require('child_process');
const digest = (data) => crypto.createHash('sha256').update(data).digest('hex');

function work(seed) {
	const parts = [];
	let state = seed;
	for (let i = 0; i < 3000; i++) {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		const part = Buffer.alloc(state % 9000, String(i));
		parts.push(part.subarray(0, part.length >> 1));
	}
	const all = Buffer.concat(parts), packed = zlib.deflateSync(all, { level: 3 });
	if (!zlib.inflateSync(packed).equals(all)) throw new Error('not the same after inflate');
	return digest(all);
}

if (!isMainThread) {
	parentPort.postMessage([workerData, work(workerData)]);
} else {
	const tree = (depth, n) => depth ? Array.from({ length: 6 }, (_, i) => tree(depth - 1, n * 6 + i))
		: { number: n, text: 'é'.repeat(n % 90), map: { [n]: [n, n + 1] } };
	const text = JSON.stringify(tree(5, 1));
	console.log('json', text.length, digest(JSON.stringify(JSON.parse(text))));
	let long = '';
	for (let i = 0; i < 200000; i++) long += i;
	console.log('string', long.length, digest(long.replace(/1+/g, (ones) => ones.length)));
	console.log('child', execFileSync(process.execPath, ['-e', 'console.log(6 * 7)']).toString().trim());
	const results = [];
	for (let i = 1; i <= 6; i++)
		new Worker(__filename, { workerData: i }).on('message', (message) => {
			if (results.push(message) === 6)
				console.log('workers', digest(JSON.stringify(results.sort((a, b) => a[0] - b[0]))));
		});
}
SCRIPT

node "$work/script.js" >"$work/expected" 2>"$work/errors" || {
	is_filtered && skip "under this filter node itself fails"
	cat "$work/errors"
	fail "the script itself"
}
preloaded node -e 'process.exit(require("fs").readFileSync("/proc/self/maps", "utf8").includes(process.argv[1]) ? 0 : 1)' \
	"$(readlink -f "$library")" || fail "node does not have the library"
preloaded node "$work/script.js" >"$work/found" || fail "exit $?"
[ "$(grep -c . "$work/found")" = 4 ] || fail "it ended too early"
expect_same "$work/expected" "$work/found" "the output of the script"
