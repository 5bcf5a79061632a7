/* SPDX-License-Identifier: MIT */
/* Batches as callers see them. */

#include "batch.h"

#include "base/status.h"
#include "pool.h"

#include <stdlib.h>

postel_batch *postel_batch_new(void)
{
        return calloc(1, sizeof(postel_batch));
}

void postel_batch_free(postel_batch **batch)
{
        if (!batch || !*batch)
                return;
        for (size_t i = 0; i < (*batch)->count; i++) {
                postel_result_free(&(*batch)->items[i].result);
                free((*batch)->items[i].error);
        }
        free((*batch)->items);
        free(*batch);
        *batch = NULL;
}

static bool grow(postel_batch *batch)
{
        if (batch->count < batch->capacity)
                return true;
        size_t capacity = batch->capacity ? batch->capacity * 2 : 16;
        struct batch_item *items = reallocarray(batch->items, capacity, sizeof(*items));
        if (!items)
                return false;
        batch->items = items;
        batch->capacity = capacity;
        return true;
}

size_t postel_batch_add(postel_batch *batch, const postel_envelope *envelope, const postel_message *message)
{
        if (!batch)
                return 0;
        if (!grow(batch)) {
                batch->out_of_memory = true;
                return batch->count;
        }
        batch->items[batch->count] =
                (struct batch_item){ .envelope = envelope, .message = message, .status = POSTEL_CLOSED };
        return batch->count++;
}

size_t postel_batch_count(const postel_batch *batch)
{
        return batch ? batch->count : 0;
}

void postel_batch_set_done(postel_batch *batch, postel_batch_function function, void *user_data)
{
        if (!batch)
                return;
        batch->function = function;
        batch->user_data = user_data;
}

/* ---- Sending ---- */

static postel_status check(const postel_batch *batch, postel_error *error)
{
        if (!batch)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "batch: is missing");
        if (batch->out_of_memory)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        return POSTEL_OK;
}

static bool reached_anybody(const struct batch_item *item)
{
        return item->status == POSTEL_OK || item->status == POSTEL_PARTIAL;
}

/* The status of the whole, from those of the messages. */
static postel_status whole(const postel_batch *batch, postel_error *error)
{
        const struct batch_item *failed = NULL;
        bool reached = false;

        for (size_t i = 0; i < batch->count; i++) {
                const struct batch_item *item = &batch->items[i];
                reached |= reached_anybody(item);
                if (item->status != POSTEL_OK && !failed)
                        failed = item;
        }
        if (!failed)
                return POSTEL_OK;
        if (failed->error)
                error_copy(error, failed->error);
        else
                error_set(error, failed->status, POSTEL_PHASE_NONE, "%s", postel_status_text(failed->status));
        error->status = reached ? POSTEL_PARTIAL : failed->status;
        return error->status;
}

postel_status postel_connection_send_batch(
        postel_connection *connection, postel_batch *batch, int timeout_ms, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;

        if (!connection)
                return connection_is_missing(error);
        postel_status status = check(batch, &fault);
        if (status == POSTEL_OK)
                status = endpoint_deadline(connection->endpoint, timeout_ms, &deadline, &fault);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        if (gate_enter(&connection->gate, deadline)) {
                batch_run_on(batch, connection, deadline);
                gate_leave(&connection->gate);
        } else {
                connection_is_busy(&fault);
                batch_fail(batch, connection->endpoint, &fault);
        }
        status = whole(batch, &fault);
        return error_report(error, status, &fault);
}

postel_status postel_pool_send_batch(
        postel_pool *pool, postel_batch *batch, int timeout_ms, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;

        if (!pool)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_status status = check(batch, &fault);
        if (status == POSTEL_OK)
                status = endpoint_deadline(&pool->endpoint, timeout_ms, &deadline, &fault);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        pool_enter(pool);
        batch_run_over(batch, pool, deadline);
        pool_leave(pool);
        status = whole(batch, &fault);
        return error_report(error, status, &fault);
}

/* ---- Looking at it ---- */

static const struct batch_item *item_of(const postel_batch *batch, size_t message)
{
        return batch && message < batch->count ? &batch->items[message] : NULL;
}

postel_status postel_batch_status(const postel_batch *batch, size_t message)
{
        const struct batch_item *item = item_of(batch, message);

        return item ? item->status : POSTEL_INVALID;
}

const postel_result *postel_batch_result(const postel_batch *batch, size_t message)
{
        const struct batch_item *item = item_of(batch, message);

        return item ? item->result : NULL;
}

const postel_error *postel_batch_error(const postel_batch *batch, size_t message)
{
        static const postel_error none = { .status = POSTEL_OK };
        static const postel_error no_memory = { .status = POSTEL_MEMORY,
                .message = "out of memory for the error" };
        const struct batch_item *item = item_of(batch, message);

        if (!item)
                return NULL;
        if (item->error)
                return item->error;
        return item->done && item->status != POSTEL_OK ? &no_memory : &none;
}
