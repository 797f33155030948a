#!/bin/sh
# SPDX-License-Identifier: MIT
# A selection of `make check-refused`: each facility of the kernel refused, by root or whoever
# runs this.
exec "${top_srcdir:?}/tests/refused/run" quick
