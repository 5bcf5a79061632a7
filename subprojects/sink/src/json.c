/* SPDX-License-Identifier: MIT */
/* JSON strings (RFC 8259 section 7) and the UTF-8 they are made of (RFC 3629 section 4). */
#include "json.h"

#include <stdbool.h>

static bool in_range(char octet, unsigned low, unsigned high)
{
        unsigned char value = (unsigned char)octet;

        return value >= low && value <= high;
}

size_t utf8_sequence(const char *bytes, size_t count)
{
        static const struct {
                unsigned char first_low, first_high, second_low, second_high;
                size_t length;
        } forms[] = {
                { 0x00, 0x7f, 0x00, 0x00, 1 },
                { 0xc2, 0xdf, 0x80, 0xbf, 2 },
                { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
                { 0xe1, 0xec, 0x80, 0xbf, 3 },
                { 0xed, 0xed, 0x80, 0x9f, 3 },
                { 0xee, 0xef, 0x80, 0xbf, 3 },
                { 0xf0, 0xf0, 0x90, 0xbf, 4 },
                { 0xf1, 0xf3, 0x80, 0xbf, 4 },
                { 0xf4, 0xf4, 0x80, 0x8f, 4 },
        };

        for (size_t i = 0; count > 0 && i < sizeof forms / sizeof *forms; i++) {
                if (!in_range(bytes[0], forms[i].first_low, forms[i].first_high))
                        continue;
                if (forms[i].length > count)
                        return 0;
                if (forms[i].length > 1 && !in_range(bytes[1], forms[i].second_low, forms[i].second_high))
                        return 0;
                for (size_t j = 2; j < forms[i].length; j++)
                        if (!in_range(bytes[j], 0x80, 0xbf))
                                return 0;
                return forms[i].length;
        }
        return 0;
}

void json_string(struct buffer *buffer, const char *bytes, size_t count)
{
        size_t at = 0, plain = 0; /* octets from `plain` on need no escape */

        buffer_append(buffer, "\"", 1);
        while (at < count) {
                size_t length = utf8_sequence(bytes + at, count - at);
                unsigned char octet = (unsigned char)bytes[at];
                bool is_plain = length > 0 && octet >= 0x20 && octet != 0x7f && octet != '"' && octet != '\\';

                if (!is_plain) {
                        buffer_append(buffer, bytes + plain, at - plain);
                        if (octet == '"' || octet == '\\')
                                buffer_printf(buffer, "\\%c", octet);
                        else
                                buffer_printf(buffer, "\\u%04x", octet);
                        length = 1;
                        plain = at + 1;
                }
                at += length;
        }
        buffer_append(buffer, bytes + plain, count - plain);
        buffer_append(buffer, "\"", 1);
}
