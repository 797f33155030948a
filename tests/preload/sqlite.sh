#!/bin/sh
# SPDX-License-Identifier: MIT
# sqlite3 with the library builds a database that is whole, and the same as without.
# shellcheck source=tests/preload/common.sh
. "${top_srcdir:?}/tests/preload/common.sh"
need sqlite3 sqlite3

cat >"$work/script.sql" <<'SCRIPT'
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, town TEXT, points REAL, picture BLOB);
CREATE TABLE link(a INTEGER REFERENCES person(id), b INTEGER REFERENCES person(id), note TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO person SELECT i, 'name ' || (i * 7919 % 60013), printf('town %03d', i * 31 % 997),
	i * 0.37, zeroblob(i * 13 % 700) FROM n;
INSERT INTO link SELECT id, id * 13 % 60000 + 1, substr(name || town || name, id % 20)
	FROM person;
COMMIT;
CREATE INDEX by_name ON person(name, town);
CREATE INDEX by_town ON person(town) WHERE points > 1000;
CREATE INDEX by_link ON link(b, a);
DELETE FROM person WHERE id % 7 = 3;
UPDATE person SET name = upper(name) || hex(picture) WHERE id % 11 = 5;
ANALYZE;
SELECT town, count(*), round(avg(points), 3), max(name) FROM person GROUP BY town ORDER BY 2, 1;
SELECT p.town, q.town, count(*), group_concat(note) FROM link JOIN person p ON p.id = a
	JOIN person q ON q.id = b GROUP BY p.town, q.town HAVING count(*) > 3 ORDER BY 1, 2;
SELECT name, rank() OVER (PARTITION BY town ORDER BY points DESC) FROM person ORDER BY 2, 1 LIMIT 500;
VACUUM;
PRAGMA integrity_check;
PRAGMA foreign_key_check(person);
SCRIPT

expect_mapped_in sqlite3 "$work/empty.db"
sqlite3 -bail "$work/expected.db" <"$work/script.sql" >"$work/expected" || fail "sqlite3 itself"
preloaded sqlite3 -bail "$work/found.db" <"$work/script.sql" >"$work/found" || fail "exit $?"
expect_same "$work/expected" "$work/found" "the answers"
tail -n 1 "$work/found" | grep -qx ok || fail "integrity_check: $(tail -n 1 "$work/found")"
sqlite3 "$work/expected.db" .dump >"$work/expected"
sqlite3 "$work/found.db" .dump >"$work/found"
expect_same "$work/expected" "$work/found" "the database"
[ "$(sqlite3 "$work/found.db" 'PRAGMA integrity_check')" = ok ] || fail "the database is not whole"
