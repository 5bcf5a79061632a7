/* SPDX-License-Identifier: MIT */
/* Public sends on a connection: arguments in, the gate, the session, results out. */

#include "connection.h"

#include "base/status.h"
#include "envelope.h"
#include "hooks.h"
#include "message.h"
#include "pool.h"
#include "result.h"

static void init(struct sending *sending)
{
        outcome_init(&sending->delivery.log);
        delivery_init(&sending->delivery, &sending->envelope, &sending->content);
}

postel_status sending_from_arguments(struct sending *sending, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, postel_segment *segment, postel_error *error)
{
        if (!body && body_size)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE, "body: is missing");
        *segment = (postel_segment){ body, body_size };
        sending->envelope = (struct envelope){ .from = from, .to = to, .to_count = to_count };
        sending->content =
                (struct source){ .kind = SOURCE_SEGMENTS, .segments = segment, .segment_count = 1 };
        init(sending);
        return envelope_check(&sending->envelope, error);
}

postel_status sending_from_objects(struct sending *sending, const postel_envelope *envelope,
        const postel_message *message, postel_error *error)
{
        postel_status status = envelope_view(envelope, &sending->envelope, error);

        if (status == POSTEL_OK)
                status = message_source(message, &sending->content, error);
        init(sending);
        return status;
}

postel_status sending_check(
        const struct endpoint *endpoint, const struct sending *sending, postel_error *error)
{
        const struct envelope *envelope = &sending->envelope;
        postel_status status = policy_check(&endpoint->options, envelope->from, envelope->to,
                envelope->to_count, policy_octets(&sending->content), error);

        return status == POSTEL_OK ? source_check(&sending->content, error) : status;
}

postel_status sending_begin(const struct endpoint *endpoint, const struct sending *sending, int timeout_ms,
        struct deadline *deadline, postel_result **result, postel_error *error)
{
        postel_status status = endpoint_deadline(endpoint, timeout_ms, deadline, error);

        if (status != POSTEL_OK)
                return status;
        status = sending_check(endpoint, sending, error);
        if (status != POSTEL_OK && result)
                *result = result_new_unsent(&sending->envelope, error);
        return status;
}

postel_status sending_take_log(struct sending *sending, struct session *session, postel_error *error)
{
        struct outcome_log *log = &sending->delivery.log;

        if (log->count)
                return POSTEL_OK;
        /* A session that is used again has the memory still. */
        *log = session->log;
        outcome_init(&session->log);
        return outcome_begin(log, sending->envelope.to_count, error);
}

void sending_end(
        struct sending *sending, struct session *session, postel_status status, postel_result **result)
{
        if (result && sending->delivery.log.count)
                *result = result_new(&sending->delivery, status);
        delivery_close(&sending->delivery);
        if (session) {
                outcome_deinit(&session->log);
                session->log = sending->delivery.log;
        } else {
                outcome_deinit(&sending->delivery.log);
        }
}

postel_status connection_send(
        postel_connection *connection, struct sending *sending, struct deadline deadline, postel_error *error)
{
        postel_status status = sending_take_log(sending, &connection->session, error);

        if (status != POSTEL_OK)
                return status;
        sending->delivery.attempts++;
        return session_send(&connection->session, &sending->delivery, deadline, error);
}

static postel_status send_checked(postel_connection *connection, struct sending *sending, int timeout_ms,
        postel_result **result, postel_error *error)
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
        status = connection_send(connection, sending, deadline, error);
        if (connection->pool)
                pool_count_send(connection->pool, connection, &sending->delivery.log);
        sending_end(sending, &connection->session, status, result);
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
