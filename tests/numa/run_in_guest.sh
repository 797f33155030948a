#!/bin/bash
# SPDX-License-Identifier: MIT
# run_in_guest.sh MACHINE FILE=PLACE... <COMMANDS runs commands, one a line, in a guest that has
# the files, and prints a line for each and then what it printed. Used by bench/numa.py.
# 77: no such guest can be had here; the reason is the last line.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 99
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT || exit 99
# shellcheck source=kernel.sh
. "$here/kernel.sh"
# shellcheck source=guest.sh
. "$here/guest.sh"
# shellcheck source=machines.sh
. "$here/machines.sh"

machine=$1 && shift
machine_is_possible || { echo "$machine_reason"; exit 77; }
options=$(machine_options "$machine") || { echo "no such machine: $machine"; exit 99; }
kernel_find "${machine##*_}" || { echo "$kernel_reason"; exit 77; }
guest_begin || exit 99
for file in "$@"; do
	guest_add "${file%%=*}" "${file#*=}" || exit 99
done
cat >"$work/root/commands"
guest_seal
guest_run "$machine" "$kernel" "$options" "SHOW_ALL=yes COMMAND_LIMIT_S=$run_limit_s"
grep '^guest: begin' "$work/console"
guest_output
grep -q '^guest: end' "$work/console" || { tail -n 40 "$work/console" >&2; exit 1; }
