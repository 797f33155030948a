#!/bin/bash
# SPDX-License-Identifier: MIT
# Some of what `make check-sandboxes` tries: filters as servers have them, with time, since it asserts none.
set -u
command -v python3 >/dev/null || { echo "# skipped: no python3"; exit 77; }
nm -D "${HAKMEM_LIB:?}" | grep -qE '__(asan|tsan|ubsan)_' && { echo "# skipped: a sanitizer's library"; exit 77; }
exec "${top_srcdir:?}/tests/refused/sandboxes" quick
