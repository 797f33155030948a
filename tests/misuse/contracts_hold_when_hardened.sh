#!/bin/sh
# SPDX-License-Identifier: MIT
# What every program may expect of malloc, with hardened:true.
set -u
cd "${top_builddir:?}" || exit 99
export CONTRACT_OPTIONS=hardened:true
failed=0

for program in realloc calloc overlap alignment threads thread_exit before_main \
	after_main dlclose extended; do
	tests/contract/$program || [ $? -eq 77 ] || failed=1
done
exit $failed
