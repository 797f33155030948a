/* SPDX-License-Identifier: MIT */
/*
 * Names of Rust's functions as they were written, out of the mangling "v0" of its RFC 2603. The
 * text is another program's: whatever it says, it ends, and fits.
 *
 * libiberty has such a function, too. It is not used: it is a static archive of binutils that
 * RHEL does not ship, under another licence than hakctl's, and its answer is as long as it likes.
 */
#ifndef HAKCTL_RUST_NAME_H
#define HAKCTL_RUST_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* "_RNvC1r4main" → "r::main". False: it is none. */
bool rust_name_demangle(const char *mangled, char *name, size_t room);

#endif
