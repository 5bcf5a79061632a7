/* SPDX-License-Identifier: MIT */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

/* Texts that must not outlive their use nor be told to anybody. */

/* Overwrites the text, frees it and clears the pointer; NULL is accepted. */
void secret_free(char **secret);

/* So many octets of a long secret in a row are as good as the whole: servers cut what they repeat. */
#define SECRET_PIECE_OCTETS 8

/*
 * Whether `secret`, or a piece of it, stands anywhere in `text`, line breaks (LF) in the text aside. NULL and
 * "" stand nowhere.
 */
bool secret_is_in(const char *text, const char *secret);

#endif
