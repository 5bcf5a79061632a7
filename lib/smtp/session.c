/* SPDX-License-Identifier: MIT */
/*
 * A session that is open: what its parts share, what is told about it, its end. Knows no threads but for the
 * atomics that others look at.
 */

#include "smtp/session.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/command.h"

#include <string.h>

postel_status session_init(struct session *session, const struct session_options *options,
        const struct tls_trust *trust, unsigned long long number, postel_error *error)
{
        memset(session, 0, sizeof(*session));
        session->options = options;
        session->trust = trust;
        ehlo_init(&session->ehlo);
        outcome_init(&session->log);
        postel_status status = channel_init(&session->channel, error);
        session->channel.phase_timeout_ms = options->phase_timeout_ms;
        session->channel.trace = options->trace;
        session->channel.trace_data = options->trace_data;
        session->channel.number = number;
        session->channel.secrets[0] = options->credentials.password;
        return status;
}

/* A session that was thrown away, rather than ended by anything, has no fault. */
static void tell_end(struct session *session)
{
        const struct channel *channel = &session->channel;
        postel_status status = channel->dead ? channel->fault.status : POSTEL_CLOSED;

        if (!session->begun || session->ended)
                return;
        session->ended = true;
        if (status == POSTEL_CLOSED && session->said_goodbye)
                status = POSTEL_OK;
        session_audit(session, POSTEL_AUDIT_END, postel_status_name(status), (long long)session->messages);
}

void session_deinit(struct session *session)
{
        tell_end(session);
        channel_deinit(&session->channel);
        secret_free(&session->password_base64);
        secret_free(&session->auth_response);
        ehlo_deinit(&session->ehlo);
        outcome_deinit(&session->log);
}

void session_audit(struct session *session, postel_audit_event event, const char *detail, long long number)
{
        const struct session_options *options = session->options;

        if (options->audit)
                options->audit(options->audit_data, session->channel.number, event, detail, number);
}

void session_audit_reply(struct session *session, postel_audit_event event, const char *detail,
        postel_status status, const struct reply *reply, const postel_error *error)
{
        if (status == POSTEL_OK)
                session_audit(session, event, detail, reply->code);
        else if (error->code)
                session_audit(session, event, detail, error->code);
}

void session_let_go(struct session *session)
{
        if (session->channel.shutting_down)
                atomic_store(&session->shutting_down, true);
        if (!session->channel.dead)
                return;
        atomic_store(&session->state, POSTEL_STATE_CLOSED);
        stream_drop(&session->channel.stream);
}

void session_settle(struct session *session)
{
        session_let_go(session);
        if (session->channel.dead)
                tell_end(session);
}

void session_enter(struct session *session, postel_state state)
{
        atomic_store(&session->state, state);
}

bool session_is_ready(const struct session *session)
{
        return atomic_load(&session->state) == POSTEL_STATE_READY;
}

postel_status session_check(struct session *session, postel_error *error)
{
        if (session_is_ready(session) && stream_is_interrupted(&session->channel.stream)) {
                error_set(error, POSTEL_INTERRUPTED, POSTEL_PHASE_NONE, "interrupted");
                channel_poison(&session->channel, error);
                session_let_go(session);
                return POSTEL_INTERRUPTED;
        }
        if (session_is_ready(session))
                return POSTEL_OK;
        if (!session->channel.dead)
                return error_set(error, POSTEL_CLOSED, POSTEL_PHASE_NONE, "the connection is not open");
        const postel_error *fault = &session->channel.fault;
        error_set(error, POSTEL_CLOSED, fault->phase, "the connection is closed since: %s", fault->message);
        error->code = fault->code;
        return POSTEL_CLOSED;
}

postel_status session_refused(struct session *session, const struct reply *reply, postel_phase phase,
        const char *what, postel_error *error)
{
        postel_status status = reply->code >= 500 ? POSTEL_REJECTED : POSTEL_DEFERRED;

        if (reply->code < 400)
                status = POSTEL_PROTOCOL;
        error_set(error, status, phase, "%s: %d %s", what, reply->code, reply_words(reply));
        error->code = reply->code;
        if (status == POSTEL_PROTOCOL) {
                channel_poison(&session->channel, error);
                session_let_go(session);
        }
        return status;
}

postel_status session_ask(struct session *session, postel_phase phase, size_t from, const char *shown,
        struct deadline deadline, struct reply *reply, postel_error *error)
{
        struct channel *channel = &session->channel;

        channel_queue_command(channel, from, shown);
        postel_status status = exchange_ask(channel, phase, deadline, reply, error);
        session_let_go(session);
        return status;
}

postel_status session_ask_verb(struct session *session, postel_phase phase, const char *verb,
        struct deadline deadline, struct reply *reply, postel_error *error)
{
        size_t from = channel_scratch(&session->channel)->size;
        postel_status status = command_verb(channel_scratch(&session->channel), verb, error);

        if (status != POSTEL_OK)
                return status;
        return session_ask(session, phase, from, NULL, deadline, reply, error);
}

bool session_is_fresh(struct session *session)
{
        bool fresh = session_is_ready(session) && !stream_is_interrupted(&session->channel.stream) &&
                     channel_is_silent(&session->channel);

        session_settle(session);
        return fresh;
}

/* ---- Ending ---- */

void session_begin_quit(struct session *session)
{
        struct channel *channel = &session->channel;
        size_t from = channel_scratch(channel)->size;
        postel_error error;

        if (channel->dead || !stream_is_open(&channel->stream) || !output_is_empty(&channel->output) ||
                command_verb(channel_scratch(channel), "QUIT", &error) != POSTEL_OK)
                return;
        channel_queue_command(channel, from, NULL);
        channel_flush(channel);
        session->said_goodbye = !channel->dead && output_is_empty(&channel->output);
}

void session_finish_quit(struct session *session, struct deadline deadline)
{
        struct channel *channel = &session->channel;
        struct reply reply;
        postel_error error;

        if (!channel->dead && stream_is_open(&channel->stream)) {
                postel_status status = exchange_ask(channel, POSTEL_PHASE_QUIT, deadline, &reply, &error);
                session_audit_reply(session, POSTEL_AUDIT_QUIT, "", status, &reply, &error);
        }
        if (!channel->dead)
                stream_close(&channel->stream);
        error_set(&error, POSTEL_CLOSED, POSTEL_PHASE_QUIT, "it was closed");
        channel_poison(channel, &error);
        session_settle(session);
}
