/* SPDX-License-Identifier: MIT */
#ifndef SINK_JSON_H
#define SINK_JSON_H

#include "buffer.h"

/* Appends a quoted JSON string. Octets that are not UTF-8 become \u00XX, so that any octet can be told. */
void json_string(struct buffer *buffer, const char *bytes, size_t count);

/* Length of the UTF-8 sequence that begins here, 0 when none does (RFC 3629). */
size_t utf8_sequence(const char *bytes, size_t count);

#endif
