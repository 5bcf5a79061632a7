/* SPDX-License-Identifier: MIT */
#ifndef LIB_POOL_H
#define LIB_POOL_H

/*
 * The pool's parts. A place is the right to have one session; it is free, or it is idle (a session nobody
 * uses), leased, dialling (a session being opened), or kept (in the keeper's hands). Places that are not free
 * are never more than the cap.
 *
 *     free ── reserve ──▶ dialling ── opened ──▶ leased ── given back ──▶ idle
 *      ▲                     │ failed              │ lost, retired         │ reserve ──▶ leased
 *      └─────────────────────┴─────────────────────┴───────────────────────┴ keeper ──▶ kept ──▶ idle or free
 *
 * pool_grant_locked() follows every arrow that ends in `free` or `idle`: it hands what became available to
 * the thread at the head of the queue, and to nobody else. Thus a queue is never longer than zero while
 * anything is available.
 *
 * The lock is a leaf: nothing blocks under it, and no other lock is taken under it.
 */

#include "base/lock.h"
#include "connection.h"

#include <postel/pool.h>

#include <pthread.h>

/* A thread in the queue. It lives on that thread's stack, and is out of the queue once it was granted
 * something. */
struct waiter {
        struct condition granted;
        bool has_place; /* it may lease: `connection`, or dial */
        postel_connection *connection; /* an idle session that became its; NULL: it is to dial */
        struct waiter *next;
};

struct postel_pool {
        struct endpoint endpoint; /* does not change */

        struct lock lock; /* guards all that follows */
        size_t idle_count, leased, dialling, kept;
        postel_connection *idle; /* used last first */
        postel_connection *busy; /* leased, dialling and kept: who is to be interrupted */
        struct waiter *queue_head, *queue_tail;
        size_t waiting;
        bool closing;
        bool interrupting; /* the time to drain is over: whoever becomes busy is interrupted at once */
        size_t callers; /* threads inside a call on the pool */
        size_t references; /* the opener's, and one for each lease */
        struct condition changed; /* somebody left, while the pool is closing */
        unsigned long long next_number;
        postel_error last_dial_error; /* of the last dial that ended; its status is POSTEL_OK when that went
                                         well */
        unsigned long long counters[POSTEL_STATISTIC_OPEN + 1];

        bool keeper_runs;
        pthread_t keeper;
        int64_t keeper_sleeps_until_ns;
        struct condition keeper_wanted; /* something idle is due before that, or the pool is closing */
};

/* ---- Places; in pool_places.c ---- */

size_t pool_open_places_locked(const postel_pool *pool) REQUIRES(pool->lock);

/* Gives what is available to the heads of the queue. */
void pool_grant_locked(postel_pool *pool) REQUIRES(pool->lock);

/* Takes a place, which is leased with *connection or dialling with NULL. False: there is none, or others wait
 * for it. */
bool pool_reserve_locked(postel_pool *pool, postel_connection **connection) REQUIRES(pool->lock);

/* The same, from the end of the queue if need be. POSTEL_TIMEOUT or POSTEL_CLOSED: no place. */
postel_status pool_reserve(
        postel_pool *pool, struct deadline deadline, postel_connection **connection, postel_error *error);

/* Lists: idle sessions by when they were used, busy ones in no order. The keeper hears of what becomes idle.
 */
void pool_push_idle_locked(postel_pool *pool, postel_connection *connection) REQUIRES(pool->lock);
void pool_remove_idle_locked(postel_pool *pool, postel_connection *connection) REQUIRES(pool->lock);
void pool_push_busy_locked(postel_pool *pool, postel_connection *connection) REQUIRES(pool->lock);
void pool_remove_busy_locked(postel_pool *pool, postel_connection *connection) REQUIRES(pool->lock);

/* Whether a session is past its age or its messages; whether an idle one is past these or its idle time. */
bool pool_is_worn_out(const postel_pool *pool, const postel_connection *connection, int64_t now_ns);
bool pool_is_expired(const postel_pool *pool, const postel_connection *connection, int64_t now_ns);

/* ---- Sessions; in pool_lease.c ---- */

/* A session that is ready; *reused: it was idle before. The statuses of postel_pool_acquire(). */
postel_status pool_lease(postel_pool *pool, struct deadline deadline, postel_connection **connection,
        bool *reused, postel_error *error);

/* Gives a lease back: to the idle ones, or to nobody. */
void pool_give_back(postel_pool *pool, postel_connection *connection);

/* Opens a session in a place that is dialling, which becomes leased, or free. */
postel_status pool_dial(
        postel_pool *pool, struct deadline deadline, postel_connection **connection, postel_error *error);

/*
 * Exchanges a leased session, but not its place, for another idle one, or for the right to dial. `why` is the
 * counter.
 */
postel_connection *pool_exchange_stale(
        postel_pool *pool, postel_connection *connection, postel_statistic why, bool for_idle);

/*
 * Says QUIT without waiting, frees a busy session, then its place, which `held` counts: leased or kept. `why`
 * is the counter.
 */
void pool_discard(postel_pool *pool, postel_connection *connection, size_t *held, postel_statistic why);

/* ---- The keeper; in pool_keeper.c ---- */

/* Starts the keeper if the config gives it something to do and it does not run. Called without the lock, by a
 * caller. */
void pool_start_keeper(postel_pool *pool);

/* This session became idle: the keeper may have to get up earlier than it meant to. */
void pool_tell_keeper_locked(postel_pool *pool, const postel_connection *connection) REQUIRES(pool->lock);

/* Ends it. The pool is closing. */
void pool_stop_keeper(postel_pool *pool);

/* ---- Others; in pool.c ---- */

/* Around every call on the pool that may take long: closing waits for it. */
void pool_enter(postel_pool *pool);
void pool_leave(postel_pool *pool);

/* postel_connection_free() on a lease: without QUIT, as of any connection. */
void pool_throw_away(postel_pool *pool, postel_connection *connection);

/* Counts the outcomes of a send, and the round trips of its session, NULL when that is gone. */
void pool_count_send(postel_pool *pool, postel_connection *connection, const struct outcome_log *log);
void pool_count_retry(postel_pool *pool);
void pool_count_round_trips(postel_pool *pool, postel_connection *connection);

#endif
