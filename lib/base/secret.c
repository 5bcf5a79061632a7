/* SPDX-License-Identifier: MIT */
/* Wiping and finding of secrets. */

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_free(char **secret)
{
        if (*secret)
                explicit_bzero(*secret, strlen(*secret));
        free(*secret);
        *secret = NULL;
}

/* Whether `part` stands at `text`, line breaks in the text aside. */
static bool stands_at(const char *text, const char *part, size_t size)
{
        for (; *text && size; text++) {
                if (*text == '\n')
                        continue;
                if (*text != *part)
                        return false;
                part++;
                size--;
        }
        return size == 0;
}

bool secret_is_in(const char *text, const char *secret)
{
        size_t size = secret ? strlen(secret) : 0;
        size_t window = size < SECRET_PIECE_OCTETS ? size : SECRET_PIECE_OCTETS;

        if (!size)
                return false;
        for (; *text; text++)
                for (size_t i = 0; i + window <= size; i++)
                        if (stands_at(text, secret + i, window))
                                return true;
        return false;
}
