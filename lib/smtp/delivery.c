/* SPDX-License-Identifier: MIT */
/* What a delivery keeps from one transaction to the next. Knows no session. */

#include "smtp/delivery.h"

void delivery_init(struct delivery *delivery, const struct envelope *envelope, const struct source *source)
{
        struct outcome_log log = delivery->log;

        *delivery = (struct delivery){
                .envelope = envelope, .source = source, .log = log, .most_members = SIZE_MAX
        };
}

void delivery_close(struct delivery *delivery)
{
        if (!delivery->open)
                return;
        delivery->read_once |= delivery->reader.begun;
        source_close(&delivery->reader);
        delivery->open = delivery->inspected = false;
}

postel_status delivery_inspect(
        struct delivery *delivery, struct stream *stream, struct deadline deadline, postel_error *error)
{
        postel_status status = POSTEL_OK;

        if (!delivery->open) {
                delivery->open = true;
                status = source_open(&delivery->reader, delivery->source, error);
        }
        if (status != POSTEL_OK || delivery->inspected)
                return status;
        bool binary = delivery->envelope->body == POSTEL_BODY_BINARYMIME;
        status = source_inspect(&delivery->reader, binary, stream, deadline, &delivery->facts, error);
        delivery->inspected = status == POSTEL_OK;
        return status;
}

bool delivery_is_whole(const struct delivery *delivery)
{
        return !delivery->read_once && !(delivery->open && delivery->reader.begun);
}

void delivery_rewind(struct delivery *delivery)
{
        if (delivery->open && source_is_seekable(&delivery->reader))
                source_rewind(&delivery->reader);
}
