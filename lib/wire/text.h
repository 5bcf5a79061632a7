/* SPDX-License-Identifier: MIT */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

/* What a text may not hold, whatever it is for, and the characters of UTF-8 (RFC 3629). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * NULL, or the rule that `text` breaks as a static phrase. CR and LF come before all else, wherever they
 * stand: of all faults this is the one that somebody may have planted. Then the other controls; then
 * `not_ascii` for anything else that is not printable ASCII.
 */
const char *text_ascii_fault(const char *text, const char *not_ascii);

/* The same, but with any character of UTF-8 except for controls (U+0080 to U+009F). */
const char *text_utf8_fault(const char *text);

bool text_is_ascii(const char *text);

/* The octets of the character that `text` begins with, and its code point; 0 when it is no well-formed UTF-8.
 * Octets behind a NUL are not looked at. */
size_t utf8_decode(const char *text, uint32_t *code_point);

#endif
