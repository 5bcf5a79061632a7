/* SPDX-License-Identifier: MIT */
#ifndef LIB_CONNECTION_H
#define LIB_CONNECTION_H

/* A session behind its gate, and what the pool keeps about it. */

#include "base/lock.h"
#include "config.h"
#include "smtp/delivery.h"
#include "smtp/session.h"

#include <postel/connection.h>
#include <postel/pool.h>

struct postel_connection {
        struct gate gate;
        struct session session; /* guarded by gate, but for its atomics and interrupts */
        const struct endpoint *endpoint; /* `own`, or that of the pool */
        struct endpoint own;

        /* All of this is the pool's, guarded by its lock. NULL: a connection on its own. */
        postel_pool *pool;
        bool leased;
        struct postel_connection *next, *previous; /* in the pool's list of idle or of leased ones */
        int64_t idle_since_ns; /* when it was last given back after a message */
        int64_t spoken_at_ns; /* when something was last said on it */
        int64_t retire_at_ns; /* by its age */
};

/* A connection of a pool, which keeps the endpoint alive. POSTEL_MEMORY, POSTEL_IO: not written. */
postel_status connection_new_of(const struct endpoint *endpoint, unsigned long long number,
        postel_connection **connection, postel_error *error);

/* Frees what connection_new_of() made; the pool has let go of it. */
void connection_destroy(postel_connection *connection);

/* The errors of a call without a connection, and of one that waited for another call in vain. */
postel_status connection_is_missing(postel_error *error);
postel_status connection_is_busy(postel_error *error);

/* A call without arguments on the session, behind the gate. */
typedef postel_status (*session_call)(struct session *session, struct deadline deadline, postel_error *error);
postel_status connection_call(
        postel_connection *connection, session_call function, int timeout_ms, postel_error *error);

/* A reply that is the caller's. NULL: out of memory. */
postel_reply *reply_copy(const struct reply *reply);

/* A send of one message, already checked. */
struct sending {
        struct envelope envelope;
        struct source content;
        struct delivery delivery;
};

/* POSTEL_INVALID, POSTEL_MEMORY. The segment is where the body is noted; it must live as long as `sending`.
 */
postel_status sending_from_arguments(struct sending *sending, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, postel_segment *segment, postel_error *error);
postel_status sending_from_objects(struct sending *sending, const postel_envelope *envelope,
        const postel_message *message, postel_error *error);

/* Whether it may be sent at all, and its content be opened, before anybody waits for a session. */
postel_status sending_check(
        const struct endpoint *endpoint, const struct sending *sending, postel_error *error);

/* What every send does first: that, and the deadline of the call. */
postel_status sending_begin(const struct endpoint *endpoint, const struct sending *sending, int timeout_ms,
        struct deadline *deadline, postel_result **result, postel_error *error);

/* Begins the account, in memory of the session; one that has been begun goes on. POSTEL_MEMORY. */
postel_status sending_take_log(struct sending *sending, struct session *session, postel_error *error);

/* Closes the account, into *result unless `result` is NULL, and gives its memory to the session, or back. */
void sending_end(
        struct sending *sending, struct session *session, postel_status status, postel_result **result);

/* Sends; the caller holds the gate. */
postel_status connection_send(postel_connection *connection, struct sending *sending,
        struct deadline deadline, postel_error *error) REQUIRES(connection->gate);

#endif
