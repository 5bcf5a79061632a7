/* SPDX-License-Identifier: MIT */
/* What becomes of a message at its end: one reply in SMTP, in LMTP one for each recipient in the order of
 * RCPT (RFC 2033 section 4.2). */
#include "verdict.h"

#include "ledger.h"
#include "server.h"
#include "session.h"

#include <inttypes.h>
#include <stdlib.h>

/* All verdicts are known before the first is said, since what was accepted is recorded before that. */
struct verdict {
        const struct fault *fault; /* comes in the place of the reply */
        const char *reply; /* NULL: accepted, and no reply was configured */
        unsigned style;
};

static size_t reply_count(const struct session *session)
{
        return session->lmtp ? session->transaction.envelope.to_count : 1;
}

/* Makes the message durable as far as it was asked for, and counts it. */
static bool accept_message(struct session *session, const char *body, uint64_t *number)
{
        struct content *content = &session->transaction.content;
        struct server *server = session->server;
        unsigned char digest[SHA256_OCTETS];
        struct ledger_entry entry = { .session = session, .digest = digest, .body = body };

        if (!content_finish(content, digest))
                return false;
        *number = entry.number = atomic_fetch_add(&server->last_message, 1) + 1;
        if (!content_keep(content, server->settings.store_directory, *number))
                return false;
        if (server->ledger >= 0 && !ledger_write(server->ledger, &entry))
                return false;
        stats_add(&server->stats.messages, 1);
        stats_add(&server->stats.bare_newlines, content->bare);
        session->messages++;
        return true;
}

/* A fault that concerns the whole message: a reply of its goes to each recipient, but only one that closes.
 */
static bool fault_for_all(struct session *session, enum fault_place place)
{
        const struct fault *fault = session_fault(session, place);

        if (fault == NULL)
                return false;
        if (fault->kind == FAULT_REPLY)
                for (size_t i = 1; i < reply_count(session) && session->action == ACTION_NONE; i++)
                        session_fault_happen(session, fault);
        return true;
}

/* `recipient` is NULL where the verdict is one for all of them. */
static struct verdict judge(const struct session *session, const char *recipient)
{
        const struct transaction *transaction = &session->transaction;
        const struct settings *settings = &session->server->settings;
        const char *sender = envelope_text(&transaction->envelope, transaction->envelope.from.address);
        const char *configured = NULL;

        if (settings->max_size > 0 && transaction->content.size > (uint64_t)settings->max_size)
                return (struct verdict){ .reply = "552 5.3.4 Message too big", .style = REPLY_PADDED };
        if (recipient != NULL)
                configured = rules_match(&settings->final_rcpt, recipient);
        if (configured == NULL)
                configured = rules_match(&settings->final, sender);
        return (struct verdict){
                .reply = configured,
                .style = REPLY_PADDED | (configured != NULL ? REPLY_CONFIGURED : REPLY_OWN),
        };
}

static bool accepts(const struct verdict *verdict)
{
        const struct fault *fault = verdict->fault;

        if (fault != NULL && fault->kind != FAULT_DRIP)
                return fault->kind == FAULT_REPLY && fault->reply[0] == '2';
        return verdict->reply == NULL || verdict->reply[0] == '2';
}

/* Fills in the verdicts and marks the recipients that are refused by them, or that no reply will reach.
 * Returns whether any is left. */
static bool judge_each(struct session *session, struct verdict *verdicts)
{
        struct envelope *envelope = &session->transaction.envelope;
        bool ended = false, any = false;

        for (size_t i = 0; i < envelope->to_count; i++) {
                verdicts[i] = judge(session, envelope_text(envelope, envelope->to[i].address));
                if (!ended)
                        verdicts[i].fault = session_fault_due(session, FAULT_AT_FINAL_RCPT);
                envelope->to[i].refused = ended || !accepts(&verdicts[i]);
                any = any || !envelope->to[i].refused;
                ended = ended || (verdicts[i].fault != NULL && fault_ends(verdicts[i].fault));
        }
        return any;
}

static void say(struct session *session, const struct verdict *verdict, uint64_t number)
{
        char queued[64];

        if (session_fault_happen(session, verdict->fault) != NULL)
                return;
        snprintf(queued, sizeof queued, "250 2.0.0 OK queued as %08" PRIX64, number);
        session_reply(session, verdict->reply != NULL ? verdict->reply : queued, verdict->style);
}

static void give(struct session *session, struct verdict *verdicts, const char *body)
{
        bool drip = session->dripping, any;
        uint64_t number = 0;

        if (session->lmtp) {
                any = judge_each(session, verdicts);
        } else {
                verdicts[0] = judge(session, NULL);
                any = accepts(&verdicts[0]);
        }
        if (any && !accept_message(session, body, &number)) {
                verdict_refuse(session, "451 4.3.0 Cannot record the message");
                return;
        }
        if (any && fault_for_all(session, FAULT_AT_ACCEPTED))
                return;
        drip = drip || session->dripping;
        for (size_t i = 0; i < reply_count(session) && session->action == ACTION_NONE; i++) {
                session->dripping = drip;
                say(session, &verdicts[i], number);
        }
}

void verdict_give(struct session *session, const char *body)
{
        struct verdict *verdicts;

        if (fault_for_all(session, FAULT_AT_FINAL))
                return;
        verdicts = memory_zeroed(reply_count(session) * sizeof *verdicts);
        give(session, verdicts, body);
        free(verdicts);
}

void verdict_refuse(struct session *session, const char *reply)
{
        for (size_t i = 0; i < reply_count(session); i++)
                session_reply(session, reply, REPLY_PADDED);
}
