#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that is linked with libhakmem-api alone keeps its malloc and has hakmem's beside it. The
# library exports hak_* and no other name. With libhakmem.so before it there is one heap.
set -u
forms=${top_builddir:?}/tests/contract/forms
library=$top_builddir/.libs/libhakmem-api.so

if grep -qE '__[at]san_init' "$library"; then
	echo "skipped: a sanitizer has a malloc of its own"
	exit 77
fi
nm -D --defined-only "$library" | awk '{ print $NF }' | grep -vE '^(hak_.*@@)?HAKMEM_1$|^hak_.*@@HAKMEM_1$' && {
	echo "exported without need: see above"
	exit 1
}
"$forms" kept || exit 1
LD_PRELOAD="${HAKMEM_LIB:?}" "$forms" replaced || { echo "preloaded"; exit 1; }
