#!/bin/bash
# SPDX-License-Identifier: MIT
# Some of what `make check-filters` tries: a filter on one call, for the calls that decide most.
set -u
command -v python3 >/dev/null || { echo "# skipped: no python3"; exit 77; }
exec "${top_srcdir:?}/tests/refused/filter_table.py" quick
