/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_POOL_H
#define POSTEL_POOL_H

/*
 * A pool of sessions with one server, logged in and kept for reuse. Any thread may call any function at any
 * time.
 *
 * There are never more sessions than the config's pool size, whether idle, leased or being opened. Who finds
 * none free waits in a queue, first come first served, until its own deadline. The session used last is used
 * first. A session is looked at, without a round trip, before it is handed out: one that the server has
 * closed, or has something to say on, is dropped. It is retired by age, idle time and number of messages, and
 * kept alive by NOOP if the config says so.
 *
 *     postel_pool *pool;
 *     if (postel_pool_open(config, &pool, &error) == POSTEL_OK) {
 *             status = postel_pool_send(pool, from, to, 2, body, size, 30000, &result, &error);
 *             postel_pool_close(&pool, 5000);
 *     }
 */

#include <postel/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_pool postel_pool;
typedef struct postel_statistics postel_statistics;

/*
 * A pool with its own copy of the config. Reads the files of the config; connects to nothing.
 *
 * POSTEL_OK: *pool is the caller's, to be closed with postel_pool_close(). POSTEL_INVALID, POSTEL_TLS (a CA
 * file), POSTEL_MEMORY: not written.
 */
POSTEL_API postel_status postel_pool_open(
        const postel_config *config, postel_pool **pool, postel_error *error);

/*
 * Sends as postel_send() and postel_send_with_params() do, on a session of the pool: a free one, a new one,
 * or the first that is given back. The deadline covers the wait, the opening of a session, and the send.
 *
 * What certainly was not sent is begun again by itself in three cases, if the message can be read again:
 * once, when a session that was idle turns out to be lost before anything was accepted; once, when BDAT was
 * refused and the session lost over it; and for recipients for whom a session had no transaction left
 * (LIMITS). See postel_result_attempts(). Nothing else is ever sent twice.
 *
 * Statuses and ownership of *result are those of postel_send(); besides, without a session every recipient is
 * POSTEL_OUTCOME_NOT_SENT and the status is what postel_pool_acquire() would return.
 */
POSTEL_API postel_status postel_pool_send(postel_pool *pool, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, int timeout_ms, postel_result **result,
        postel_error *error);
POSTEL_API postel_status postel_pool_send_with_params(postel_pool *pool, const postel_envelope *envelope,
        const postel_message *message, int timeout_ms, postel_result **result, postel_error *error);

/*
 * Leases a session that is ready. Blocks until there is one or the deadline.
 *
 * POSTEL_OK: *connection is leased until it is given to postel_pool_release() (or thrown away by
 * postel_connection_free()); it must not be used afterwards. POSTEL_TIMEOUT says in its text how many
 * sessions were leased, idle and being opened; POSTEL_CLOSED: the pool is closing; any status of
 * postel_connect(). Then *connection is not written.
 */
POSTEL_API postel_status postel_pool_acquire(
        postel_pool *pool, int timeout_ms, postel_connection **connection, postel_error *error);

/*
 * Gives a lease back and clears *connection. Never blocks on the network, but for a session that is retired:
 * its QUIT is written without waiting for the reply. POSTEL_OK, also for a session that has failed (its place
 * is free then); NULL and a cleared pointer are accepted. `pool` may be NULL: the one that it was leased
 * from. POSTEL_INVALID: it is not leased from this pool; nothing happens.
 */
POSTEL_API postel_status postel_pool_release(postel_pool *pool, postel_connection **connection);

/*
 * Closes the pool and clears *pool; NULL and a cleared pointer are accepted. New calls and those that wait
 * end with POSTEL_CLOSED at once, idle sessions get QUIT, sends in progress and leases may finish until
 * `drain_ms` (0 or more) have passed and are then interrupted. Returns when no thread is in a send of this
 * pool any more. A lease that is still held then stays safe to be released (with NULL for the pool) or
 * thrown away.
 *
 * No thread may begin a call on the pool once this has returned.
 */
POSTEL_API void postel_pool_close(postel_pool **pool, int drain_ms);

/* Numbers of a pool since it was opened; the last five are of the moment. The numbers never change. */
typedef enum postel_statistic {
        POSTEL_STATISTIC_SESSIONS_OPENED = 0, /* became ready */
        POSTEL_STATISTIC_SESSIONS_REUSED = 1, /* leases served by an idle session */
        POSTEL_STATISTIC_SESSIONS_RETIRED =
                2, /* closed by idle time, age, number of messages, or with the pool */
        POSTEL_STATISTIC_SESSIONS_LOST = 3, /* dropped for any other reason */
        POSTEL_STATISTIC_CONNECT_FAILURES = 4, /* never became ready */
        POSTEL_STATISTIC_WAITS = 5, /* leases that had to wait */
        POSTEL_STATISTIC_WAIT_TIMEOUTS = 6, /* of these, in vain */
        POSTEL_STATISTIC_RETRIES = 7, /* messages begun again on a new session */
        POSTEL_STATISTIC_MESSAGES = 8, /* sends that found a session */
        POSTEL_STATISTIC_ACCEPTED = 9, /* recipients by outcome, five in the order of postel_outcome */
        POSTEL_STATISTIC_REJECTED = 10,
        POSTEL_STATISTIC_DEFERRED = 11,
        POSTEL_STATISTIC_NOT_SENT = 12,
        POSTEL_STATISTIC_UNKNOWN = 13,
        POSTEL_STATISTIC_ROUND_TRIPS = 14, /* of messages: everything was written, and a reply awaited */
        POSTEL_STATISTIC_KEEPALIVES = 15, /* NOOPs */
        POSTEL_STATISTIC_PEAK_SESSIONS = 16, /* the most at any time, those being opened included */
        POSTEL_STATISTIC_IDLE = 17,
        POSTEL_STATISTIC_LEASED = 18,
        POSTEL_STATISTIC_DIALLING = 19,
        POSTEL_STATISTIC_WAITING = 20, /* threads in the queue */
        POSTEL_STATISTIC_OPEN = 21 /* idle, leased and dialling together: never above the pool size */
} postel_statistic;

/*
 * A snapshot of all of them, taken at one moment; to be freed with postel_statistics_free(). Never blocks on
 * I/O. POSTEL_OK; POSTEL_MEMORY: *statistics is not written.
 */
POSTEL_API postel_status postel_pool_statistics(
        postel_pool *pool, postel_statistics **statistics, postel_error *error);
POSTEL_API unsigned long long postel_statistics_get(
        const postel_statistics *statistics, postel_statistic which);
POSTEL_API void postel_statistics_free(postel_statistics **statistics);

/* "sessions_opened" …; NULL for a number that is none, so that a loop over all ends by itself. */
POSTEL_API const char *postel_statistic_name(postel_statistic which);

#ifdef __cplusplus
}
#endif

#endif
