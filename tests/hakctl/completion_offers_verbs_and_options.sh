#!/bin/bash
# SPDX-License-Identifier: MIT
# In bash, <Tab> behind hakctl offers the verbs, the options of run and their keys.
set -u
failures=0

# shellcheck source=hakctl/completion/hakctl
. "${top_srcdir:?}/hakctl/completion/hakctl" || exit 99

offers() # WANTED WORDS...: the last word is the one being typed
{
	local wanted=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_hakctl
	[[ "${COMPREPLY[*]-}" == *"$wanted"* ]] && return
	echo "$*: offers ${COMPREPLY[*]-}, wanted $wanted"
	failures=$((failures + 1))
}

# Every verb that the tool has.
for verb in $("${HAKCTL:?}" help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p'); do
	offers "$verb" hakctl "${verb:0:1}"
	offers "$verb" hakctl help "${verb:0:1}"
	# Every long option that the help of the verb names.
	for option in $("$HAKCTL" help "$verb" | sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z-]+).*/\2/p'); do
		offers "$option" hakctl "$verb" "${option:0:4}"
	done
done
offers --lib hakctl run --l
offers --options hakctl run -
offers throttle hakctl limit --action t
offers confirm: hakctl run -o c
offers "$top_srcdir/lib" hakctl run --lib "$top_srcdir/li"
offers cat hakctl run ca
offers cat hakctl run -v -- ca

exit $((failures > 0))
