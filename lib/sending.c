/* SPDX-License-Identifier: MIT */
/* Public sends on a connection: arguments in, the gate, the session, results out. */

#include "connection.h"

#include "base/status.h"
#include "envelope.h"
#include "hooks.h"
#include "message.h"
#include "pool.h"
#include "result.h"

postel_status sending_from_arguments(struct sending *sending, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, postel_segment *segment, postel_error *error)
{
        if (!body && body_size)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "body: is missing");
        *segment = (postel_segment){ body, body_size };
        *sending = (struct sending){
                .envelope = { .from = from, .to = to, .to_count = to_count },
                .content = { .kind = SOURCE_SEGMENTS, .segments = segment, .segment_count = 1 },
        };
        return envelope_check(&sending->envelope, error);
}

postel_status sending_from_objects(struct sending *sending, const postel_envelope *envelope,
        const postel_message *message, postel_error *error)
{
        postel_status status = envelope_view(envelope, &sending->envelope, error);

        return status == POSTEL_OK ? message_source(message, &sending->content, error) : status;
}

postel_status connection_send(postel_connection *connection, const struct sending *sending, int attempt,
        struct deadline deadline, postel_result **result, postel_error *error)
{
        struct session *session = &connection->session;
        postel_status status = outcome_begin(&session->log, sending->envelope.to_count, error);

        if (status != POSTEL_OK)
                return status;
        status = session_send(session, &sending->envelope, &sending->content, deadline, error);
        if (result)
                *result = result_new(&sending->envelope, &session->log, status, attempt);
        return status;
}

postel_status sending_begin(const struct endpoint *endpoint, const struct sending *sending, int timeout_ms,
        struct deadline *deadline, postel_result **result, postel_error *error)
{
        postel_status status = endpoint_deadline(endpoint, timeout_ms, deadline, error);

        if (status != POSTEL_OK)
                return status;
        status = policy_check(&endpoint->options, sending->envelope.from, sending->envelope.to,
                sending->envelope.to_count, policy_octets(&sending->content), error);
        if (status == POSTEL_OK)
                status = source_check(&sending->content, error);
        if (status != POSTEL_OK && result)
                *result = result_new_unsent(&sending->envelope, error);
        return status;
}

static postel_status send_checked(postel_connection *connection, const struct sending *sending,
        int timeout_ms, postel_result **result, postel_error *error)
{
        struct deadline deadline;
        postel_status status =
                sending_begin(connection->endpoint, sending, timeout_ms, &deadline, result, error);

        if (status != POSTEL_OK)
                return status;
        if (!gate_enter(&connection->gate, deadline)) {
                status = connection_is_busy(error);
                if (result)
                        *result = result_new_unsent(&sending->envelope, error);
                return status;
        }
        status = connection_send(connection, sending, 1, deadline, result, error);
        if (connection->pool)
                pool_count_send(connection->pool, connection);
        gate_leave(&connection->gate);
        return status;
}

postel_status postel_send(postel_connection *connection, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, int timeout_ms, postel_result **result,
        postel_error *error)
{
        postel_error fault;
        struct sending sending;
        postel_segment segment;

        if (result)
                *result = NULL;
        if (!connection)
                return connection_is_missing(error);
        postel_status status =
                sending_from_arguments(&sending, from, to, to_count, body, body_size, &segment, &fault);
        if (status == POSTEL_OK)
                status = send_checked(connection, &sending, timeout_ms, result, &fault);
        return error_report(error, status, &fault);
}

postel_status postel_send_with_params(postel_connection *connection, const postel_envelope *envelope,
        const postel_message *message, int timeout_ms, postel_result **result, postel_error *error)
{
        postel_error fault;
        struct sending sending;

        if (result)
                *result = NULL;
        if (!connection)
                return connection_is_missing(error);
        postel_status status = sending_from_objects(&sending, envelope, message, &fault);
        if (status == POSTEL_OK)
                status = send_checked(connection, &sending, timeout_ms, result, &fault);
        return error_report(error, status, &fault);
}
