/* SPDX-License-Identifier: MIT */
/*
 * xtext of RFC 3461 section 4: printable ASCII as it is, but for the space, "+" and "="; the rest as "+" and
 * two upper-case hexadecimal digits. utf-8-addr-xtext of RFC 6533 section 3: the same, but also for "\", and
 * with "\x{...}" around the digits of a code point. They know nothing of where the text goes.
 */

#include "wire/xtext.h"
#include "wire/text.h"

#include <inttypes.h>
#include <stdio.h>

static bool stands_for_itself(char c)
{
        return c >= '!' && c <= '~' && c != '+' && c != '=';
}

size_t xtext_size(const char *text)
{
        size_t size = 0;

        for (; *text; text++)
                size += stands_for_itself(*text) ? 1 : 3;
        return size;
}

bool xtext_append(struct buffer *out, const char *text)
{
        static const char digits[] = "0123456789ABCDEF";

        if (!buffer_reserve(out, xtext_size(text)))
                return false;
        for (; *text; text++) {
                if (stands_for_itself(*text)) {
                        out->data[out->size++] = *text;
                } else {
                        unsigned char octet = (unsigned char)*text;
                        out->data[out->size++] = '+';
                        out->data[out->size++] = digits[octet >> 4];
                        out->data[out->size++] = digits[octet & 15];
                }
        }
        return true;
}

#define ENCODED_CHARACTER_MAX sizeof("\\x{10FFFF}")

/* Encodes the character that `text` begins with and moves `text` behind it. Returns the octets written. */
static size_t encode_character(const char **text, char piece[ENCODED_CHARACTER_MAX])
{
        uint32_t code_point = 0;
        size_t size = utf8_decode(*text, &code_point);

        if (stands_for_itself(**text) && **text != '\\') {
                piece[0] = **text;
                ++*text;
                return 1;
        }
        *text += size ? size : 1;
        return (size_t)snprintf(piece, ENCODED_CHARACTER_MAX, "\\x{%02" PRIX32 "}", code_point);
}

size_t utf8_xtext_size(const char *text)
{
        char piece[ENCODED_CHARACTER_MAX];
        size_t size = 0;

        while (*text)
                size += encode_character(&text, piece);
        return size;
}

bool utf8_xtext_append(struct buffer *out, const char *text)
{
        char piece[ENCODED_CHARACTER_MAX];

        /* Room for all of it first: then nothing below can fail. */
        if (!buffer_reserve(out, utf8_xtext_size(text)))
                return false;
        while (*text) {
                size_t size = encode_character(&text, piece);
                buffer_append(out, piece, size);
        }
        return true;
}
