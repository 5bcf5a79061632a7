/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

/* A growable run of octets with a maximum from the start. Growing either succeeds or leaves the buffer as it
 * was. */

#include <stdbool.h>
#include <stddef.h>

struct buffer {
        char *data;
        size_t size; /* octets in use */
        size_t capacity; /* octets allocated */
        size_t max; /* capacity never exceeds this */
};

void buffer_init(struct buffer *buffer, size_t max);
void buffer_deinit(struct buffer *buffer); /* leaves an empty buffer with the same maximum */

/* Makes room for `extra` octets behind the ones in use. False: over the maximum, or out of memory. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

bool buffer_append(struct buffer *buffer, const void *octets, size_t size);
bool buffer_append_text(struct buffer *buffer, const char *text); /* without its NUL */

/* Drops the octets from `size` on; `size` must not exceed what is in use. */
void buffer_truncate(struct buffer *buffer, size_t size);

/* Overwrites all that was ever in it with zeroes and empties it: for secrets. */
void buffer_wipe(struct buffer *buffer);

/* Gives memory back when more than `keep` octets are allocated. The buffer must be empty. */
void buffer_trim(struct buffer *buffer, size_t keep);

#endif
