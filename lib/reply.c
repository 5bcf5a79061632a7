/* SPDX-License-Identifier: MIT */
/* Replies of a server as callers and bindings read them. */

#include "connection.h"

#include <stdlib.h>
#include <string.h>

struct postel_reply {
        int code;
        char enhanced[ENHANCED_MAX];
        char text[]; /* NUL-terminated */
};

postel_reply *reply_copy(const struct reply *reply)
{
        postel_reply *copy = malloc(sizeof(*copy) + reply->text_size + 1);

        if (!copy)
                return NULL;
        copy->code = reply->code;
        memcpy(copy->enhanced, reply->enhanced, sizeof(copy->enhanced));
        memcpy(copy->text, reply->text, reply->text_size);
        copy->text[reply->text_size] = '\0';
        return copy;
}

void postel_reply_free(postel_reply **reply)
{
        if (!reply)
                return;
        free(*reply);
        *reply = NULL;
}

int postel_reply_code(const postel_reply *reply)
{
        return reply ? reply->code : 0;
}

const char *postel_reply_enhanced(const postel_reply *reply)
{
        return reply ? reply->enhanced : "";
}

const char *postel_reply_text(const postel_reply *reply)
{
        return reply ? reply->text : "";
}
