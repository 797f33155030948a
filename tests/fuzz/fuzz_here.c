/* SPDX-License-Identifier: MIT */
/* For libFuzzer's own main(). */
#include "tests/fuzz/fuzz.h"

bool fuzz_is_replay;
