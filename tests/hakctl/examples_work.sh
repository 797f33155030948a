#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154,SC2016,SC2317 # fake.sh sets variables; backticks are text; functions are called by name
# The examples: servers of Debian under their units' filters with our drop-ins, the container's entry and
# its limit, the manifest's command under the profile. Each serves, and hakctl sees its helper.
set -u
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v python3 >/dev/null || skip "no python3"
examples=${top_srcdir:?}/examples
under=$top_srcdir/tests/hakctl/filter_like.py
port=$((20000 + $$ % 20000))

has_a_helper()
{
	"$HAKCTL" doctor "$1" 2>/dev/null | grep -q '^  on  *helper'
}

wrong() # TEXT
{
	echo "$1"
	failures=$((failures + 1))
}

# drop_in NAME: ours, with the library of the build tree.
drop_in()
{
	sed "s|=/usr/local/lib/libhakmem.so|=$HAKMEM_LIB|" "$examples/systemd/$1.conf" >"$work/$1.conf"
	# It is what doctor prints, but for the first lines and the library's place.
	"$HAKCTL" doctor --systemd-filter "$1" 2>/dev/null | grep -v '^#\|LD_PRELOAD' >"$work/wanted"
	grep -v '^#\|LD_PRELOAD' "$examples/systemd/$1.conf" | cmp -s - "$work/wanted" ||
		wrong "examples/systemd/$1.conf is not what doctor prints"
}

# served UNIT COMMAND...: in the unit's filter with our drop-in; sets pid.
served()
{
	unit=$1
	shift
	HAKMEM_OPTIONS=control:always python3 "$under" unit \
		"/lib/systemd/system/$unit.service,$work/$unit.conf" "$@" >"$work/server" 2>&1 &
	pid=$!
	started="$started $pid"
}

say() # PORT TEXT: to a server, and what it answers
{
	python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
print(s.recv(1000).decode())' "$1" "$2" 2>/dev/null
}

redis_answers()
{
	say "$port" 'PING\r\n' | grep -q PONG
}

if command -v redis-server >/dev/null && [ -r /lib/systemd/system/redis-server.service ]; then
	drop_in redis-server
	served redis-server redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$work"
	wait_until redis_answers
	say "$port" 'DEBUG POPULATE 100000 key 200\r\nSET a b\r\n' >/dev/null
	wait_until has_a_helper "$pid"
	expect 0 'redis-server' "$HAKCTL" stats "$pid"
	end_all
else
	echo "redis-server is not installed"
fi

memcached_answers()
{
	say "$port" 'version\r\n' | grep -q VERSION
}

if command -v memcached >/dev/null && [ -r /lib/systemd/system/memcached.service ]; then
	port=$((port + 1))
	drop_in memcached
	served memcached memcached -u "$(id -un)" -l 127.0.0.1 -p "$port" -U 0
	wait_until memcached_answers
	say "$port" 'set a 0 0 1\r\nb\r\n' | grep -q STORED || wrong "memcached stores nothing"
	wait_until has_a_helper "$pid"
	end_all
else
	echo "memcached is not installed"
fi

# The entry: seven eighths of the limit, of either version, and only where nothing else was said.
entry=$examples/docker/entry
mkdir -p "$work/two" "$work/one/memory" "$work/none"
options() # HAKMEM_OPTIONS FOLDER
{
	HAKMEM_OPTIONS=$1 HAKMEM_CGROUP=$work/$2 HAKMEM_LIBRARY=$HAKMEM_LIB "$entry" sh -c 'echo "$HAKMEM_OPTIONS"'
}
echo 536870912 >"$work/two/memory.max"
echo 268435456 >"$work/one/memory/memory.limit_in_bytes"
[ "$(options '' two)" = limit_hard:469762048 ] || wrong "entry: version 2: $(options '' two)"
[ "$(options control:always one)" = control:always,limit_hard:234881024 ] || wrong "entry: version 1"
[ "$(options limit_hard:1M two)" = limit_hard:1M ] || wrong "entry: its own limit is lost"
[ "$(options '' none)" = '' ] || wrong "entry: a limit from nowhere"
echo max >"$work/two/memory.max"
[ "$(options '' two)" = '' ] || wrong "entry: max"
echo 9223372036854771712 >"$work/one/memory/memory.limit_in_bytes"
[ "$(options '' one)" = '' ] || wrong "entry: version 1 without a limit"

# The manifest: its limits and profile, and its command through the entry, under the profile.
python3 - "$examples/kubernetes/redis.yaml" "$work/command" <<'EOF' || failures=$((failures + 1))
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
try:
    import yaml
    spec = yaml.safe_load(text)["spec"]
    container = spec["containers"][0]
    assert spec["securityContext"]["seccompProfile"]["type"] == "Localhost"
    assert container["resources"]["limits"]["memory"] and container["resources"]["limits"]["cpu"]
    arguments = container["args"]
except ImportError:
    arguments = re.findall(r'"([^"]*)"', re.search(r"args: \[(.*)\]", text).group(1))
open(sys.argv[2], "w", encoding="utf-8").write(arguments[0])
EOF
grep -qF "\"$(cat "$work/command")\"" "$examples/docker/Dockerfile" || wrong "manifest and image start different programs"
grep -q 'COPY examples/docker/entry ' "$examples/docker/Dockerfile" || wrong "the image lacks the entry"
if command -v redis-server >/dev/null; then
	port=$((port + 1))
	"$HAKCTL" doctor --seccomp-profile >"$work/profile.json" 2>/dev/null
	echo 536870912 >"$work/two/memory.max"
	HAKMEM_OPTIONS=control:always HAKMEM_CGROUP=$work/two HAKMEM_LIBRARY=$HAKMEM_LIB \
		python3 "$under" profile "$work/profile.json" "$entry" redis-server --port "$port" \
		--bind 127.0.0.1 --save '' --dir "$work" >"$work/server" 2>&1 &
	pid=$!
	started="$started $pid"
	wait_until redis_answers
	# Its helper is there a moment before its socket.
	wait_until can_be_asked
	expect 0 'hard 448.0 MiB' "$HAKCTL" limit "$pid"
	"$HAKCTL" doctor "$pid" | grep -q '^  on  *userfaultfd' || wrong "no userfaultfd under the profile"
fi
expect_end
