/* SPDX-License-Identifier: MIT */
/* The pool's calls: opening, leasing, sending, closing. */

#include "pool.h"

#include "base/status.h"
#include "result.h"

#include <stdlib.h>

/* Who does not answer QUIT at once is not waited for, however long the leases may drain. */
#define QUIT_WAIT_MS 1000

postel_status postel_pool_open(const postel_config *config, postel_pool **pool, postel_error *error)
{
        postel_error fault;

        if (!pool)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_pool *made = calloc(1, sizeof(*made));
        if (!made)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        postel_status status = endpoint_init(&made->endpoint, config, &fault);
        if (status != POSTEL_OK) {
                free(made);
                return error_report(error, status, &fault);
        }
        lock_init(&made->lock);
        condition_init(&made->changed);
        condition_init(&made->keeper_wanted);
        made->references = 1;
        *pool = made;
        return POSTEL_OK;
}

static void pool_destroy(postel_pool *pool)
{
        condition_deinit(&pool->keeper_wanted);
        condition_deinit(&pool->changed);
        lock_deinit(&pool->lock);
        endpoint_deinit(&pool->endpoint);
        free(pool);
}

static void pool_unreference(postel_pool *pool)
{
        lock_take(&pool->lock);
        size_t left = --pool->references;
        lock_give(&pool->lock);
        if (left == 0)
                pool_destroy(pool);
}

void pool_enter(postel_pool *pool)
{
        lock_take(&pool->lock);
        pool->callers++;
        lock_give(&pool->lock);
}

void pool_leave(postel_pool *pool)
{
        lock_take(&pool->lock);
        pool->callers--;
        if (pool->closing)
                condition_wake_all(&pool->changed);
        lock_give(&pool->lock);
}

/* ---- Leasing ---- */

postel_status postel_pool_acquire(
        postel_pool *pool, int timeout_ms, postel_connection **connection, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;
        bool reused;

        if (!pool || !connection)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_status status = endpoint_deadline(&pool->endpoint, timeout_ms, &deadline, &fault);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        pool_enter(pool);
        status = pool_lease(pool, deadline, connection, &reused, &fault);
        if (status == POSTEL_OK) {
                lock_take(&pool->lock);
                pool->references++;
                lock_give(&pool->lock);
        }
        pool_leave(pool);
        return error_report(error, status, &fault);
}

/* Whether it is a lease of this pool; from now on it is one no more. */
static bool end_lease(postel_pool *pool, postel_connection *connection)
{
        /* Never changes. A pool that is not the lease's own may be gone, and its lock with it. */
        if (connection->pool != pool)
                return false;
        lock_take(&pool->lock);
        bool leased = connection->leased;
        if (leased)
                connection->leased = false;
        lock_give(&pool->lock);
        return leased;
}

postel_status postel_pool_release(postel_pool *pool, postel_connection **connection)
{
        if (!connection || !*connection)
                return POSTEL_OK;
        postel_connection *released = *connection;
        pool = pool ? pool : released->pool;
        if (!pool || !end_lease(pool, released))
                return POSTEL_INVALID;
        *connection = NULL;
        pool_enter(pool);
        pool_give_back(pool, released);
        pool_leave(pool);
        pool_unreference(pool);
        return POSTEL_OK;
}

void pool_throw_away(postel_pool *pool, postel_connection *connection)
{
        if (!end_lease(pool, connection))
                return;
        pool_enter(pool);
        stream_drop(&connection->session.channel.stream);
        pool_discard(pool, connection, &pool->leased, POSTEL_STATISTIC_SESSIONS_LOST);
        pool_leave(pool);
        pool_unreference(pool);
}

/* ---- Sending ---- */

static void count_round_trips_locked(postel_pool *pool, postel_connection *connection) REQUIRES(pool->lock)
{
        pool->counters[POSTEL_STATISTIC_ROUND_TRIPS] += connection->session.message_round_trips;
        connection->session.message_round_trips = 0;
}

void pool_count_retry(postel_pool *pool)
{
        lock_take(&pool->lock);
        pool->counters[POSTEL_STATISTIC_RETRIES]++;
        lock_give(&pool->lock);
}

void pool_count_round_trips(postel_pool *pool, postel_connection *connection)
{
        lock_take(&pool->lock);
        count_round_trips_locked(pool, connection);
        lock_give(&pool->lock);
}

void pool_count_send(postel_pool *pool, postel_connection *connection, const struct outcome_log *log)
{
        size_t outcomes[POSTEL_OUTCOME_UNKNOWN + 1] = { 0 };

        for (size_t i = 0; i < log->count; i++)
                outcomes[outcome_verdict(log, i)->outcome]++;
        lock_take(&pool->lock);
        pool->counters[POSTEL_STATISTIC_MESSAGES]++;
        for (size_t i = 0; i <= POSTEL_OUTCOME_UNKNOWN; i++)
                pool->counters[POSTEL_STATISTIC_ACCEPTED + i] += outcomes[i];
        if (connection)
                count_round_trips_locked(pool, connection);
        lock_give(&pool->lock);
}

static postel_status send_on(
        postel_connection *connection, struct sending *sending, struct deadline deadline, postel_error *error)
{
        /* Nobody else knows of it: the gate is open. */
        if (!gate_enter(&connection->gate, deadline))
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_POOL, "the time ran out");
        postel_status status = connection_send(connection, sending, deadline, error);
        gate_leave(&connection->gate);
        return status;
}

/*
 * What is ever sent again: a message on which an idle session, which looked alive, was lost before the server
 * had said a word about it; one for which BDAT was tried in vain, and the session lost over it; and the
 * recipients whom a session had no transaction left for. Of none of these has anything been taken.
 */
static bool may_go_on(const postel_connection *connection, const struct sending *sending, bool reused)
{
        const struct session *session = &connection->session;
        const struct delivery *delivery = &sending->delivery;
        bool first = delivery->attempts == 1;

        if (!delivery_is_whole(delivery) || !outcome_is_unsent(&delivery->log))
                return false;
        if (session->exhausted)
                return true;
        return first && outcome_nothing_sent(&delivery->log) &&
               ((reused && session->lost_unheard) || (session->channel.dead && delivery->by_data));
}

/* POSTEL_OK: there is another session. */
static postel_status take_another(postel_pool *pool, postel_connection **connection, struct deadline deadline)
{
        postel_error error;
        postel_connection *fresh;
        postel_statistic why = (*connection)->session.exhausted ? POSTEL_STATISTIC_SESSIONS_RETIRED
                                                                : POSTEL_STATISTIC_SESSIONS_LOST;

        pool_count_round_trips(pool, *connection);
        pool_exchange_stale(pool, *connection, why, false);
        *connection = NULL;
        postel_status status = pool_dial(pool, deadline, &fresh, &error);
        if (status != POSTEL_OK)
                return status;
        lock_take(&pool->lock);
        pool->counters[POSTEL_STATISTIC_RETRIES]++;
        fresh->leased = true;
        lock_give(&pool->lock);
        *connection = fresh;
        return POSTEL_OK;
}

static postel_status send_until_settled(postel_pool *pool, postel_connection **connection,
        struct sending *sending, bool reused, struct deadline deadline, postel_error *error)
{
        postel_error fault; /* told only if no other session makes it good */
        postel_status status = send_on(*connection, sending, deadline, &fault);

        while (*connection && may_go_on(*connection, sending, reused) &&
                take_another(pool, connection, deadline) == POSTEL_OK) {
                reused = false;
                outcome_reopen(&sending->delivery.log);
                status = send_on(*connection, sending, deadline, &fault);
        }
        return status == POSTEL_OK ? status : error_copy(error, &fault);
}

static postel_status pool_send(postel_pool *pool, struct sending *sending, struct deadline deadline,
        postel_result **result, postel_error *error)
{
        postel_connection *connection;
        bool reused;
        postel_status status = pool_lease(pool, deadline, &connection, &reused, error);

        if (status != POSTEL_OK) {
                if (result)
                        *result = result_new_unsent(&sending->envelope, error);
                return status;
        }
        status = send_until_settled(pool, &connection, sending, reused, deadline, error);
        pool_count_send(pool, connection, &sending->delivery.log);
        sending_end(sending, connection ? &connection->session : NULL, status, result);
        if (connection)
                pool_give_back(pool, connection);
        return status;
}

static postel_status pool_send_checked(postel_pool *pool, struct sending *sending, int timeout_ms,
        postel_result **result, postel_error *error)
{
        struct deadline deadline;
        postel_status status = sending_begin(&pool->endpoint, sending, timeout_ms, &deadline, result, error);

        if (status != POSTEL_OK)
                return status;
        pool_enter(pool);
        status = pool_send(pool, sending, deadline, result, error);
        pool_leave(pool);
        return status;
}

postel_status postel_pool_send(postel_pool *pool, const char *from, const char *const *to, size_t to_count,
        const void *body, size_t body_size, int timeout_ms, postel_result **result, postel_error *error)
{
        postel_error fault;
        struct sending sending;
        postel_segment segment;

        if (result)
                *result = NULL;
        if (!pool)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_status status =
                sending_from_arguments(&sending, from, to, to_count, body, body_size, &segment, &fault);
        if (status == POSTEL_OK)
                status = pool_send_checked(pool, &sending, timeout_ms, result, &fault);
        return error_report(error, status, &fault);
}

postel_status postel_pool_send_with_params(postel_pool *pool, const postel_envelope *envelope,
        const postel_message *message, int timeout_ms, postel_result **result, postel_error *error)
{
        postel_error fault;
        struct sending sending;

        if (result)
                *result = NULL;
        if (!pool)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "pool: is missing");
        postel_status status = sending_from_objects(&sending, envelope, message, &fault);
        if (status == POSTEL_OK)
                status = pool_send_checked(pool, &sending, timeout_ms, result, &fault);
        return error_report(error, status, &fault);
}

/* ---- Closing ---- */

static void refuse_new_calls(postel_pool *pool)
{
        lock_take(&pool->lock);
        pool->closing = true;
        for (struct waiter *at = pool->queue_head; at; at = at->next)
                condition_wake(&at->granted);
        lock_give(&pool->lock);
}

/* All idle sessions, whose places are kept until they are closed. */
static postel_connection *take_idle(postel_pool *pool)
{
        lock_take(&pool->lock);
        postel_connection *list = pool->idle;
        pool->idle = NULL;
        lock_give(&pool->lock);
        return list;
}

/* QUIT goes to all before the first reply is waited for. */
static void quit_idle(postel_pool *pool, struct deadline deadline)
{
        postel_connection *list = take_idle(pool), *next;
        size_t count = 0;

        for (postel_connection *at = list; at; at = at->next)
                session_begin_quit(&at->session);
        for (; list; list = next, count++) {
                next = list->next;
                session_finish_quit(&list->session, deadline);
                connection_destroy(list);
        }
        lock_take(&pool->lock);
        pool->idle_count -= count;
        lock_give(&pool->lock);
}

/* Until every lease is back and every caller gone, or the deadline; then until every caller is gone. */
static void drain(postel_pool *pool, struct deadline deadline)
{
        bool in_time = true;

        lock_take(&pool->lock);
        while ((pool->leased || pool->callers) && in_time)
                in_time = condition_wait(&pool->changed, &pool->lock, deadline);
        pool->interrupting = true;
        for (postel_connection *at = pool->busy; at; at = at->next)
                stream_interrupt(&at->session.channel.stream);
        while (pool->callers)
                condition_wait(&pool->changed, &pool->lock, deadline_never());
        lock_give(&pool->lock);
}

void postel_pool_close(postel_pool **pool, int drain_ms)
{
        if (!pool || !*pool)
                return;
        postel_pool *closed = *pool;
        struct deadline deadline = deadline_after_ms(drain_ms > 0 ? drain_ms : 0);
        struct deadline quit_deadline = deadline_earlier(deadline, deadline_after_ms(QUIT_WAIT_MS));

        *pool = NULL;
        refuse_new_calls(closed);
        quit_idle(closed, quit_deadline);
        drain(closed, deadline);
        pool_stop_keeper(closed);
        /* What the keeper brought back, or a waiter whose turn came too late. */
        quit_idle(closed, quit_deadline);
        pool_unreference(closed);
}
