/* SPDX-License-Identifier: MIT */
/*
 * A session that is open: sending on it, its simple commands, its end. Knows no threads but for the atomics
 * that others look at.
 */

#include "smtp/session.h"

#include "base/secret.h"
#include "base/status.h"
#include "smtp/transaction.h"
#include "wire/command.h"

#include <stdio.h>
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

void session_deinit(struct session *session)
{
        channel_deinit(&session->channel);
        secret_free(&session->password_base64);
        secret_free(&session->auth_response);
        ehlo_deinit(&session->ehlo);
        outcome_deinit(&session->log);
}

void session_settle(struct session *session)
{
        if (session->channel.shutting_down)
                atomic_store(&session->shutting_down, true);
        if (!session->channel.dead)
                return;
        atomic_store(&session->state, POSTEL_STATE_CLOSED);
        stream_drop(&session->channel.stream);
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
                session_settle(session);
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
                session_settle(session);
        }
        return status;
}

postel_status session_ask(struct session *session, postel_phase phase, size_t from, const char *shown,
        struct deadline deadline, struct reply *reply, postel_error *error)
{
        struct channel *channel = &session->channel;

        channel_queue_command(channel, from, shown);
        postel_status status = exchange_ask(channel, phase, deadline, reply, error);
        session_settle(session);
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

/* ---- Sending ---- */

/* What the message needs and the server does not offer, as an error; POSTEL_OK when all is offered. */
static postel_status check_offer(const struct session *session, const struct envelope *envelope,
        const struct content_facts *facts, postel_error *error)
{
        const struct ehlo *ehlo = &session->ehlo;
        bool needs_eight_bit =
                envelope->body == POSTEL_BODY_8BITMIME || (facts->looked_at && facts->eight_bit);

        if (envelope_needs_dsn(envelope) && !ehlo_has(ehlo, EXTENSION_DSN))
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "ret, envid, notify or orcpt: the server does not offer DSN");
        if (needs_eight_bit && !ehlo_has(ehlo, EXTENSION_8BITMIME))
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "message: has 8-bit octets, and the server does not offer 8BITMIME");
        if (facts->size_known && ehlo->max_size && facts->size > ehlo->max_size)
                return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_MAIL,
                        "message: its %llu octets are more than the %llu that the server takes (SIZE)",
                        (unsigned long long)facts->size, (unsigned long long)ehlo->max_size);
        return POSTEL_OK;
}

static const char *body_parameter(
        const struct session *session, const struct envelope *envelope, const struct content_facts *facts)
{
        if (!ehlo_has(&session->ehlo, EXTENSION_8BITMIME))
                return NULL;
        if (envelope->body == POSTEL_BODY_7BIT)
                return "7BIT";
        if (envelope->body == POSTEL_BODY_8BITMIME || !facts->looked_at || facts->eight_bit)
                return "8BITMIME";
        return NULL;
}

static postel_status check_content(struct session *session, const struct envelope *envelope,
        struct source_reader *content, struct content_facts *facts, struct deadline deadline,
        postel_error *error)
{
        postel_status status = source_inspect(content, &session->channel.stream, deadline, facts, error);

        if (status != POSTEL_OK)
                return status;
        if (envelope->body == POSTEL_BODY_7BIT && facts->eight_bit)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_NONE,
                        "body: is declared as 7BIT, and the message has 8-bit octets");
        status = check_offer(session, envelope, facts, error);
        if (status == POSTEL_OK || !atomic_load(&session->authenticated) || session->asked_again)
                return status;
        /* Some servers offer more, or less, to whom they know: before refusing, the offer is asked for once
         * more. Who will not say it again has said it. */
        session->asked_again = true;
        postel_error refusal;
        postel_status asked = session_ehlo(session, deadline, &refusal);
        if (asked == POSTEL_OK)
                return check_offer(session, envelope, facts, error);
        return session->channel.dead ? error_copy(error, &refusal) : status;
}

static postel_status run(struct session *session, const struct envelope *envelope,
        struct source_reader *content, const struct content_facts *facts, struct deadline deadline,
        postel_error *error)
{
        const char *body = body_parameter(session, envelope, facts);
        struct transaction_plan plan = {
                .envelope = envelope,
                .mail = {
                        .has_size = facts->size_known && ehlo_has(&session->ehlo, EXTENSION_SIZE),
                        .size = facts->size,
                        .body = body,
                        .ret = envelope->ret,
                        .envid = envelope->envid,
                },
                .content = content,
                .reset_first = session->wants_reset,
                .pipelining = session->options->pipelining == POSTEL_PIPELINING_AUTO &&
                              ehlo_has(&session->ehlo, EXTENSION_PIPELINING),
                .eight_bit_allowed = body && strcmp(body, "8BITMIME") == 0,
        };
        bool clean = false;
        unsigned long long round_trips = session->channel.round_trips;

        session_enter(session, POSTEL_STATE_SENDING);
        session->messages++;
        postel_status status =
                transaction_run(&session->channel, &plan, &session->log, deadline, &clean, error);
        session->wants_reset = !clean;
        session->message_round_trips += session->channel.round_trips - round_trips;
        session_enter(session, POSTEL_STATE_READY);
        return status;
}

static postel_status check_and_run(struct session *session, const struct envelope *envelope,
        struct source_reader *reader, struct deadline deadline, postel_error *error)
{
        struct content_facts facts;
        postel_status status = check_content(session, envelope, reader, &facts, deadline, error);

        return status == POSTEL_OK ? run(session, envelope, reader, &facts, deadline, error) : status;
}

postel_status session_send(struct session *session, const struct envelope *envelope,
        const struct source *content, struct deadline deadline, postel_error *error)
{
        struct source_reader reader;
        unsigned long long replies = session->channel.replies;

        session->content_begun = false;
        postel_status status = session_check(session, error);
        if (status == POSTEL_OK) {
                status = source_open(&reader, content, error);
                if (status == POSTEL_OK)
                        status = check_and_run(session, envelope, &reader, deadline, error);
                session->content_begun = reader.begun;
                source_close(&reader);
        }
        if (status != POSTEL_OK)
                outcome_lost(&session->log, error);
        session->lost_unheard = session->channel.dead && session->channel.replies == replies &&
                                (status == POSTEL_IO || status == POSTEL_TLS || status == POSTEL_DEFERRED);
        session_settle(session);
        return outcome_status(&session->log, error);
}

/* ---- Other commands ---- */

static postel_status simple(struct session *session, postel_phase phase, const char *verb,
        struct deadline deadline, postel_error *error)
{
        struct reply reply;
        char what[32];
        postel_status status = session_check(session, error);

        if (status == POSTEL_OK)
                status = session_ask_verb(session, phase, verb, deadline, &reply, error);
        if (status != POSTEL_OK || reply.code < 300)
                return status;
        snprintf(what, sizeof(what), "%s was refused", verb);
        return session_refused(session, &reply, phase, what, error);
}

postel_status session_reset(struct session *session, struct deadline deadline, postel_error *error)
{
        postel_status status = simple(session, POSTEL_PHASE_RSET, "RSET", deadline, error);

        if (status == POSTEL_OK)
                session->wants_reset = false;
        return status;
}

postel_status session_noop(struct session *session, struct deadline deadline, postel_error *error)
{
        return simple(session, POSTEL_PHASE_NOOP, "NOOP", deadline, error);
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

        if (channel->dead || channel->stream.fd < 0 || !output_is_empty(&channel->output) ||
                command_verb(channel_scratch(channel), "QUIT", &error) != POSTEL_OK)
                return;
        channel_queue_command(channel, from, NULL);
        channel_flush(channel);
}

void session_finish_quit(struct session *session, struct deadline deadline)
{
        struct channel *channel = &session->channel;
        struct reply reply;
        postel_error error;

        if (!channel->dead && channel->stream.fd >= 0)
                exchange_ask(channel, POSTEL_PHASE_QUIT, deadline, &reply, &error);
        if (!channel->dead)
                stream_close(&channel->stream);
        error_set(&error, POSTEL_CLOSED, POSTEL_PHASE_QUIT, "it was closed");
        channel_poison(channel, &error);
        session_settle(session);
}
