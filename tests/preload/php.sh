#!/bin/sh
# SPDX-License-Identifier: MIT
# php, whose extensions are opened with RTLD_DEEPBIND, computes with the library what it computes
# without: hashes, strings, regular expressions, JSON.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need php php-cli

cat >"$work/script.php" <<'SCRIPT'
<?php
mt_srand(42);
$count = [];
$text = "";
for ($i = 0; $i < 60000; $i++) {
	$word = "";
	for ($length = 1 + mt_rand() % 9; $length > 0; $length--)
		$word .= chr(97 + mt_rand() % 26);
	$count[$word] = ($count[$word] ?? 0) + 1;
	$text .= "$word ";
}
arsort($count);
echo count($count), " words, the most frequent ", max($count), " times\n";
echo md5(preg_replace_callback('/\b([a-z])([a-z]*)\b/', fn($m) => strtoupper($m[1]) . strrev($m[2]), $text)), "\n";
echo md5(json_encode(array_map(null, array_keys($count), array_values($count)))), "\n";
$lists = [];
for ($i = 1; $i < 400; $i++)
	$lists[$i % 50] = array_fill(0, $i, str_repeat("x", $i * 97));
echo md5(serialize($lists)), "\n";
echo count(get_loaded_extensions()), " extensions\n";
SCRIPT

# shellcheck disable=SC2016 # php's variables
preloaded php -r 'exit(strpos(file_get_contents("/proc/self/maps"), $argv[1]) === false ? 1 : 0);' \
	"$(readlink -f "$library")" || fail "php does not have the library"
for manager in 1 0; do
	USE_ZEND_ALLOC=$manager
	export USE_ZEND_ALLOC
	php "$work/script.php" >"$work/expected" || fail "the script itself"
	preloaded php "$work/script.php" >"$work/found" || fail "exit $?"
	expect_same "$work/expected" "$work/found" "the output of the script"
done
