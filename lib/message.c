/* SPDX-License-Identifier: MIT */
/* Messages as callers name them; smtp/source.c reads them. */

#include "message.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

struct postel_message {
        struct source source;
        postel_segment *segments; /* our copy of the array */
        char *copy;
        char *path;
};

static postel_message *message_new(enum source_kind kind)
{
        postel_message *message = calloc(1, sizeof(*message));

        if (message)
                message->source.kind = kind;
        return message;
}

postel_message *postel_message_from_segments(const postel_segment *segments, size_t count)
{
        if (!segments && count)
                return NULL;
        for (size_t i = 0; i < count; i++)
                if (!segments[i].data && segments[i].size)
                        return NULL;
        postel_message *message = message_new(SOURCE_SEGMENTS);
        if (!message || !count)
                return message;
        message->segments = reallocarray(NULL, count, sizeof(*segments));
        if (!message->segments) {
                free(message);
                return NULL;
        }
        memcpy(message->segments, segments, count * sizeof(*segments));
        message->source.segments = message->segments;
        message->source.segment_count = count;
        return message;
}

postel_message *postel_message_from_memory(const void *data, size_t size)
{
        return postel_message_from_segments(&(postel_segment){ data, size }, 1);
}

postel_message *postel_message_from_copy(const void *data, size_t size)
{
        if (!data && size)
                return NULL;
        char *copy = malloc(size ? size : 1);
        if (!copy)
                return NULL;
        if (size)
                memcpy(copy, data, size);
        postel_message *message = postel_message_from_memory(copy, size);
        if (message)
                message->copy = copy;
        else
                free(copy);
        return message;
}

postel_message *postel_message_from_fd(int fd)
{
        postel_message *message = message_new(SOURCE_FD);

        if (message)
                message->source.fd = fd;
        return message;
}

postel_message *postel_message_from_path(const char *path)
{
        postel_message *message = path ? message_new(SOURCE_PATH) : NULL;

        if (!message)
                return NULL;
        message->path = strdup(path);
        message->source.path = message->path;
        if (!message->path)
                postel_message_free(&message);
        return message;
}

postel_message *postel_message_from_reader(postel_read_function read, void *user_data, long long size)
{
        postel_message *message = read ? message_new(SOURCE_READER) : NULL;

        if (!message)
                return NULL;
        message->source.read = read;
        message->source.user_data = user_data;
        message->source.size_hint = size;
        return message;
}

void postel_message_free(postel_message **message)
{
        if (!message || !*message)
                return;
        free((*message)->segments);
        free((*message)->copy);
        free((*message)->path);
        free(*message);
        *message = NULL;
}

void postel_message_set_refuse(postel_message *message, unsigned refuse)
{
        if (message)
                message->source.refuse = refuse;
}

postel_status message_source(const postel_message *message, struct source *source, postel_error *error)
{
        const unsigned known = POSTEL_REFUSE_BARE_NEWLINES | POSTEL_REFUSE_LONG_LINES;

        if (!message)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "message: is missing");
        if (message->source.refuse & ~known)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "refuse: has bits that mean nothing");
        *source = message->source;
        return POSTEL_OK;
}

postel_status postel_message_check(const postel_message *message, postel_error *error)
{
        postel_error fault;
        struct source source;

        postel_status status = message_source(message, &source, &fault);
        if (status == POSTEL_OK)
                status = source_check(&source, &fault);
        return error_report(error, status, &fault);
}
