/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_BATCH_H
#define POSTEL_BATCH_H

/*
 * Many messages at once, each with an outcome of its own. On each session the commands of the next messages
 * are written before the replies to those before have been read (RFC 2920 section 3.1); with CHUNKING (RFC
 * 3030) many whole messages are on their way, without it the envelope of the next rides behind the content of
 * the one before. A message that fails takes no other with it.
 *
 *     postel_batch *batch = postel_batch_new();
 *     for (size_t i = 0; i < count; i++)
 *             postel_batch_add(batch, envelopes[i], messages[i]);
 *     status = postel_pool_send_batch(pool, batch, 600000, &error);
 *     for (size_t i = 0; i < postel_batch_count(batch); i++)
 *             puts(postel_status_name(postel_batch_status(batch, i)));
 *     postel_batch_free(&batch);
 *
 * A batch may be used by one thread at a time. It copies nothing: envelopes and messages must stay as they
 * are until the send returns; one may be added any number of times, but for a message that can be read only
 * once.
 */

#include <postel/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_batch postel_batch;

/* An empty batch, to be freed with postel_batch_free(). NULL when memory ran out. */
POSTEL_API postel_batch *postel_batch_new(void);

/* Frees the batch and its results, and clears *batch. NULL and a cleared pointer are accepted. */
POSTEL_API void postel_batch_free(postel_batch **batch);

/*
 * Adds a message and returns its index: 0 for the first, then 1, 2 … in the order in which it is begun. What
 * is wrong with it is its own result, and of no other; only memory that ran out is the whole batch's.
 */
POSTEL_API size_t postel_batch_add(
        postel_batch *batch, const postel_envelope *envelope, const postel_message *message);

POSTEL_API size_t postel_batch_count(const postel_batch *batch);

/*
 * Called when a message has its result, in the order in which they have them, by a thread that sends, one
 * call at a time. The accessors below may be used for that message meanwhile; no other function of the batch,
 * the connection or the pool.
 */
typedef void (*postel_batch_function)(void *user_data, postel_batch *batch, size_t message);

POSTEL_API void postel_batch_set_done(postel_batch *batch, postel_batch_function function, void *user_data);

/*
 * Sends every message that has no result yet. Blocks until each has one, or the deadline, which leaves the
 * rest with POSTEL_TIMEOUT and NOT_SENT.
 *
 * Over a pool the messages are spread over as many sessions as the pool may have and the batch is worth, by
 * threads of its own. (Callbacks of messages, hooks and the done function are called by these.) A thread that
 * is still opening a session when everything is done leaves that to the pool, and ends; closing the pool
 * waits for it. What is NOT_SENT because a session was lost is begun again on another, by itself and at most
 * twice more. Over a connection, nothing is begun again.
 *
 * POSTEL_OK: every recipient of every message was accepted. POSTEL_PARTIAL: some were. Else the status of
 * the first message that failed; the error is that message's. POSTEL_INVALID or POSTEL_MEMORY without any
 * result: nothing was sent.
 */
POSTEL_API postel_status postel_connection_send_batch(
        postel_connection *connection, postel_batch *batch, int timeout_ms, postel_error *error);
POSTEL_API postel_status postel_pool_send_batch(
        postel_pool *pool, postel_batch *batch, int timeout_ms, postel_error *error);

/*
 * What became of a message. All are borrowed, until the batch is freed. Its status, as
 * postel_send_with_params() would have returned it; POSTEL_CLOSED before it was sent. Its result, NULL where
 * that function would give none. Its error, of status POSTEL_OK when it has none. An index out of range gives
 * POSTEL_INVALID and NULL.
 */
POSTEL_API postel_status postel_batch_status(const postel_batch *batch, size_t message);
POSTEL_API const postel_result *postel_batch_result(const postel_batch *batch, size_t message);
POSTEL_API const postel_error *postel_batch_error(const postel_batch *batch, size_t message);

#ifdef __cplusplus
}
#endif

#endif
