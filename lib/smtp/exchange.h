/* SPDX-License-Identifier: MIT */
#ifndef SMTP_EXCHANGE_H
#define SMTP_EXCHANGE_H

/* Running one side of a dialogue over a channel. */

#include "smtp/channel.h"

/*
 * One side of a dialogue, as exchange_run() needs it. All are called by the thread that runs it.
 */
struct exchange {
        postel_phase phase; /* where it stands: for limits and errors */

        /* Queues what may be written now. Called when all that was queued is written. A status but OK ends
         * the dialogue. */
        postel_status (*fill)(struct exchange *exchange, postel_error *error);

        /* Some of what was queued has been written; the output knows how much. */
        void (*wrote)(struct exchange *exchange);

        /* Takes a reply. A status but OK ends the dialogue and the channel. A 421 is followed by the end,
         * whatever is returned. */
        postel_status (*take)(struct exchange *exchange, const struct reply *reply, postel_error *error);

        /* Whether the server has nothing to say: a reply now would be to nothing. */
        bool (*is_silence_due)(const struct exchange *exchange);

        /* Whether the dialogue is over; and whether fill() has more that need not wait for a reply. */
        bool (*is_done)(const struct exchange *exchange);
        bool (*has_more)(const struct exchange *exchange);
};

/*
 * Writes and reads until the exchange is done, the deadline, an interrupt, or a fault. Any status but
 * POSTEL_OK has poisoned the channel, with the error. A 421 ends it with POSTEL_DEFERRED and the code in the
 * error.
 */
postel_status exchange_run(
        struct channel *channel, struct exchange *exchange, struct deadline deadline, postel_error *error);

/* One reply to what is queued (or, with nothing queued, the greeting). The same rules. */
postel_status exchange_ask(struct channel *channel, postel_phase phase, struct deadline deadline,
        struct reply *reply, postel_error *error);

#endif
