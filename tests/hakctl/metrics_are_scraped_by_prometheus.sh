#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2015,SC2016,SC2317 # backticks are text; functions are called by name
# A Prometheus server scrapes the exporter and knows the metrics, their types and units;
# promtool has nothing to complain of; rude clients keep nobody waiting.
set -u
# shellcheck source=tests/hakctl/expect.sh
. "$(dirname "$0")/expect.sh"
# shellcheck source=tests/hakctl/fake.sh
. "$(dirname "$0")/fake.sh"
skip_if_library_has_a_sanitizer
command -v prometheus >/dev/null && command -v promtool >/dev/null || skip "no prometheus (Debian: prometheus)"
command -v curl >/dev/null || skip "no curl (Debian: curl)"

start_fake_preloaded good
"$HAKCTL" metrics --format text >"$work/text" || exit 1
promtool check metrics <"$work/text" || { echo "promtool complains"; failures=$((failures + 1)); }

"$HAKCTL" metrics --listen 0 >"$work/exporter" 2>&1 &
exporter=$!
started="$started $exporter"
wait_until test -s "$work/exporter"
url=$(sed -n 's/^serving //p' "$work/exporter")
address=${url#http://}
address=${address%/metrics}
[ "${address%:*}" = 127.0.0.1 ] || { echo "listens on $address"; exit 1; }

# By HTTP: the format that is asked for, and refusals.
curl -sS -D "$work/head" -H 'Accept: application/openmetrics-text; version=1.0.0' "$url" >"$work/page"
grep -q '^Content-Type: application/openmetrics-text; version=1.0.0' "$work/head" &&
	[ "$(tail -n 1 "$work/page")" = '# EOF' ] || { echo "no OpenMetrics"; failures=$((failures + 1)); }
curl -sS "$url" | promtool check metrics || { echo "promtool complains of the page"; failures=$((failures + 1)); }
# Packed for who takes that: the same text, and much less of it.
curl -sS -H 'Accept-Encoding: gzip' -D "$work/head" "$url?classes" >"$work/packed"
curl -sS "$url?classes" >"$work/plain"
grep -qi '^Content-Encoding: gzip' "$work/head" && gzip -dc <"$work/packed" >"$work/unpacked" ||
	{ echo "not packed"; failures=$((failures + 1)); }
# Ages differ from one answer to the next.
digits() { sed 's/[0-9.]*$//' "$1"; }
cmp <(digits "$work/unpacked") <(digits "$work/plain") || failures=$((failures + 1))
[ $(($(wc -c <"$work/packed") * 4)) -lt "$(wc -c <"$work/plain")" ] ||
	{ echo "$(wc -c <"$work/packed") of $(wc -c <"$work/plain") bytes"; failures=$((failures + 1)); }
status() # CODE CURL-ARGUMENTS...
{
	local wanted=$1 got

	shift
	got=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 20 "$@")
	[ "$got" = "$wanted" ] || { echo "$*: $got, wanted $wanted"; failures=$((failures + 1)); }
}
status 200 "http://$address/"
status 200 -I "$url"
status 404 "http://$address/elsewhere"
status 405 -X POST -d text "$url"
status 431 -H "X-Long: $(head -c 9000 /dev/zero | tr '\0' a)" "$url"

# Clients that connect and say nothing, more than there are places: the next is served.
for _ in $(seq 20); do
	sleep 30 >"/dev/tcp/${address%:*}/${address#*:}" &
	started="$started $!"
done
status 200 "$url"
printf 'GET \0/metrics' >"/dev/tcp/${address%:*}/${address#*:}"
status 200 "$url"

# The port of a server is found by asking for one that is free.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])') || port=29464
cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: hakmem
    params: { classes: [ "" ] }
    static_configs: [ { targets: [ "$address" ] } ]
YAML
promtool check config "$work/prometheus.yml" >/dev/null || { echo "the configuration is wrong"; exit 1; }
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
	--web.listen-address="127.0.0.1:$port" --log.level=error >"$work/prometheus.log" 2>&1 &
started="$started $!"
query() # TEXT
{
	curl -sS -G --max-time 10 --data-urlencode "query=$1" "http://127.0.0.1:$port/api/v1/query" 2>/dev/null
}
has() # QUERY PART-OF-THE-ANSWER
{
	query "$1" | grep -qF -- "$2"
}
wait_until has hakmem_populated_bytes '"2956984320"' # 2820 MiB
wait_until has 'up{job="hakmem"}' ',"1"]'
wait_until has "hakmem_class_blocks{pid=\"$pid\",size=\"16\",state=\"live\"}" '"36864"'
wait_until has 'rate(hakmem_released_bytes_total[5s])' '"value"'
# What the dashboard asks has an answer, each query of it; limits and nodes are not in all processes.
cat >"$work/panels.py" <<'PYTHON'
import json, sys, time, urllib.parse, urllib.request
board, port = json.load(open(sys.argv[1])), sys.argv[2]
names = [variable["name"] for variable in board["templating"]["list"]]
if not {"job", "instance", "process", "pid"} <= set(names):
    sys.exit(f"variables: {names}")
empty = []
for panel in board["panels"]:
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "5s")
        for name in names:
            expression = expression.replace("$" + name, ".*")
        for _ in range(50):
            query = urllib.parse.urlencode({"query": expression})
            answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}"))
            if answer["data"]["result"] or "limit" in expression:
                break
            time.sleep(0.2)
        else:
            empty.append(f"{panel['title']}: {expression}")
sys.exit("\n".join(empty) or 0)
PYTHON
python3 "$work/panels.py" "${top_srcdir:?}/doc/grafana-dashboard.json" "$port" || failures=$((failures + 1))
curl -sS "http://127.0.0.1:$port/api/v1/targets" | grep -q '"health":"up"' || {
	echo "the target is not healthy"
	failures=$((failures + 1))
}
curl -sS "http://127.0.0.1:$port/api/v1/metadata?metric=hakmem_released_bytes" |
	grep -q '"type":"counter".*"unit":"bytes"' || {
	echo "type and unit did not arrive"
	failures=$((failures + 1))
}

# A target that ends is missing from the next scrape; the exporter goes on, and ends well.
kill -KILL "$pid"
gone()
{
	! curl -sS "$url" | grep -q "pid=\"$pid\""
}
wait_until gone
kill -TERM $exporter
wait $exporter || { echo "the exporter exits with $?"; failures=$((failures + 1)); }

expect 1 'cannot listen on 192.0.2.1:80' "$HAKCTL" metrics --listen 192.0.2.1:80
expect 2 '--listen wants PORT or HOST:PORT' "$HAKCTL" metrics --listen nonsense
expect 2 '--format wants openmetrics or text' "$HAKCTL" metrics --format xml
expect_end
