/* SPDX-License-Identifier: MIT */
/*
 * The rest of a Rust function's name in its older mangling, which borrowed C++'s, once C++'s
 * demangler has had it: a hash at the end, and signs that C++'s names cannot have as "$LT$".
 */
#ifndef HAKCTL_RUST_OLD_NAME_H
#define HAKCTL_RUST_OLD_NAME_H

/* "r::main::h086b0cfd890a8ea9" becomes "r::main". In place. */
void rust_old_name_clean(char *name);

#endif
