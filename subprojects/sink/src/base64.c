/* SPDX-License-Identifier: MIT */
/* Strict base64 (RFC 4648): a lenient decoder would hide a client's mistakes. */
#include "base64.h"

#include <string.h>

static int digit_value(char digit)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

        return found != NULL ? (int)(found - digits) : -1;
}

bool base64_decode(const char *text, char *out, size_t *length)
{
        size_t count = strlen(text), used = 0, padding = 0;
        unsigned long bits = 0;

        if (count % 4 != 0)
                return false;
        while (padding < 2 && padding < count && text[count - 1 - padding] == '=')
                padding++;
        for (size_t i = 0; i < count; i++) {
                int value = i < count - padding ? digit_value(text[i]) : 0;

                if (value < 0)
                        return false;
                bits = bits << 6 | (unsigned long)value;
                if (i % 4 != 3)
                        continue;
                out[used++] = (char)(bits >> 16 & 0xff);
                out[used++] = (char)(bits >> 8 & 0xff);
                out[used++] = (char)(bits & 0xff);
                bits = 0;
        }
        used -= padding;
        out[used] = '\0';
        *length = used;
        return true;
}
