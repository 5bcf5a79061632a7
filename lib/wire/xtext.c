/* SPDX-License-Identifier: MIT */
/* xtext of RFC 3461 section 4: printable ASCII as it is, but for the space, "+" and "="; the rest as "+" and
 * two upper-case hexadecimal digits. It knows nothing of where the text goes. */

#include "wire/xtext.h"

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
