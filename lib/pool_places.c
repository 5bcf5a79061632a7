/* SPDX-License-Identifier: MIT */
/* Places and the queue for them: see pool.h. */

#include "pool.h"

#include "base/status.h"

#include <assert.h>

size_t pool_open_places_locked(const postel_pool *pool)
{
        return pool->idle_count + pool->leased + pool->dialling + pool->kept;
}

/* ---- Lists ---- */

static void insert(postel_connection **place, postel_connection *previous, postel_connection *connection)
{
        connection->previous = previous;
        connection->next = *place;
        if (connection->next)
                connection->next->previous = connection;
        *place = connection;
}

static void unlink_from(postel_connection **head, postel_connection *connection)
{
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                *head = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        connection->next = connection->previous = NULL;
}

void pool_push_idle_locked(postel_pool *pool, postel_connection *connection)
{
        postel_connection **place = &pool->idle, *previous = NULL;

        /* Nearly always the head: only the keeper brings back one that was used before others. */
        while (*place && (*place)->idle_since_ns > connection->idle_since_ns) {
                previous = *place;
                place = &previous->next;
        }
        insert(place, previous, connection);
        pool->idle_count++;
        pool_tell_keeper_locked(pool, connection);
}

void pool_remove_idle_locked(postel_pool *pool, postel_connection *connection)
{
        unlink_from(&pool->idle, connection);
        pool->idle_count--;
}

void pool_push_busy_locked(postel_pool *pool, postel_connection *connection)
{
        insert(&pool->busy, NULL, connection);
        /* Writes eight octets to an eventfd, which never blocks: as much I/O as waking a thread is. Of a
         * caller's transport it is the wake function, which must not block either (hooks.h). */
        if (pool->interrupting)
                stream_interrupt(&connection->session.channel.stream);
}

void pool_remove_busy_locked(postel_pool *pool, postel_connection *connection)
{
        unlink_from(&pool->busy, connection);
}

bool pool_is_worn_out(const postel_pool *pool, const postel_connection *connection, int64_t now_ns)
{
        int max_messages = pool->endpoint.config->max_messages;

        if (max_messages && connection->session.messages >= (unsigned long)max_messages)
                return true;
        return session_is_exhausted(&connection->session) || now_ns >= connection->retire_at_ns;
}

bool pool_is_expired(const postel_pool *pool, const postel_connection *connection, int64_t now_ns)
{
        int64_t idle_limit_ns = (int64_t)pool->endpoint.config->idle_limit_ms * 1000000;
        bool idle_too_long = idle_limit_ns && now_ns - connection->idle_since_ns >= idle_limit_ns;

        return idle_too_long || pool_is_worn_out(pool, connection, now_ns);
}

/* ---- Reserving ---- */

static void note_peak_locked(postel_pool *pool) REQUIRES(pool->lock);
static void note_peak_locked(postel_pool *pool)
{
        unsigned long long *peak = &pool->counters[POSTEL_STATISTIC_PEAK_SESSIONS];

        if (pool_open_places_locked(pool) > *peak)
                *peak = pool_open_places_locked(pool);
}

/* What is available, whoever asks. */
static bool take_place_locked(postel_pool *pool, postel_connection **connection) REQUIRES(pool->lock);
static bool take_place_locked(postel_pool *pool, postel_connection **connection)
{
        *connection = pool->idle;
        if (*connection) {
                pool_remove_idle_locked(pool, *connection);
                pool_push_busy_locked(pool, *connection);
                pool->leased++;
                return true;
        }
        if (pool_open_places_locked(pool) >= (size_t)pool->endpoint.config->pool_size)
                return false;
        pool->dialling++;
        note_peak_locked(pool);
        return true;
}

bool pool_reserve_locked(postel_pool *pool, postel_connection **connection)
{
        return !pool->queue_head && take_place_locked(pool, connection);
}

/* ---- The queue ---- */

static void enqueue_locked(postel_pool *pool, struct waiter *waiter) REQUIRES(pool->lock);
static void enqueue_locked(postel_pool *pool, struct waiter *waiter)
{
        if (pool->queue_tail)
                pool->queue_tail->next = waiter;
        else
                pool->queue_head = waiter;
        pool->queue_tail = waiter;
        pool->waiting++;
}

static void dequeue_locked(postel_pool *pool, struct waiter *waiter) REQUIRES(pool->lock);
static void dequeue_locked(postel_pool *pool, struct waiter *waiter)
{
        struct waiter *before = NULL;

        for (struct waiter *at = pool->queue_head; at != waiter; at = at->next)
                before = at;
        if (before)
                before->next = waiter->next;
        else
                pool->queue_head = waiter->next;
        if (pool->queue_tail == waiter)
                pool->queue_tail = before;
        pool->waiting--;
}

void pool_grant_locked(postel_pool *pool)
{
        while (pool->queue_head && !pool->closing) {
                struct waiter *head = pool->queue_head;
                if (!take_place_locked(pool, &head->connection))
                        return;
                head->has_place = true;
                dequeue_locked(pool, head);
                condition_wake(&head->granted);
        }
}

static postel_status no_place(postel_pool *pool, postel_error *error) REQUIRES(pool->lock);
static postel_status no_place(postel_pool *pool, postel_error *error)
{
        const postel_error *last = &pool->last_dial_error;

        pool->counters[POSTEL_STATISTIC_WAIT_TIMEOUTS]++;
        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_POOL,
                "no session became free in time: %zu leased, %zu idle, %zu being opened, %zu others "
                "waiting%s%s",
                pool->leased, pool->idle_count + pool->kept, pool->dialling, pool->waiting,
                last->status == POSTEL_OK ? "" : "; the last that could not be opened: ",
                last->status == POSTEL_OK ? "" : last->message);
}

/* What came too late for this waiter goes to the next one. */
static void give_up_place_locked(postel_pool *pool, struct waiter *waiter) REQUIRES(pool->lock);
static void give_up_place_locked(postel_pool *pool, struct waiter *waiter)
{
        if (waiter->connection) {
                pool_remove_busy_locked(pool, waiter->connection);
                pool->leased--;
                pool_push_idle_locked(pool, waiter->connection);
                waiter->connection = NULL;
        } else {
                pool->dialling--;
        }
        pool_grant_locked(pool);
}

static postel_status wait_locked(postel_pool *pool, struct waiter *waiter, struct deadline deadline,
        postel_error *error) REQUIRES(pool->lock);
static postel_status wait_locked(
        postel_pool *pool, struct waiter *waiter, struct deadline deadline, postel_error *error)
{
        bool in_time = true;

        pool->counters[POSTEL_STATISTIC_WAITS]++;
        enqueue_locked(pool, waiter);
        while (!waiter->has_place && !pool->closing && in_time)
                in_time = condition_wait(&waiter->granted, &pool->lock, deadline);
        if (!waiter->has_place)
                dequeue_locked(pool, waiter);
        else if (pool->closing || !in_time)
                give_up_place_locked(pool, waiter);
        if (pool->closing)
                return error_set(error, POSTEL_CLOSED, POSTEL_PHASE_POOL, "the pool is closing");
        return in_time ? POSTEL_OK : no_place(pool, error);
}

postel_status pool_reserve(
        postel_pool *pool, struct deadline deadline, postel_connection **connection, postel_error *error)
{
        struct waiter waiter = { 0 };
        postel_status status = POSTEL_OK;

        lock_take(&pool->lock);
        if (pool->closing) {
                status = error_set(error, POSTEL_CLOSED, POSTEL_PHASE_POOL, "the pool is closing");
        } else if (!pool_reserve_locked(pool, connection)) {
                condition_init(&waiter.granted);
                status = wait_locked(pool, &waiter, deadline, error);
                condition_deinit(&waiter.granted);
                *connection = waiter.connection;
        }
        lock_give(&pool->lock);
        return status;
}
