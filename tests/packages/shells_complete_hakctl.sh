#!/bin/sh
# SPDX-License-Identifier: MIT
# zsh and fish offer hakctl's verbs, each verb's options and, behind run, commands.
# shellcheck disable=SC2016 # the inner shells expand these
set -u
. "$(dirname "$0")/install.sh"
PATH=$(dirname "${HAKCTL:?}"):$PATH
folder=$top_srcdir/hakctl/completion
tried=0

offers() # SHELL WANTED: of what it printed
{
	grep -qE -- "^$2" "$work/offered" || wrong "$1 does not offer $2 but $(cat "$work/offered")"
}

hakctl help | sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p' >"$work/verbs"
[ -s "$work/verbs" ] || wrong "there are no verbs"

if command -v fish >/dev/null; then
	tried=1
	ask()
	{
		fish --no-config -c "source $folder/hakctl.fish; complete -C '$1'" >"$work/offered" 2>&1
	}
	ask 'hakctl '
	while read -r verb; do offers fish "$verb	"; done <"$work/verbs"
	ask 'hakctl help r' && offers fish 'run	'
	ask 'hakctl stats --' && offers fish '--classes	' && offers fish '--count	'
	ask 'hakctl run -' && offers fish '-l	'
	ask 'hakctl run -l x -- ls /us' && offers fish '/usr/'
fi
if command -v zsh >/dev/null; then
	tried=1
	ask()
	{
		zsh -fc ". $folder/_hakctl; $1" >"$work/offered" 2>&1
	}
	ask _hakctl_verbs
	while read -r verb; do offers zsh "$verb:"; done <"$work/verbs"
	ask '_hakctl_options stats' && offers zsh '--classes:' && offers zsh '-n:' && offers zsh '--count:'
	ask "fpath=($folder \$fpath); autoload -Uz compinit; compinit -D -u; print \$_comps[hakctl]"
	offers zsh _hakctl
fi
[ $tried = 1 ] || skip "neither zsh nor fish"
exit $((failures > 0))
