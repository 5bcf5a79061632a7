/* SPDX-License-Identifier: MIT */
/* Bounded buffers. Doubling growth, so that a session reaches its working size in a few steps and then
 * allocates no more. */

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_CAPACITY 256

void buffer_init(struct buffer *buffer, size_t max)
{
        *buffer = (struct buffer){ .max = max };
}

void buffer_deinit(struct buffer *buffer)
{
        free(buffer->data);
        buffer_init(buffer, buffer->max);
}

bool buffer_reserve(struct buffer *buffer, size_t extra)
{
        if (extra <= buffer->capacity - buffer->size)
                return true;
        if (extra > buffer->max - buffer->size)
                return false;

        size_t wanted = buffer->size + extra;
        size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST_CAPACITY;
        while (capacity < wanted)
                capacity = capacity > buffer->max / 2 ? buffer->max : capacity * 2;
        if (capacity > buffer->max)
                capacity = buffer->max;

        char *data = realloc(buffer->data, capacity);
        if (!data)
                return false;
        buffer->data = data;
        buffer->capacity = capacity;
        return true;
}

bool buffer_append(struct buffer *buffer, const void *octets, size_t size)
{
        if (!buffer_reserve(buffer, size))
                return false;
        if (size)
                memcpy(buffer->data + buffer->size, octets, size);
        buffer->size += size;
        return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
        return buffer_append(buffer, text, strlen(text));
}

void buffer_truncate(struct buffer *buffer, size_t size)
{
        buffer->size = size;
}

void buffer_wipe(struct buffer *buffer)
{
        if (buffer->data)
                explicit_bzero(buffer->data, buffer->capacity);
        buffer->size = 0;
}

void buffer_trim(struct buffer *buffer, size_t keep)
{
        if (buffer->capacity > keep)
                buffer_deinit(buffer);
}
