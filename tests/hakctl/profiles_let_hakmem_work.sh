#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2016,SC2317 # fake.sh sets variables; backticks are text; functions are called by name
# Under the profile and the drop-ins that doctor prints, with the filters that they are for, all of
# hakmem's facilities are on that are on without; what a container must not do stays refused.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"
known=${top_builddir:?}/tests/hakctl/known_heap
under=${top_srcdir:?}/tests/hakctl/filter_like.py
mkfifo "$work/open"
exec 9<>"$work/open"

answers()
{
	pid=$(cat "$work/pid" 2>/dev/null) && can_be_asked
}

# facilities FILE COMMAND...: what is on in a process that COMMAND starts, into FILE.
facilities()
{
	to=$1
	shift
	rm -f "$work/pid" "$work/known"
	# shellcheck disable=SC2016 # the inner shell's
	"$@" sh -c 'echo $$ >"$0"; exec "$@"' "$work/pid" env HAKMEM_OPTIONS=control:always \
		LD_PRELOAD="$HAKMEM_LIB" HAKMEM_CONTROL_DIR="$HAKMEM_CONTROL_DIR" \
		"$known" 4000 1000 40000000 <&9 >"$work/known" 2>"$work/errors" &
	command=$!
	started="$started $command"
	wait_until test -s "$work/known" -o ! -d "/proc/$command"
	if ! [ -s "$work/known" ]; then
		wait "$command"
		code=$?
		[ $code -eq 77 ] && skip "$(cat "$work/known" "$work/errors")"
		echo "$*: exits with $code"
		cat "$work/errors"
		exit 1
	fi
	wait_until answers
	wait_until grep -q . "$work/known"
	is_settled "$to"
	end_all
}

# The page scan and membarrier are tried when somebody asks.
is_settled()
{
	"$HAKCTL" stats "$pid" >/dev/null
	sleep 0.3
	"$HAKCTL" doctor "$pid" >"$work/doctor"
	awk '$1 ~ /^(on|off|partly)$/ && $2 != "seccomp" { print $1, $2 }' "$work/doctor" | LC_ALL=C sort >"$1"
}

same() # FILE FILE WHERE
{
	cmp -s "$1" "$2" && return
	echo "facilities $3, beside those without a filter:"
	diff "$1" "$2"
	failures=$((failures + 1))
}

# What the kernel lets hakctl do, call by call, each in a child.
machine() # COMMAND...
{
	"$@" "$HAKCTL" doctor | awk '$1 ~ /^(on|off|partly)$/ && $2 != "seccomp" { print $1, $2 }'
}

facilities "$work/free" env
machine env >"$work/free_machine"

"$HAKCTL" doctor --seccomp-profile >"$work/profile.json" 2>"$work/told"
tells()
{
	grep -q "$1" "$work/told" && return
	echo "not told: $1"
	cat "$work/told"
	failures=$((failures + 1))
}
tells 'loosened: userfaultfd'
tells 'loosened: io_uring_setup'
facilities "$work/in_profile" python3 "$under" profile "$work/profile.json"
same "$work/free" "$work/in_profile" "in a container with the profile"
# No circular advice: who has the profile is not sent to it.
if grep -q 'doctor --seccomp-profile' "$work/doctor"; then
	cat "$work/doctor"
	failures=$((failures + 1))
fi
# It kills for nothing; what was not tried, since it was not needed, is not called fatal.
if grep -q 'no answer but the end' "$work/doctor"; then
	cat "$work/doctor"
	failures=$((failures + 1))
fi
machine python3 "$under" profile "$work/profile.json" >"$work/in_machine"
same "$work/free_machine" "$work/in_machine" "of the machine, with the profile"

# What reaches beyond a container: EPERM, in spite of being root.
cat >"$work/reaches.py" <<'EOF'
import ctypes, sys
call = ctypes.CDLL(None, use_errno=True).syscall
numbers = {"x86_64": (165, 272, 246, 321, 323), "aarch64": (40, 97, 104, 280, 282)}
import os
for name, number in zip(("mount", "unshare", "kexec_load", "bpf", "userfaultfd of the kernel's faults"),
                        numbers[os.uname().machine]):
    if call(number, 0x20000 if name == "unshare" else 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1:
        sys.exit(name + " is not refused")
EOF
python3 "$under" profile "$work/profile.json" python3 "$work/reaches.py" || failures=$((failures + 1))

# Upon a file, with = and without, and a name with a space in it.
echo '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","clone","madvise"],"action":"SCMP_ACT_ALLOW"},
{"names":["mbind"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_NICE"]}}]}' >"$work/a base.json"
for how in "--seccomp-profile=$work/a base.json" --seccomp-profile; do
	set -- "$how"
	[ "$how" != --seccomp-profile ] || set -- "$how" "$work/a base.json"
	"$HAKCTL" doctor "$@" 2>"$work/told" | python3 -c '
import json, sys
profile = json.load(sys.stdin)
assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
added = [name for rule in profile["syscalls"][2:] for name in rule["names"]]
assert "userfaultfd" in added and "mbind" in added and "madvise" not in added, added' || {
		echo "$*: not what was wanted"
		failures=$((failures + 1))
	}
	tells 'there is no helper, and they are not added: prctl'
	tells 'depend on capabilities'
done
expect 2 'one at a time' "$HAKCTL" doctor --seccomp-profile "$work/a base.json" 12
expect 3 'no such unit' "$HAKCTL" doctor --systemd-filter no-such-unit

# Debian's units, as they are installed.
for unit in redis-server memcached; do
	file=/lib/systemd/system/$unit.service
	if ! [ -r $file ]; then
		echo "$unit is not installed"
		continue
	fi
	"$HAKCTL" doctor --systemd-filter "$unit" 2>/dev/null >"$work/$unit.conf"
	facilities "$work/in_$unit" python3 "$under" unit "$file,$work/$unit.conf"
	same "$work/free" "$work/in_$unit" "in the unit of $unit with the drop-in"
	machine python3 "$under" unit "$file,$work/$unit.conf" >"$work/in_machine"
	same "$work/free_machine" "$work/in_machine" "of the machine, with the drop-in for $unit"
done
expect_end
