/* SPDX-License-Identifier: MIT */
/* Sessions of the pool between their dial and their end. What is I/O happens here, and never under the lock.
 */

#include "pool.h"

#include "base/status.h"

#include <sys/random.h>

#define NS_PER_MS 1000000

/* Sessions opened together should not all be retired together. */
static int64_t retirement_ns(const postel_pool *pool, int64_t now_ns)
{
        int64_t age_ns = (int64_t)pool->endpoint.config->max_age_ms * NS_PER_MS;
        uint32_t random = 0;

        if (!age_ns)
                return INT64_MAX;
        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                random = 0;
        return now_ns + age_ns - age_ns / 10 * (random % 1024) / 1024;
}

static void dial_failed(postel_pool *pool, postel_connection *connection, const postel_error *error)
{
        if (connection) {
                lock_take(&pool->lock);
                pool_remove_busy_locked(pool, connection);
                lock_give(&pool->lock);
                connection_destroy(connection);
        }
        lock_take(&pool->lock);
        pool->dialling--;
        pool->last_dial_error = *error;
        pool->counters[POSTEL_STATISTIC_CONNECT_FAILURES]++;
        pool_grant_locked(pool);
        lock_give(&pool->lock);
}

/* A place without the time to use it: no server is bothered with half a connection. */
static postel_status too_late_to_dial(postel_pool *pool, postel_error *error)
{
        lock_take(&pool->lock);
        pool->dialling--;
        pool_grant_locked(pool);
        lock_give(&pool->lock);
        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_POOL,
                "no session was idle, and no time was left to open one");
}

postel_status pool_dial(
        postel_pool *pool, struct deadline deadline, postel_connection **connection, postel_error *error)
{
        postel_connection *made = NULL;

        if (deadline_passed(deadline))
                return too_late_to_dial(pool, error);
        lock_take(&pool->lock);
        unsigned long long number = ++pool->next_number;
        lock_give(&pool->lock);
        postel_status status = connection_new_of(&pool->endpoint, number, &made, error);
        if (status == POSTEL_OK) {
                made->pool = pool;
                lock_take(&pool->lock);
                pool_push_busy_locked(pool, made);
                lock_give(&pool->lock);
                status = session_open(&made->session, deadline, error);
        }
        if (status != POSTEL_OK) {
                dial_failed(pool, made, error);
                return status;
        }
        int64_t now = clock_ns();
        lock_take(&pool->lock);
        made->retire_at_ns = retirement_ns(pool, now);
        made->idle_since_ns = made->spoken_at_ns = now;
        pool->dialling--;
        pool->leased++;
        pool->counters[POSTEL_STATISTIC_SESSIONS_OPENED]++;
        pool->last_dial_error.status = POSTEL_OK;
        lock_give(&pool->lock);
        *connection = made;
        return POSTEL_OK;
}

postel_connection *pool_exchange_stale(
        postel_pool *pool, postel_connection *connection, postel_statistic why, bool for_idle)
{
        postel_connection *another = NULL;

        lock_take(&pool->lock);
        pool_remove_busy_locked(pool, connection);
        pool->counters[why]++;
        lock_give(&pool->lock);

        session_begin_quit(&connection->session);
        connection_destroy(connection);

        lock_take(&pool->lock);
        if (for_idle && pool->idle) {
                another = pool->idle;
                pool_remove_idle_locked(pool, another);
                pool_push_busy_locked(pool, another);
                pool_grant_locked(pool);
        } else {
                pool->leased--;
                pool->dialling++;
        }
        lock_give(&pool->lock);
        return another;
}

/* Whether an idle session that became ours may be used. If not, *why is the counter. */
static bool is_usable(postel_pool *pool, postel_connection *connection, postel_statistic *why)
{
        bool expired = pool_is_expired(pool, connection, clock_ns());

        *why = expired ? POSTEL_STATISTIC_SESSIONS_RETIRED : POSTEL_STATISTIC_SESSIONS_LOST;
        return !expired && session_is_fresh(&connection->session);
}

postel_status pool_lease(postel_pool *pool, struct deadline deadline, postel_connection **connection,
        bool *reused, postel_error *error)
{
        postel_connection *found = NULL;
        postel_statistic why;
        postel_status status = pool_reserve(pool, deadline, &found, error);

        if (status != POSTEL_OK)
                return status;
        while (found && !is_usable(pool, found, &why))
                found = pool_exchange_stale(pool, found, why, true);
        *reused = found != NULL;
        if (!found)
                status = pool_dial(pool, deadline, &found, error);
        if (status != POSTEL_OK)
                return status;
        lock_take(&pool->lock);
        found->leased = true;
        pool->counters[POSTEL_STATISTIC_SESSIONS_REUSED] += *reused;
        lock_give(&pool->lock);
        *connection = found;
        return POSTEL_OK;
}

static void make_idle(postel_pool *pool, postel_connection *connection)
{
        int64_t now = clock_ns();

        channel_trim(&connection->session.channel);
        outcome_trim(&connection->session.log);
        lock_take(&pool->lock);
        pool_remove_busy_locked(pool, connection);
        pool->leased--;
        connection->leased = false;
        connection->idle_since_ns = connection->spoken_at_ns = now;
        pool_push_idle_locked(pool, connection);
        pool_grant_locked(pool);
        bool keeper_runs = pool->keeper_runs;
        lock_give(&pool->lock);
        if (!keeper_runs)
                pool_start_keeper(pool);
}

static bool is_closing(postel_pool *pool)
{
        lock_take(&pool->lock);
        bool closing = pool->closing;
        lock_give(&pool->lock);
        return closing;
}

void pool_give_back(postel_pool *pool, postel_connection *connection)
{
        if (!session_is_ready(&connection->session) ||
                stream_is_interrupted(&connection->session.channel.stream))
                pool_discard(pool, connection, &pool->leased, POSTEL_STATISTIC_SESSIONS_LOST);
        else if (is_closing(pool) || pool_is_worn_out(pool, connection, clock_ns()))
                pool_discard(pool, connection, &pool->leased, POSTEL_STATISTIC_SESSIONS_RETIRED);
        else
                make_idle(pool, connection);
}

void pool_discard(postel_pool *pool, postel_connection *connection, size_t *held, postel_statistic why)
{
        lock_take(&pool->lock);
        pool_remove_busy_locked(pool, connection);
        lock_give(&pool->lock);

        session_begin_quit(&connection->session);
        connection_destroy(connection);

        /* Only now: a place is free when the server may know that the session is gone, not before. */
        lock_take(&pool->lock);
        --*held;
        pool->counters[why]++;
        pool_grant_locked(pool);
        lock_give(&pool->lock);
}
