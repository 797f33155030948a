#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2317 # fake.sh sets variables; functions are called by name
# The table of exit codes in hakctl(1) has every verb, and each verb exits as it says: for an option that there is not,
# for a process that there is not, and for one that has the library and cannot be asked.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
skip_if_library_serves_no_socket
cd "$work" || exit 99

cp "$(command -v sleep)" "$work/haksilent"
HAKMEM_OPTIONS=helpers:never LD_PRELOAD=$HAKMEM_LIB "$work/haksilent" 600 &
silent=$!
started="$started $silent"
is_listed()
{
	"$HAKCTL" ps | grep -q haksilent
}
wait_until is_listed

# VERB ARGUMENTS: what it says for a wrong option, no such process, one that cannot be asked. -: it takes none.
sed -n '/^\.\\" exit codes, verb by verb/,/^\.fi/p' "${top_srcdir:?}/doc/hakctl.1" |
	sed -nE 's/^([a-z][a-z, ]*[a-z]) {2,}([0-9-]) +([0-9-]) +([0-9-])( .*)?$/\1|\2 \3 \4/p' >"$work/table"
[ "$(wc -l <"$work/table")" -ge 8 ] || { echo "the manual has no table"; exit 1; }

code_of() # WANTED WHAT VERB ARGUMENTS...
{
	wanted=$1
	what=$2
	shift 2
	[ "$wanted" != - ] || return 0
	timeout 20 "$HAKCTL" "$@" >"$work/output" 2>&1 </dev/null
	got=$?
	[ $got -eq "$wanted" ] || {
		echo "hakctl $*: exits with $got for $what, the manual says $wanted"
		failures=$((failures + 1))
	}
}

seen=
while IFS='|' read -r verbs codes; do
	# shellcheck disable=SC2086 # three codes
	set -- $codes
	for verb in $(echo "$verbs" | tr ',' ' '); do
		seen="$seen $verb"
		case $verb in
		get) arguments=decay_ms ;;
		set) arguments='decay_ms 1000' ;;
		wait) arguments='--rss-below 1 --timeout 0.1' ;;
		watch) arguments='-o recording -n 1' ;;
		diff) arguments='--seconds 0.1' ;;
		profile) arguments=status ;;
		*) arguments= ;;
		esac
		code_of "$1" "an option that there is not" "$verb" --no-such-option
		# shellcheck disable=SC2086 # the verb's own words
		code_of "$2" "no such process" "$verb" $arguments 999999999
		# shellcheck disable=SC2086
		code_of "$3" "one that cannot be asked" "$verb" $arguments "$silent"
	done
done <"$work/table"
for verb in $("$HAKCTL" help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p'); do
	case " $seen " in
	*" $verb "*) ;;
	*) echo "hakctl(1)'s table has no $verb"; failures=$((failures + 1)) ;;
	esac
done
expect_end
