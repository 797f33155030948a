/* SPDX-License-Identifier: MIT */
/*
 * Names of Rust's functions as they were written: out of the mangling "v0" of its RFC 2603, and out
 * of the older one, which borrowed C++'s. The text is another program's: whatever it says, it ends,
 * and fits.
 */
#ifndef HAKCTL_RUST_NAME_H
#define HAKCTL_RUST_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* "_RNvC1r4main" → "r::main". False: it is none. */
bool rust_name_demangle(const char *mangled, char *name, size_t room);

/* What C++ makes of the older one: "r::main::h086b0cfd890a8ea9" → "r::main". In place. */
void rust_name_clean(char *name);

#endif
