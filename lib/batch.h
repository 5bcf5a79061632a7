/* SPDX-License-Identifier: MIT */
#ifndef LIB_BATCH_H
#define LIB_BATCH_H

/* A batch while it is sent: in batch_run.c. What it holds is in batch.c. */

#include "base/lock.h"
#include "connection.h"

#include <postel/batch.h>

struct batch_item {
        const postel_envelope *envelope;
        const postel_message *message;
        bool done;
        postel_status status;
        postel_result *result;
        postel_error *error; /* NULL: it has none, or memory ran out */
};

struct postel_batch {
        struct batch_item *items;
        size_t count, capacity;
        bool out_of_memory; /* a message could not be added */
        postel_batch_function function;
        void *user_data;
};

/* Sends what is not done, over one connection whose gate the caller holds, or over the pool. When it returns,
 * all is done. */
void batch_run_on(postel_batch *batch, postel_connection *connection, struct deadline deadline);
void batch_run_over(postel_batch *batch, postel_pool *pool, struct deadline deadline);

/* What is not done fails with that error. */
void batch_fail(postel_batch *batch, const struct endpoint *endpoint, const postel_error *error);

#endif
