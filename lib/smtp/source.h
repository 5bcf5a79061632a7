/* SPDX-License-Identifier: MIT */
#ifndef SMTP_SOURCE_H
#define SMTP_SOURCE_H

/* Where content comes from, and reading it in constant memory, as often as its kind allows. */

#include "base/buffer.h"
#include "base/deadline.h"
#include "net/stream.h"

#include <postel/message.h>

enum source_kind { SOURCE_SEGMENTS, SOURCE_FD, SOURCE_PATH, SOURCE_READER };

/* A source does not change while it is read. It owns nothing that is pointed to. */
struct source {
        enum source_kind kind;
        const postel_segment *segments;
        size_t segment_count;
        int fd;
        const char *path;
        postel_read_function read;
        void *user_data;
        long long size_hint; /* of a reader; -1: not known */
        unsigned refuse; /* POSTEL_REFUSE_ values */
};

struct source_reader {
        const struct source *source;
        size_t segment;
        int fd; /* the source's, or our own for a path */
        long long start; /* offset of a regular file that it is read from */
        long long offset; /* where in it we are; of a reader, what it has given */
        long long end; /* where it must end; -1: not known */
        bool seekable; /* may be read again */
        bool begun; /* something was taken that cannot be had again */
        struct buffer chunk;
};

/* Whether it can be opened. POSTEL_IO as below. */
postel_status source_check(const struct source *source, postel_error *error);

/* Opens it. POSTEL_IO: it cannot be read; POSTEL_INVALID: it cannot be one. Deinit in every case. */
postel_status source_open(struct source_reader *reader, const struct source *source, postel_error *error);
void source_close(struct source_reader *reader);

/* Whether it can be read to its end and then read again. */
bool source_is_seekable(const struct source_reader *reader);
void source_rewind(struct source_reader *reader);

/* Whether the octets stay where they are after the next call of source_next(). */
bool source_is_in_place(const struct source_reader *reader);

/*
 * The next octets, borrowed until the next call, and in *last whether they are the last; *size may be 0 then.
 * Waits for a pipe as long as the deadline, and for an interrupt of the stream. POSTEL_IO, POSTEL_TIMEOUT,
 * POSTEL_INTERRUPTED, POSTEL_MEMORY.
 */
postel_status source_next(struct source_reader *reader, struct stream *stream, struct deadline deadline,
        const char **data, size_t *size, bool *last, postel_error *error);

/* What is known of content before it is sent. */
struct content_facts {
        bool size_known; /* or hinted at by the caller */
        uint64_t size; /* octets as SIZE= counts them */
        bool looked_at; /* then the rest is true or false; else anything may come */
        bool eight_bit;
        bool utf8_header; /* the header section is not ASCII, and is UTF-8 (RFC 6532) */
        bool like_commands; /* some server might take a line of it for a command */
        bool unchanged; /* is sent as it is, but for the dots of DATA */
};

/*
 * Looks a seekable source through and rewinds it; of others, says what the caller said. POSTEL_INVALID: the
 * rule it breaks. `binary`: there is none, and nothing is changed.
 */
postel_status source_inspect(struct source_reader *reader, bool binary, struct stream *stream,
        struct deadline deadline, struct content_facts *facts, postel_error *error);

#endif
