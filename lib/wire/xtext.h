/* SPDX-License-Identifier: MIT */
#ifndef WIRE_XTEXT_H
#define WIRE_XTEXT_H

/* How ENVID, ORCPT and AUTH carry what a command line may not. */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends `text` as xtext (RFC 3461 section 4). False: no room; the buffer is as it was. */
bool xtext_append(struct buffer *out, const char *text);

/* The octets that xtext_append() would add. */
size_t xtext_size(const char *text);

/*
 * The same for utf-8-addr-xtext (RFC 6533 section 3), which is ASCII, so that any server can be given it:
 * characters instead of octets are encoded. `text` is valid UTF-8.
 */
bool utf8_xtext_append(struct buffer *out, const char *text);
size_t utf8_xtext_size(const char *text);

#endif
