/* SPDX-License-Identifier: MIT */
#ifndef WIRE_XTEXT_H
#define WIRE_XTEXT_H

/* xtext (RFC 3461 section 4): how ENVID and ORCPT carry octets that a command line may not. */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends `text` encoded. False: no room; the buffer is as it was. */
bool xtext_append(struct buffer *out, const char *text);

/* The octets that xtext_append() would add. */
size_t xtext_size(const char *text);

#endif
