/* SPDX-License-Identifier: MIT */
#ifndef SMTP_OUTPUT_H
#define SMTP_OUTPUT_H

/* What is to be written next, in order: octets of its own scratch, or of somebody else who keeps them until
 * then. */

#include "base/buffer.h"
#include "net/stream.h"

#include <stdint.h>

struct slice {
        const char *data; /* NULL: in the scratch, from `offset` on */
        size_t offset;
        size_t size;
};

#define OUTPUT_SLICES          64
#define OUTPUT_SCRATCH_OCTETS  16384 /* one TLS record */
#define OUTPUT_ROOM_OCTETS     4096 /* more than the longest command, an AUTH line excepted */
#define OUTPUT_COPY_MAX_OCTETS 512 /* what is shorter is cheaper to copy than to point to */

struct output {
        struct buffer scratch; /* commands are appended to it, then queued */
        struct slice slices[OUTPUT_SLICES];
        unsigned from, to; /* the slices that wait */
        uint64_t queued, written; /* octets, ever */
};

void output_init(struct output *output);
void output_deinit(struct output *output); /* wipes the scratch */

bool output_is_empty(const struct output *output);

/* Whether a whole command or piece of a body can be queued. */
bool output_has_room(const struct output *output);

/* Queues what was appended to the scratch since it had `from` octets. There must be room. */
void output_queue_scratch(struct output *output, size_t from);

/* Queues octets that stay where they are until they are written. Short ones are copied. False: no room, write
 * first. */
bool output_queue_octets(struct output *output, const char *data, size_t size);

/* Forgets what was queued since it had come to `queued` octets. None of that may have been tried to be
 * written. */
void output_cut(struct output *output, uint64_t queued);

/* Forgets what is queued. */
void output_clear(struct output *output);

/* Gives memory back when nothing is queued and the scratch has more than `keep` octets. */
void output_trim(struct output *output, size_t keep);

/* Writes what goes now. >0: some octets went; STREAM_AGAIN; STREAM_FAULT. */
ssize_t output_write(struct output *output, struct stream *stream, postel_error *error);

#endif
