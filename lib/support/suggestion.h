/* SPDX-License-Identifier: MIT */
/*
 * suggestion.h - "Did you mean ...?": the nearest of some known words to one that is unknown. Begin
 * with the unknown word and how many letters may differ, offer the known ones, then read .word:
 * NULL if none is near. Words of up to 31 letters. For the library's options and for hakctl.
 */
#ifndef HAKMEM_SUPPORT_SUGGESTION_H
#define HAKMEM_SUPPORT_SUGGESTION_H

struct suggestion {
	const char *unknown;
	const char *word;
	unsigned distance; /* of .word, or one more than is still near */
};

struct suggestion suggestion_begin(const char *unknown, unsigned farthest);
void suggestion_offer(struct suggestion *suggestion, const char *known);

#endif
