/* SPDX-License-Identifier: MIT */
/* The TLS handshake of a connection, and the faults in it. */
#include "connection.h"

#include "server.h"

/* Whatever a fault says here goes out in the clear, in place of the server's first flight, and ends the
 * connection. */
static bool begin(struct connection *connection)
{
        struct session *session = &connection->session;

        if (session_fault(session, FAULT_AT_HANDSHAKE) != NULL) {
                if (session->action == ACTION_NONE)
                        session->action = ACTION_FIN;
                connection_release(connection, false);
                connection->phase = PHASE_OPEN;
                return true;
        }
        connection->transport.drip = session->dripping;
        session->dripping = false;
        connection->phase = PHASE_HANDSHAKE;
        return transport_start_tls(&connection->transport, connection->loop->server->tls);
}

bool connection_step_handshake(struct connection *connection)
{
        struct transport *transport = &connection->transport;
        struct session *session = &connection->session;
        int done;

        if (connection->phase == PHASE_AWAIT_HELLO) {
                if (!begin(connection))
                        return false;
                if (connection->phase == PHASE_OPEN)
                        return true;
        }
        if (transport->drip && connection->loop->now_ns >= connection->drip_ns) {
                transport->drip_now = true;
                connection->drip_ns = connection->loop->now_ns + FAULT_DRIP_NS;
        }
        done = transport_handshake(transport);
        if (done == TRANSPORT_AGAIN)
                return true;
        if (done == TRANSPORT_FAILED)
                return false;
        transport->drip = false;
        stats_add(&session->server->stats.tls_handshakes, 1);
        session_secured(session);
        if (connection->endpoint->implicit_tls)
                session_greet(session, connection->admitted);
        connection_release(connection, false);
        connection->phase = PHASE_OPEN;
        return true;
}
