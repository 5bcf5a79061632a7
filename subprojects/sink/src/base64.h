/* SPDX-License-Identifier: MIT */
#ifndef SINK_BASE64_H
#define SINK_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes strictly (RFC 4648 section 4): padding is required, no other octet may occur. `out` holds
 * strlen(text) + 1 octets and is ended by a NUL that `length` does not count. */
bool base64_decode(const char *text, char *out, size_t *length);

#endif
