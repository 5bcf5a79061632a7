/* SPDX-License-Identifier: MIT */
/* Public connections: arguments in, the gate, the session, results out. */

#include "connection.h"

#include "base/status.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

postel_status connection_is_missing(postel_error *error)
{
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "connection: is missing");
}

postel_status connection_new_of(const struct endpoint *endpoint, unsigned long long number,
        postel_connection **connection, postel_error *error)
{
        postel_connection *made = calloc(1, sizeof(*made));

        if (!made)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        postel_status status =
                session_init(&made->session, &endpoint->options, endpoint->trust, number, error);
        if (status != POSTEL_OK) {
                session_deinit(&made->session);
                free(made);
                return status;
        }
        gate_init(&made->gate);
        made->endpoint = endpoint;
        *connection = made;
        return POSTEL_OK;
}

void connection_destroy(postel_connection *connection)
{
        session_deinit(&connection->session);
        gate_deinit(&connection->gate);
        free(connection);
}

postel_status postel_connection_new(
        const postel_config *config, postel_connection **connection, postel_error *error)
{
        postel_error fault;
        struct endpoint endpoint;
        postel_connection *made;

        if (!connection)
                return connection_is_missing(error);
        postel_status status = endpoint_init(&endpoint, config, &fault);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        status = connection_new_of(&endpoint, 0, &made, &fault);
        if (status != POSTEL_OK) {
                endpoint_deinit(&endpoint);
                return error_report(error, status, &fault);
        }
        /* From now on it lives where the connection does. */
        made->own = endpoint;
        made->endpoint = &made->own;
        made->session.options = &made->own.options;
        *connection = made;
        return POSTEL_OK;
}

void postel_connection_free(postel_connection **connection)
{
        if (!connection || !*connection)
                return;
        postel_connection *freed = *connection;
        *connection = NULL;
        if (freed->pool) {
                pool_throw_away(freed->pool, freed);
                return;
        }
        struct endpoint own = freed->own;
        connection_destroy(freed);
        endpoint_deinit(&own);
}

/* ---- Calls ---- */

postel_status connection_is_busy(postel_error *error)
{
        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_POOL,
                "another call used the connection until the time ran out");
}

postel_status connection_call(
        postel_connection *connection, session_call function, int timeout_ms, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;

        if (!connection)
                return connection_is_missing(error);
        postel_status status = endpoint_deadline(connection->endpoint, timeout_ms, &deadline, &fault);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        if (!gate_enter(&connection->gate, deadline))
                return connection_is_busy(error);
        status = function(&connection->session, deadline, &fault);
        gate_leave(&connection->gate);
        return error_report(error, status, &fault);
}

postel_status postel_connect(postel_connection *connection, int timeout_ms, postel_error *error)
{
        return connection_call(connection, session_open, timeout_ms, error);
}

static postel_status quit(struct session *session, struct deadline deadline, postel_error *error)
{
        (void)error;
        session_begin_quit(session);
        session_finish_quit(session, deadline);
        return POSTEL_OK;
}

postel_status postel_connection_close(postel_connection *connection, int timeout_ms, postel_error *error)
{
        return connection_call(connection, quit, timeout_ms, error);
}

void postel_connection_interrupt(postel_connection *connection)
{
        if (connection)
                stream_interrupt(&connection->session.channel.stream);
}

/* ---- Looking at it ---- */

const char *postel_state_name(postel_state state)
{
        static const char *const names[] = { "new", "connecting", "greeting", "ehlo", "starttls", "auth",
                "ready", "sending", "closed" };

        return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

postel_state postel_connection_state(const postel_connection *connection)
{
        return connection ? (postel_state)atomic_load(&connection->session.state) : POSTEL_STATE_CLOSED;
}

int postel_connection_is_authenticated(const postel_connection *connection)
{
        return connection && atomic_load(&connection->session.authenticated);
}

int postel_connection_is_secure(const postel_connection *connection)
{
        return connection && atomic_load(&connection->session.secure);
}

int postel_connection_is_shutting_down(const postel_connection *connection)
{
        return connection && atomic_load(&connection->session.shutting_down);
}

postel_protocol postel_connection_protocol(const postel_connection *connection)
{
        return connection ? connection->session.options->protocol : POSTEL_PROTOCOL_SMTP;
}

long long postel_connection_phase_us(const postel_connection *connection, postel_phase phase)
{
        return connection && (unsigned)phase <= POSTEL_PHASE_QUIT
                       ? atomic_load(&connection->session.phase_us[phase])
                       : 0;
}

/* ---- Its TLS session ---- */

#define DESCRIPTION (-1)

/* A detail, or the description of the whole. */
static size_t tell_tls(postel_connection *connection, int detail, char *text, size_t size)
{
        size_t length = 0;

        size = text ? size : 0;
        if (size)
                text[0] = '\0';
        if (!connection || !gate_enter(&connection->gate, deadline_after_ms(0)))
                return 0;
        const struct tls *tls = connection->session.channel.stream.tls;
        if (tls && detail == DESCRIPTION)
                length = tls_describe(tls, text, size);
        else if (tls)
                length = tls_detail(tls, (postel_tls_detail)detail, text, size);
        gate_leave(&connection->gate);
        return length;
}

size_t postel_connection_tls_description(postel_connection *connection, char *text, size_t size)
{
        return tell_tls(connection, DESCRIPTION, text, size);
}

size_t postel_connection_tls_detail(
        postel_connection *connection, postel_tls_detail detail, char *text, size_t size)
{
        return (int)detail < 0 ? tell_tls(NULL, 0, text, size)
                               : tell_tls(connection, (int)detail, text, size);
}
