/* SPDX-License-Identifier: MIT */
#ifndef SMTP_CHANNEL_H
#define SMTP_CHANNEL_H

/*
 * A stream that carries commands and replies: what is queued to be written, the replies that have come, and
 * the loop that interleaves the two so that neither side can wait for the other for ever.
 */

#include "base/buffer.h"
#include "base/deadline.h"
#include "net/stream.h"
#include "wire/reply.h"

#include <postel/config.h>

struct reply {
        int code;
        char enhanced[ENHANCED_MAX]; /* "" where the server does not announce them */
        const char *text; /* borrowed until the next reply is read */
        size_t text_size;
};

/* Something to be written: octets of the channel's own scratch, or of somebody else who keeps them until
 * then. */
struct slice {
        const char *data; /* NULL: in the scratch, from `offset` on */
        size_t offset;
        size_t size;
};

#define CHANNEL_SLICES          64
#define CHANNEL_SCRATCH_OCTETS  16384 /* one TLS record */
#define CHANNEL_IN_OCTETS       2048
#define CHANNEL_COPY_MAX_OCTETS 512 /* what is shorter is cheaper to copy than to point to */

#define CHANNEL_SECRETS 2

struct channel {
        struct stream stream;
        struct buffer scratch;
        struct slice slices[CHANNEL_SLICES];
        unsigned slice_from, slice_to;
        struct reply_parser parser;
        size_t in_from, in_to;
        char in[CHANNEL_IN_OCTETS];
        int phase_timeout_ms; /* of the config; -1: by phase */
        bool enhanced; /* ENHANCEDSTATUSCODES is announced */
        bool dead; /* nothing is written any more; `fault` says why */
        bool shutting_down; /* 421 was read */
        postel_error fault;
        unsigned long long round_trips;
        unsigned long long replies; /* read, 421 not counted */
        postel_trace_function trace;
        void *trace_data;
        unsigned long long number;
        const char *secrets[CHANNEL_SECRETS]; /* borrowed; a reply that holds one of them is withheld */
};

/*
 * One side of a dialogue, as channel_run() needs it. All three are called by the thread that runs it.
 */
struct exchange {
        postel_phase phase; /* where it stands: for limits and errors */

        /* Queues what may be written now. Called when all that was queued is written. A status but OK ends
         * the dialogue. */
        postel_status (*fill)(struct exchange *exchange, postel_error *error);

        /* All that was queued has been written. */
        void (*flushed)(struct exchange *exchange);

        /* Takes a reply. A status but OK ends the dialogue and the channel. A 421 is followed by the end,
         * whatever is returned. */
        postel_status (*take)(struct exchange *exchange, const struct reply *reply, postel_error *error);

        /* Whether the dialogue is over; and whether fill() has more that need not wait for a reply. */
        bool (*is_done)(const struct exchange *exchange);
        bool (*has_more)(const struct exchange *exchange);
};

postel_status channel_init(struct channel *channel, postel_error *error);
void channel_deinit(struct channel *channel);

/* Where commands are appended, by command.h; then told with channel_queue_command(). */
struct buffer *channel_scratch(struct channel *channel);

/*
 * Queues what was appended to the scratch since it had `from` octets: one command line. The trace shows it,
 * or `shown` when that is not NULL.
 */
void channel_queue_command(struct channel *channel, size_t from, const char *shown);

/* Queues octets that stay where they are until they are written. Short ones are copied. False: no room, write
 * first. */
bool channel_queue_octets(struct channel *channel, const char *data, size_t size);

/* Whether a whole command or piece of a body can be queued. */
bool channel_has_room(const struct channel *channel);
bool channel_has_output(const struct channel *channel);

/*
 * Writes and reads until the exchange is done, the deadline, an interrupt, or a fault. Any status but
 * POSTEL_OK has poisoned the channel, with the error. A 421 ends it with POSTEL_DEFERRED and the code in the
 * error.
 */
postel_status channel_run(
        struct channel *channel, struct exchange *exchange, struct deadline deadline, postel_error *error);

/* One reply to what is queued (or, with nothing queued, the greeting). The same rules. */
postel_status channel_ask(struct channel *channel, postel_phase phase, struct deadline deadline,
        struct reply *reply, postel_error *error);

/* Writes as much of what is queued as goes without waiting. */
void channel_flush(struct channel *channel);

/* The milliseconds that a phase may take at most. */
int channel_limit_ms(const struct channel *channel, postel_phase phase);

/* Octets that came and nobody has asked for, as far as they have been read. */
size_t channel_unasked_octets(const struct channel *channel);

/*
 * Looks whether an idle session is still silent, without a round trip. A 421 is read. False: the server has
 * closed, or has said something; the channel is poisoned.
 */
bool channel_is_silent(struct channel *channel);

/* Ends the channel for good; the first fault stays. Returns its status. */
postel_status channel_poison(struct channel *channel, const postel_error *fault);

/* Gives memory back that an idle session does not need. */
void channel_trim(struct channel *channel);

void channel_trace(struct channel *channel, postel_trace_kind kind, const char *text, size_t size);

#endif
