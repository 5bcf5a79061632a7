/* SPDX-License-Identifier: MIT */
#ifndef SMTP_PIPELINE_H
#define SMTP_PIPELINE_H

/*
 * Deliveries on one session, one behind the other or several on their way at once (RFC 2920 section 3.1, RFC
 * 3030 section 4.2). Each transaction is matched with its replies; one that fails takes no other with it, but
 * for the end of the session, which leaves every one with a true account.
 */

#include "smtp/delivery.h"
#include "smtp/session.h"

/* Where deliveries come from, and where they go to. */
struct feed {
        /*
         * The next delivery, whose log is begun, or NULL for none at present. `alone`: nothing else is on its
         * way on this session.
         */
        struct delivery *(*next)(struct feed *feed, bool alone);

        /* Its log decides everybody; the status and the error are those of a send. */
        void (*done)(struct feed *feed, struct delivery *delivery, postel_status status,
                const postel_error *error);
};

/* Transactions on their way at once, at most. */
#define PIPELINE_DEPTH 64

/*
 * Sends until the feed has none and all are done. `depth` is the most that may be on their way at once,
 * `room` is for as many transactions. POSTEL_OK: the session lives; else the fault that ended it, which every
 * delivery that it concerns has been told.
 */
postel_status pipeline_run(struct session *session, struct feed *feed, struct transaction *room, size_t depth,
        struct deadline deadline, postel_error *error);

#endif
