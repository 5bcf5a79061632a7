/* SPDX-License-Identifier: MIT */
/*
 * The keeper: one thread that closes idle sessions when their time has come and says NOOP on the others. It
 * takes a session out of the idle list while it speaks, so that nobody waits for it under the lock.
 */

#include "pool.h"

#include <signal.h>

#define NS_PER_MS 1000000

/* A server that takes longer to answer NOOP is not one to keep a session with. */
#define NOOP_TIMEOUT_MS 10000

/* When this idle session needs the keeper. */
static int64_t due_ns(const postel_pool *pool, const postel_connection *connection)
{
        const postel_config *config = pool->endpoint.config;
        int64_t due = connection->retire_at_ns;

        if (config->idle_limit_ms) {
                int64_t limit = connection->idle_since_ns + (int64_t)config->idle_limit_ms * NS_PER_MS;
                due = limit < due ? limit : due;
        }
        if (config->keepalive_ms) {
                int64_t silence = connection->spoken_at_ns + (int64_t)config->keepalive_ms * NS_PER_MS;
                due = silence < due ? silence : due;
        }
        return due;
}

void pool_tell_keeper_locked(postel_pool *pool, const postel_connection *connection)
{
        /* Nearly never: what was used later is due later. Waking it for every message would cost a switch of
         * threads each. */
        if (due_ns(pool, connection) < pool->keeper_sleeps_until_ns)
                condition_wake(&pool->keeper_wanted);
}

static postel_connection *first_due_locked(const postel_pool *pool, struct deadline *due)
        REQUIRES(pool->lock);
static postel_connection *first_due_locked(const postel_pool *pool, struct deadline *due)
{
        postel_connection *first = NULL;

        *due = deadline_never();
        for (postel_connection *at = pool->idle; at; at = at->next) {
                struct deadline mine = { due_ns(pool, at) };
                if (mine.at_ns >= due->at_ns)
                        continue;
                *due = mine;
                first = at;
        }
        return first;
}

/* Whether the session may stay: it has time left, and answers. */
static bool is_kept_alive(postel_connection *connection)
{
        postel_error error;
        struct deadline deadline = deadline_after_ms(NOOP_TIMEOUT_MS);

        return session_is_fresh(&connection->session) &&
               session_noop(&connection->session, deadline, &error) == POSTEL_OK;
}

static void bring_back(postel_pool *pool, postel_connection *connection)
{
        int64_t now = clock_ns();

        lock_take(&pool->lock);
        pool_remove_busy_locked(pool, connection);
        pool->kept--;
        pool->counters[POSTEL_STATISTIC_KEEPALIVES]++;
        connection->spoken_at_ns = now;
        pool_push_idle_locked(pool, connection);
        pool_grant_locked(pool);
        lock_give(&pool->lock);
}

static void look_after(postel_pool *pool, postel_connection *connection)
{
        if (pool_is_expired(pool, connection, clock_ns()))
                pool_discard(pool, connection, &pool->kept, POSTEL_STATISTIC_SESSIONS_RETIRED);
        else if (is_kept_alive(connection))
                bring_back(pool, connection);
        else
                pool_discard(pool, connection, &pool->kept, POSTEL_STATISTIC_SESSIONS_LOST);
}

/* Waits until an idle session is due, and takes it. NULL: the pool is closing. */
static postel_connection *next_due(postel_pool *pool)
{
        postel_connection *first = NULL;
        struct deadline due;

        lock_take(&pool->lock);
        while (!pool->closing) {
                first = first_due_locked(pool, &due);
                if (first && deadline_passed(due))
                        break;
                first = NULL;
                pool->keeper_sleeps_until_ns = due.at_ns;
                condition_wait(&pool->keeper_wanted, &pool->lock, due);
        }
        if (first) {
                pool_remove_idle_locked(pool, first);
                pool_push_busy_locked(pool, first);
                pool->kept++;
        }
        lock_give(&pool->lock);
        return first;
}

static void *keeper_main(void *argument)
{
        postel_pool *pool = argument;

        for (postel_connection *due = next_due(pool); due; due = next_due(pool))
                look_after(pool, due);
        return NULL;
}

void pool_start_keeper(postel_pool *pool)
{
        const postel_config *config = pool->endpoint.config;
        sigset_t all, before;

        lock_take(&pool->lock);
        bool wanted = !pool->keeper_runs && !pool->closing &&
                      (config->idle_limit_ms || config->max_age_ms || config->keepalive_ms);
        pool->keeper_runs = pool->keeper_runs || wanted;
        lock_give(&pool->lock);
        if (!wanted)
                return;
        /* The host program's signals are for its own threads. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int result = pthread_create(&pool->keeper, NULL, keeper_main, pool);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (result == 0)
                return;
        /* Without a keeper sessions are judged when they are leased; the next one given back tries again. */
        lock_take(&pool->lock);
        pool->keeper_runs = false;
        lock_give(&pool->lock);
}

void pool_stop_keeper(postel_pool *pool)
{
        lock_take(&pool->lock);
        bool runs = pool->keeper_runs;
        condition_wake(&pool->keeper_wanted);
        lock_give(&pool->lock);
        if (runs)
                pthread_join(pool->keeper, NULL);
}
