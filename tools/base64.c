/* SPDX-License-Identifier: MIT */
#include "base64.h"

#include <string.h>

static int digit(char character)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *found = character ? strchr(digits, character) : NULL;

        return found ? (int)(found - digits) : -1;
}

bool base64_decode(const char *text, size_t size, unsigned char *octets, size_t *count)
{
        size_t padding = 0;
        size_t written = 0;

        if (size % 4 != 0)
                return false;
        while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
                padding++;
        for (size_t i = 0; i < size; i += 4) {
                size_t given = i + 4 == size ? 4 - padding : 4;
                unsigned long bits = 0;

                for (size_t k = 0; k < 4; k++) {
                        int value = k < given ? digit(text[i + k]) : 0;

                        if (value < 0)
                                return false;
                        bits = bits << 6 | (unsigned long)value;
                }
                if ((given == 3 && bits & 0xff) || (given == 2 && bits & 0xffff))
                        return false;
                for (size_t k = 0; k + 1 < given; k++)
                        octets[written++] = (unsigned char)(bits >> (16 - 8 * k));
        }
        *count = written;
        return true;
}
