/* SPDX-License-Identifier: MIT */
#ifndef SINK_CONNECTION_H
#define SINK_CONNECTION_H

#include "listener.h"
#include "loop.h"
#include "session.h"
#include "transport.h"

enum connection_phase {
        PHASE_AWAIT_HELLO, /* the client's first octets of TLS have not come */
        PHASE_HANDSHAKE,
        PHASE_OPEN,
        PHASE_STALLED,
        PHASE_LINGER, /* our side is closed; reading on, since closing with octets unread would reset */
};

/* A session on its transport, in the loop that owns it. */
struct connection {
        const struct endpoint *endpoint;
        struct loop *loop;
        struct connection *previous;
        struct connection *next;
        struct watch watch;
        struct timer timer;
        struct transport transport;
        struct session session;
        enum connection_phase phase;
        struct buffer held; /* input that waits until the client has read its replies */
        bool held_drained; /* there was nothing behind it */
        bool hungry; /* stopped for fairness, to go on at once */
        bool admitted; /* counted as open */
        int64_t active_ns; /* the last time that something was read or written */
        int64_t drip_ns; /* next octet of a dripped handshake */
        int64_t linger_ns;
};

/* Takes the descriptor over. */
void connection_start(struct loop *loop, int fd, const struct endpoint *endpoint);

/* Frees all connections of the loop. */
void connection_end_all(struct loop *loop);

/* Between connection.c and handshake.c. */

/* Lets the replies written so far go out. */
void connection_release(struct connection *connection, bool round_trip);

/* False when the connection is to be freed. */
bool connection_step_handshake(struct connection *connection);

#endif
