/* SPDX-License-Identifier: MIT */
/* Sending on a session that is ready. */

#include "smtp/session.h"

#include "base/status.h"
#include "smtp/transaction.h"

#include <string.h>

/* What the message needs and the server does not offer, as an error; POSTEL_OK when all is offered. */
static postel_status check_offer(const struct session *session, const struct envelope *envelope,
        const struct content_facts *facts, postel_error *error)
{
        const struct ehlo *ehlo = &session->ehlo;
        bool needs_eight_bit =
                envelope->body == POSTEL_BODY_8BITMIME || (facts->looked_at && facts->eight_bit);

        postel_status status =
                envelope_check_offer(envelope, ehlo, session->channel.stream.tls != NULL, error);

        if (status != POSTEL_OK)
                return status;
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
