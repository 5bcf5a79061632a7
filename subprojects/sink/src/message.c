/* SPDX-License-Identifier: MIT */
/* How content comes: by DATA (RFC 5321 section 4.1.1.4) or BDAT (RFC 3030). What becomes of it is in
 * verdict.c.
 */
#include "message.h"

#include "extensions.h"
#include "server.h"
#include "session.h"
#include "verdict.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void begin_content(struct session *session)
{
        const struct server *server = session->server;

        content_begin(&session->transaction.content, server->ledger >= 0, server->settings.store_directory,
                session->id);
}

/* RFC 2033 section 4.2 leaves LMTP no choice of the code. */
static const char *no_recipients(const struct session *session)
{
        return session->lmtp ? "503 5.5.1 No valid recipients" : "554 5.5.1 No valid recipients";
}

void message_data(struct session *session, char *arguments)
{
        const char *configured = session->server->settings.data_reply;
        struct transaction *transaction = &session->transaction;

        (void)arguments;
        if (!transaction->open || transaction->chunked) {
                session_reply(session, "503 5.5.1 MAIL and RCPT first, and no DATA behind BDAT", REPLY_OWN);
        } else if (transaction->binary) {
                session_reply(session, "503 5.5.1 BINARYMIME is for BDAT", REPLY_OWN);
        } else if (transaction->envelope.to_count == 0) {
                session_reply(session, no_recipients(session), REPLY_OWN);
        } else if (configured != NULL && configured[0] != '3') {
                session_reply(session, configured, REPLY_CONFIGURED);
        } else {
                session_reply(session, configured != NULL ? configured : "354 End with <CRLF>.<CRLF>",
                        REPLY_CONFIGURED);
                begin_content(session);
                session->mode = INPUT_DATA;
        }
}

static bool parse_chunk(const char *arguments, uint64_t *octets, bool *last)
{
        size_t digits = strspn(arguments, "0123456789");

        *octets = 0;
        if (digits == 0 || digits > 18)
                return false;
        for (size_t i = 0; i < digits; i++)
                *octets = *octets * 10 + (uint64_t)(arguments[i] - '0');
        *last = strcasecmp(arguments + digits, " LAST") == 0;
        return *last || arguments[digits] == '\0';
}

static const char *chunk_objection(const struct session *session)
{
        const struct transaction *transaction = &session->transaction;

        if (session->server->settings.require_tls && !session->secure)
                return "530 5.7.0 Must issue a STARTTLS command first";
        if (!transaction->open)
                return "503 5.5.1 MAIL and RCPT first";
        if (transaction->envelope.to_count == 0)
                return no_recipients(session);
        if (transaction->chunk_refused)
                return "503 5.5.1 A chunk was refused before";
        return NULL;
}

static void end_chunk(struct session *session);

void message_bdat(struct session *session, char *arguments)
{
        struct transaction *transaction = &session->transaction;
        uint64_t octets;
        bool last, refused;

        if (!extension_active(session, EXTENSION_CHUNKING)) {
                session_reply(session, "500 5.5.2 Command not known", REPLY_OWN);
                return;
        }
        if (!parse_chunk(arguments, &octets, &last)) {
                session_reply(session, "501 5.5.4 Syntax: BDAT octets [LAST]", REPLY_OWN);
                return;
        }
        transaction->chunk_left = octets;
        transaction->chunk_last = last;
        transaction->chunk_silent = session_fault(session, FAULT_AT_BDAT) != NULL;
        transaction->chunk_reply = chunk_objection(session);
        refused = transaction->chunk_silent || transaction->chunk_reply != NULL;
        if (!refused && !transaction->chunked) {
                begin_content(session);
                transaction->chunked = true;
        }
        session->mode = INPUT_CHUNK;
        if (refused && session->server->settings.bdat_keeps_refused_chunk)
                transaction->chunk_left = 0;
        if (transaction->chunk_left == 0 && session->action == ACTION_NONE)
                end_chunk(session);
}

/* The fault inside the body, at its first octets. Whatever it is, the rest still has to be read as content.
 */
static void check_body_fault(struct session *session)
{
        struct transaction *transaction = &session->transaction;
        const struct fault *fault;

        if (transaction->body_begun)
                return;
        transaction->body_begun = true;
        fault = session_fault(session, FAULT_AT_BODY);
        session->spoke_early = fault != NULL;
        if (fault != NULL && fault->kind == FAULT_REPLY) {
                transaction->answered = true;
                content_abandon(&transaction->content);
        }
}

static void end_message(struct session *session, const char *body)
{
        session->mode = INPUT_COMMAND;
        if (!session->transaction.answered)
                verdict_give(session, body);
        transaction_reset(&session->transaction);
}

size_t message_feed_data(struct session *session, const char *bytes, size_t count)
{
        struct transaction *transaction = &session->transaction;
        bool ended;
        size_t used;

        check_body_fault(session);
        used = dots_feed(&transaction->dots, bytes, count, &transaction->content, &ended);
        if (ended && session->action == ACTION_NONE)
                end_message(session, "DATA");
        return used;
}

static void end_chunk(struct session *session)
{
        struct transaction *transaction = &session->transaction;
        int64_t most = session->server->settings.max_size;
        char reply[64];

        session->mode = INPUT_COMMAND;
        if (transaction->chunk_silent || transaction->answered) {
                transaction->chunk_refused = transaction->open;
                transaction->answered = false;
        } else if (transaction->chunk_reply != NULL) {
                /* RFC 2033 section 4.3: LAST is answered for each recipient, whatever the answer is. */
                if (transaction->chunk_last && transaction->envelope.to_count > 0)
                        verdict_refuse(session, transaction->chunk_reply);
                else
                        session_reply(session, transaction->chunk_reply, REPLY_OWN);
                transaction->chunk_refused = transaction->open;
        } else if (transaction->chunk_last) {
                end_message(session, "BDAT");
        } else if (most > 0 && transaction->content.size > (uint64_t)most) {
                session_reply(session, "552 5.3.4 Message too big", REPLY_OWN);
                transaction->chunk_refused = true;
        } else {
                snprintf(reply, sizeof reply, "250 2.0.0 %" PRIu64 " octets", transaction->content.size);
                session_reply(session, reply, REPLY_OWN);
        }
}

size_t message_feed_chunk(struct session *session, const char *bytes, size_t count)
{
        struct transaction *transaction = &session->transaction;
        size_t used = count < transaction->chunk_left ? count : (size_t)transaction->chunk_left;

        if (!transaction->chunk_silent && transaction->chunk_reply == NULL) {
                check_body_fault(session);
                content_write(&transaction->content, bytes, used);
        }
        transaction->chunk_left -= used;
        if (transaction->chunk_left == 0 && session->action == ACTION_NONE)
                end_chunk(session);
        return used;
}
