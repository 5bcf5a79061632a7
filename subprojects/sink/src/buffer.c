/* SPDX-License-Identifier: MIT */
/* Growing memory. Knows nothing of what is in it. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void out_of_memory(void)
{
        fputs("postel-sink: out of memory\n", stderr);
        exit(EX_OSERR);
}

void *memory_resize(void *memory, size_t size)
{
        void *resized = realloc(memory, size > 0 ? size : 1);

        if (resized == NULL)
                out_of_memory();
        return resized;
}

void *memory_zeroed(size_t size)
{
        void *memory = calloc(1, size);

        if (memory == NULL)
                out_of_memory();
        return memory;
}

char *memory_copy(const char *bytes, size_t count)
{
        char *copy = memory_resize(NULL, count + 1);

        memcpy(copy, bytes, count);
        copy[count] = '\0';
        return copy;
}

static void reserve(struct buffer *buffer, size_t count)
{
        size_t size = buffer->size > 0 ? buffer->size : 256;

        if (count <= buffer->size - buffer->used)
                return;
        while (count > size - buffer->used)
                size *= 2;
        buffer->data = memory_resize(buffer->data, size);
        buffer->size = size;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t count)
{
        if (count == 0)
                return;
        reserve(buffer, count);
        memcpy(buffer->data + buffer->used, bytes, count);
        buffer->used += count;
}

void buffer_text(struct buffer *buffer, const char *text)
{
        buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
        va_list arguments;
        int length;

        va_start(arguments, format);
        length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (length < 0)
                return;
        reserve(buffer, (size_t)length + 1);
        va_start(arguments, format);
        vsnprintf(buffer->data + buffer->used, (size_t)length + 1, format, arguments);
        va_end(arguments);
        buffer->used += (size_t)length;
}

void buffer_drop(struct buffer *buffer, size_t count)
{
        buffer->used -= count;
        if (buffer->used > 0)
                memmove(buffer->data, buffer->data + count, buffer->used);
}

void buffer_deinit(struct buffer *buffer)
{
        free(buffer->data);
        *buffer = (struct buffer){ 0 };
}
