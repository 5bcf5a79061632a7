/* SPDX-License-Identifier: MIT */
#ifndef BASE64_H
#define BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Room for what `size` characters may decode to. */
#define BASE64_DECODED_SIZE(size) ((size) / 4 * 3)

/*
 * Decodes base64 (RFC 4648 section 4) into `octets` and sets *count. False when it is not exactly that:
 * padded, without line breaks, and with zeroes for the bits that mean nothing (section 3.5).
 */
bool base64_decode(const char *text, size_t size, unsigned char *octets, size_t *count);

#endif
