#!/bin/sh
# SPDX-License-Identifier: MIT
# bash with the library says what it says without: arrays, strings, functions, subshells,
# pipes, here-documents and jobs.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need bash bash

cat >"$work/script" <<'SCRIPT'
declare -A words
declare -a squares
text=
for ((i = 0; i < 3000; i++)); do
	squares[i]=$((i * i))
	words[key$((i % 700))]+="$i,"
	text+="line $i of the text"$'\n'
done
for key in "${!words[@]}"; do printf '%s=%s\n' "$key" "${words[$key]}"; done | sort
echo "${squares[@]:100:50}" "${#text}" "${text//line/LINE}" | md5sum
fibonacci() { if (($1 < 2)); then echo "$1"; else echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); fi; }
fibonacci 10
for job in 1 2 3 4; do (sleep 0.01; echo "$job" >"$1/job$job") & done
wait
cat "$1"/job? <(echo process substitution) <<<unused
while read -r line; do last=$line; done <<<"$text"
echo "$last" $(seq 2000) | wc -c
eval "$(for i in {1..300}; do echo "variable_$i=$i; function f_$i { echo \$variable_$i; }"; done)"
for i in {1..300}; do f_$i; done | md5sum
printf -v padded '%05d' {1..500}; echo "${#padded}"
SCRIPT

expect_mapped_in bash
mkdir "$work/plain" "$work/preloaded"
bash "$work/script" "$work/plain" >"$work/expected" || fail "the script itself"
preloaded bash "$work/script" "$work/preloaded" >"$work/found" || fail "exit $?"
expect_same "$work/expected" "$work/found" "the output of the script"
