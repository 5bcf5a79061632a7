/* SPDX-License-Identifier: MIT */
#ifndef SMTP_DELIVERY_H
#define SMTP_DELIVERY_H

/*
 * A message on its way to its recipients, which may take several mail transactions, on one session after the
 * other.
 */

#include "smtp/outcome.h"
#include "smtp/source.h"
#include "wire/envelope.h"

struct delivery {
        const struct envelope *envelope; /* checked */
        const struct source *source;
        struct outcome_log log;

        struct source_reader reader;
        bool open; /* the reader is */
        bool read_once; /* something was taken of content that cannot be had again */
        struct content_facts facts;
        bool inspected; /* facts are known */
        bool by_data; /* BDAT was refused */
        bool alone; /* nothing else is sent beside it */
        bool at_fault; /* the session ended while a reply to it was awaited */
        bool unsendable; /* its content cannot be read, or may not be sent */
        size_t most_members; /* in one transaction, as learned from the server; SIZE_MAX: any number */
        int transactions, attempts;
        struct delivery *next; /* in the list of whoever holds it */
};

/* The log is begun by the caller. */
void delivery_init(struct delivery *delivery, const struct envelope *envelope, const struct source *source);

/* Closes the content. The log stays. */
void delivery_close(struct delivery *delivery);

/* Opens and looks through the content, as far as that was not done. The statuses of source_open() and
 * source_inspect(). */
postel_status delivery_inspect(
        struct delivery *delivery, struct stream *stream, struct deadline deadline, postel_error *error);

/* Whether all of the content is still to be had. */
bool delivery_is_whole(const struct delivery *delivery);

/* Puts the content to its beginning, for another transaction. It is whole. */
void delivery_rewind(struct delivery *delivery);

#endif
