/* SPDX-License-Identifier: MIT */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

/* Texts that must not outlive their use nor be told to anybody. */

/* Overwrites the text, frees it and clears the pointer; NULL is accepted. */
void secret_free(char **secret);

/* Whether `secret`, which may be NULL or "", stands anywhere in `text`; neither of these two does. */
bool secret_is_in(const char *text, const char *secret);

#endif
