#!/bin/sh
# SPDX-License-Identifier: MIT
# `hakctl help` names every verb, and every verb it names explains itself; the manual page
# knows them all.
set -u
. "$(dirname "$0")/expect.sh"

verbs=$("$HAKCTL" help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p')
case " $(echo "$verbs" | tr '\n' ' ')" in
*' run '*) ;;
*) echo "no verbs in the help, or run is not among them: $verbs"; exit 1 ;;
esac
for verb in $verbs; do
	expect 0 "usage: hakctl $verb" "$HAKCTL" help "$verb"
	expect 0 "usage: hakctl $verb" "$HAKCTL" "$verb" --help
	grep -qE "^\.B.* hakctl $verb|^\.BR? $verb|^\.SS.* $verb" "${top_srcdir:?}/doc/hakctl.1" || {
		echo "hakctl(1) does not know $verb"
		failures=$((failures + 1))
	}
done

expect 0 'usage: hakctl VERB' "$HAKCTL" --help
expect 0 'usage: hakctl VERB' "$HAKCTL" -h
expect 0 "" "$HAKCTL"
expect 0 'Exit codes: 0 done, 1 refused or failed' "$HAKCTL" help
expect 0 'hakctl ' "$HAKCTL" version
expect 0 "library $(realpath "$(dirname "$HAKMEM_LIB")")/libhakmem.so" "$HAKCTL" --version
expect_end
