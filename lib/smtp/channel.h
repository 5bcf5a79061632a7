/* SPDX-License-Identifier: MIT */
#ifndef SMTP_CHANNEL_H
#define SMTP_CHANNEL_H

/* A stream that carries commands and replies: what is queued to be written, and what has been read. */

#include "base/buffer.h"
#include "base/deadline.h"
#include "net/stream.h"
#include "smtp/output.h"
#include "wire/reply.h"

#include <postel/config.h>

struct reply {
        int code;
        char enhanced[ENHANCED_MAX]; /* "" where the server does not announce them */
        const char *text; /* borrowed until the next reply is read */
        size_t text_size;
        bool holds_secret; /* the text repeats one, and is no refusal: results may show it, errors may not */
};

#define CHANNEL_IN_OCTETS 2048

#define CHANNEL_SECRETS 3

struct channel {
        struct stream stream;
        struct output output;
        struct reply_parser parser;
        size_t in_from, in_to;
        char in[CHANNEL_IN_OCTETS];
        int phase_timeout_ms; /* of the config; -1: by phase */
        bool enhanced; /* ENHANCEDSTATUSCODES is announced */
        bool dead; /* nothing is written any more; `fault` says why */
        bool shutting_down; /* 421 was read */
        postel_error fault;
        unsigned strays; /* refusals that may come without being asked for, until RSET is answered */
        unsigned long long round_trips;
        unsigned long long replies; /* read, 421 not counted */
        int64_t heard_at_ns; /* when something was last read */
        postel_trace_function trace;
        void *trace_data;
        unsigned long long number;
        const char *secrets[CHANNEL_SECRETS]; /* borrowed; a refusal that holds one of them is withheld */
};

postel_status channel_init(struct channel *channel, postel_error *error);
void channel_deinit(struct channel *channel);

/* Whether a secret, or a piece of one, stands in the text. */
bool channel_holds_secret(const struct channel *channel, const char *text);

/* The text as an error may show it. */
const char *reply_words(const struct reply *reply);

/* Where commands are appended, by command.h; then told with channel_queue_command(). */
struct buffer *channel_scratch(struct channel *channel);

/*
 * Queues what was appended to the scratch since it had `from` octets: one command line. The trace shows it,
 * or `shown` when that is not NULL.
 */
void channel_queue_command(struct channel *channel, size_t from, const char *shown);

/* Writes as much of what is queued as goes without waiting. */
void channel_flush(struct channel *channel);

/* The milliseconds that a phase may take at most. */
int channel_limit_ms(const struct channel *channel, postel_phase phase);

/* Reads what has come, without waiting. POSTEL_OK, also when there was nothing; POSTEL_IO at the end;
 * POSTEL_TLS. */
postel_status channel_read(struct channel *channel, postel_error *error);

/* The next reply of what has been read. REPLY_FAULT: the error says why. */
enum reply_event channel_next_reply(struct channel *channel, struct reply *reply, postel_error *error);

/* A 421 is the end, whatever it is about (RFC 5321 section 3.8). Returns POSTEL_DEFERRED. */
postel_status channel_closing(
        struct channel *channel, postel_phase phase, const struct reply *reply, postel_error *error);

/*
 * Looks, between two commands, whether the server has spoken or gone: what it said before a command is no
 * reply to it. POSTEL_OK: it is silent. POSTEL_DEFERRED: *reply is a 421.
 */
postel_status channel_hear_unasked(
        struct channel *channel, postel_phase phase, struct reply *reply, postel_error *error);

/*
 * A server that has refused a chunk may read its lines as commands all the same, and refuses each of them, as
 * they were chosen to be none. The reply to the RSET that follows is the first that is no refusal.
 */
void channel_expect_strays(struct channel *channel);
bool channel_is_stray(struct channel *channel, const struct reply *reply); /* and is to be dropped */

/* Waits for the server to close, as it has said it would. False: it said more, or did not within the time. */
bool channel_sees_end(struct channel *channel, struct deadline deadline);

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
