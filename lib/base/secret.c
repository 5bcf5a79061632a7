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

bool secret_is_in(const char *text, const char *secret)
{
        return secret && *secret && strstr(text, secret);
}
