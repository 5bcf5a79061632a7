/* SPDX-License-Identifier: MIT */
#ifndef SINK_BUFFER_H
#define SINK_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* A growing run of octets. All zero is a valid empty buffer. */
struct buffer {
        char *data;
        size_t used;
        size_t size;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t count);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_drop(struct buffer *buffer, size_t count);
void buffer_deinit(struct buffer *buffer);

/* A test server has nothing sensible to do without memory: these end the process rather than return NULL. */
void *memory_resize(void *memory, size_t size);
void *memory_zeroed(size_t size);
char *memory_copy(const char *bytes, size_t count);

#endif
