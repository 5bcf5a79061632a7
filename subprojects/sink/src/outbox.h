/* SPDX-License-Identifier: MIT */
#ifndef SINK_OUTBOX_H
#define SINK_OUTBOX_H

#include "buffer.h"

#include <stdbool.h>

#define OUTBOX_NEVER INT64_MAX

struct release;

/* Replies on their way out. What is appended goes nowhere until it is released; a release may lie in the
 * future (a simulated round trip) or be spread out (a dripped reply). Positions count octets since the
 * connection began. */
struct outbox {
        struct buffer data; /* octets from `sent` on, after `head` that are dead */
        size_t head;
        uint64_t appended;
        uint64_t flushed; /* up to here a release was asked for */
        uint64_t queued; /* up to here a release is in the queue, or happened */
        uint64_t ready;
        uint64_t sent;
        struct release *queue;
        size_t first;
        size_t count;
        size_t size;
};

void outbox_append(struct outbox *outbox, const char *bytes, size_t count);

/* Everything since the position `from` will be sent one octet at a time. */
void outbox_drip(struct outbox *outbox, uint64_t from);

/* Lets everything appended go out after delay_ns. Returns whether there was anything new. */
bool outbox_release(struct outbox *outbox, int64_t now_ns, int64_t delay_ns);

/* Makes ready what is due, and says when to come again. */
void outbox_tick(struct outbox *outbox, int64_t now_ns);
int64_t outbox_due_ns(const struct outbox *outbox);

const char *outbox_ready(const struct outbox *outbox, size_t *count);
void outbox_sent(struct outbox *outbox, size_t count);

/* Octets appended and not sent yet. */
size_t outbox_pending(const struct outbox *outbox);

void outbox_deinit(struct outbox *outbox);

#endif
