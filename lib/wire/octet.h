/* SPDX-License-Identifier: MIT */
#ifndef WIRE_OCTET_H
#define WIRE_OCTET_H

/* Classes of octets. The functions of <ctype.h> and strcasecmp() are not used, because the host program's
 * locale changes their opinion: with a Turkish one "SIZE" and "size" differ. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline bool octet_is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static inline bool octet_is_alnum(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || octet_is_digit(c);
}

static inline bool octet_is_printable(char c)
{
        return c >= 32 && c <= 126;
}

static inline bool octet_is_control(char c)
{
        return (unsigned char)c < 32 || c == 127;
}

/* RFC 5322 section 3.2.3, without UTF-8. */
static inline bool octet_is_atext(char c)
{
        return octet_is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static inline char octet_upper(char c)
{
        return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Whether the `size` octets at `a` and at `b` are equal but for the case of ASCII letters. */
static inline bool octets_equal_in_any_case(const char *a, const char *b, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (octet_upper(a[i]) != octet_upper(b[i]))
                        return false;
        return true;
}

#endif
