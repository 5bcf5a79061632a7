/* SPDX-License-Identifier: MIT */
/* Public commands of a connection that are no send: arguments in, the gate, the session, replies out. */

#include "connection.h"

#include "base/status.h"
#include "wire/address.h"

postel_status postel_connection_reset(postel_connection *connection, int timeout_ms, postel_error *error)
{
        return connection_call(connection, session_reset, timeout_ms, error);
}

postel_status postel_connection_noop(postel_connection *connection, int timeout_ms, postel_error *error)
{
        return connection_call(connection, session_noop, timeout_ms, error);
}

postel_status postel_connection_rehlo(postel_connection *connection, int timeout_ms, postel_error *error)
{
        return connection_call(connection, session_rehlo, timeout_ms, error);
}

/* What every call checks first. */
static postel_status begin(
        postel_connection *connection, int timeout_ms, struct deadline *deadline, postel_error *error)
{
        if (!connection)
                return connection_is_missing(error);
        return endpoint_deadline(connection->endpoint, timeout_ms, deadline, error);
}

postel_status postel_connection_set_ehlo_name(
        postel_connection *connection, const char *name, int timeout_ms, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;
        postel_status status = begin(connection, timeout_ms, &deadline, &fault);
        const char *rule = name ? ehlo_name_fault(name) : NULL;

        if (status == POSTEL_OK && rule)
                status = error_set(&fault, POSTEL_INVALID, POSTEL_PHASE_NONE, "EHLO name: %s", rule);
        if (status != POSTEL_OK)
                return error_report(error, status, &fault);
        if (!gate_enter(&connection->gate, deadline))
                return connection_is_busy(error);
        session_set_ehlo_name(&connection->session, name);
        gate_leave(&connection->gate);
        return POSTEL_OK;
}

/* ---- VRFY, EXPN, HELP ---- */

/* A refusal has a reply, too; a fault of the dialogue has none. */
static bool has_answer(postel_status status, const struct reply *reply)
{
        return reply->code && (status == POSTEL_OK || status == POSTEL_REJECTED || status == POSTEL_DEFERRED);
}

static postel_status query_in_time(postel_connection *connection, const struct query *query,
        struct deadline deadline, postel_reply **reply, postel_error *error)
{
        struct reply answer;

        if (!gate_enter(&connection->gate, deadline))
                return connection_is_busy(error);
        postel_status status = session_query(&connection->session, query, deadline, &answer, error);
        if (reply && has_answer(status, &answer)) {
                *reply = reply_copy(&answer);
                if (!*reply)
                        status = error_set(error, POSTEL_MEMORY, query->phase, "out of memory");
        }
        gate_leave(&connection->gate);
        return status;
}

static postel_status ask(postel_connection *connection, const struct query *query, int timeout_ms,
        postel_reply **reply, postel_error *error)
{
        postel_error fault;
        struct deadline deadline;

        if (reply)
                *reply = NULL;
        postel_status status = begin(connection, timeout_ms, &deadline, &fault);
        if (status == POSTEL_OK)
                status = query_in_time(connection, query, deadline, reply, &fault);
        return error_report(error, status, &fault);
}

postel_status postel_connection_vrfy(postel_connection *connection, const char *name, int timeout_ms,
        postel_reply **reply, postel_error *error)
{
        const struct query query = { POSTEL_PHASE_VRFY, "VRFY", name ? name : "" };

        return ask(connection, &query, timeout_ms, reply, error);
}

postel_status postel_connection_expn(postel_connection *connection, const char *list, int timeout_ms,
        postel_reply **reply, postel_error *error)
{
        const struct query query = { POSTEL_PHASE_EXPN, "EXPN", list ? list : "" };

        return ask(connection, &query, timeout_ms, reply, error);
}

postel_status postel_connection_help(postel_connection *connection, const char *topic, int timeout_ms,
        postel_reply **reply, postel_error *error)
{
        const struct query query = { POSTEL_PHASE_HELP, "HELP", topic };

        return ask(connection, &query, timeout_ms, reply, error);
}
