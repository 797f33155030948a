/* SPDX-License-Identifier: MIT */
/*
 * last_words.h - what follows a fatal message: whose process it was, and who called. By any thread,
 * once, with a heap that may be broken: no memory is asked for and no lock taken.
 */
#ifndef HAKMEM_ENTRY_LAST_WORDS_H
#define HAKMEM_ENTRY_LAST_WORDS_H

/* From now on; by the constructor. */
void last_words_begin(void);

#endif
