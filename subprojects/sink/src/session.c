/* SPDX-License-Identifier: MIT */
/* A session from greeting to QUIT: where its input goes and how its replies are written (RFC 5321 sections
 * 3, 4.2). What the commands mean is in commands.c, transaction.c, message.c and auth.c. */
#include "session.h"

#include "commands.h"
#include "extensions.h"
#include "message.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>

#define OUT_MAX_OCTETS      65536 /* a client that does not read its replies is not listened to any further */
#define LINE_BREAK          "\\n" /* as it is typed in an option */
#define PAD_LINE_MAX_OCTETS 400 /* below the 512 of RFC 5321 section 4.5.3.1.5 */

void session_init(struct session *session, struct server *server, uint64_t id, bool lmtp)
{
        session->lmtp = lmtp;
        session->server = server;
        session->id = id;
}

void session_deinit(struct session *session)
{
        session_restart(session);
        free(session->user);
        auth_deinit(&session->auth);
        transaction_deinit(&session->transaction);
        outbox_deinit(&session->out);
}

void session_restart(struct session *session)
{
        transaction_reset(&session->transaction);
        free(session->helo);
        session->helo = NULL;
        session->esmtp = false;
}

/* Everything since the position `from` is one reply. */
static void end_reply(struct session *session, uint64_t from)
{
        if (session->dripping)
                outbox_drip(&session->out, from);
        session->dripping = false;
}

void session_send(struct session *session, const char *bytes, size_t count)
{
        uint64_t from = session->out.appended;

        outbox_append(&session->out, bytes, count);
        end_reply(session, from);
}

/* Length of the enhanced status code and its blank behind "NNN ", or 0 (RFC 3463 section 2). */
static size_t enhanced_length(const char *text)
{
        static const char digits[] = "0123456789";
        size_t at = 1, span;

        if (text[0] != '2' && text[0] != '4' && text[0] != '5')
                return 0;
        for (int part = 0; part < 2; part++) {
                if (text[at] != '.' || (span = strspn(text + at + 1, digits)) < 1 || span > 3)
                        return 0;
                at += span + 1;
        }
        return text[at] == ' ' ? at + 1 : 0;
}

static void append_padding(struct outbox *out, const char *reply, size_t enhanced, size_t octets)
{
        char line[PAD_LINE_MAX_OCTETS];

        memcpy(line, reply, 3);
        line[3] = '-';
        memcpy(line + 4, reply + 4, enhanced);
        memset(line + 4 + enhanced, 'x', sizeof line - 4 - enhanced);
        while (octets > 0) {
                size_t room = sizeof line - 6 - enhanced;
                size_t now = octets < room ? octets : room;

                outbox_append(out, line, 4 + enhanced + now);
                outbox_append(out, "\r\n", 2);
                octets -= now;
        }
}

static void append_lines(struct outbox *out, const char *reply, bool keep)
{
        const char *text = reply + (reply[3] == ' ' ? 4 : 3);
        const char *next;

        do {
                size_t skipped = keep ? 0 : enhanced_length(text);

                next = strstr(text, LINE_BREAK);
                outbox_append(out, reply, 3);
                if (next != NULL || reply[3] == ' ')
                        outbox_append(out, next != NULL ? "-" : " ", 1);
                text += skipped;
                outbox_append(out, text, next != NULL ? (size_t)(next - text) : strlen(text));
                outbox_append(out, "\r\n", 2);
                if (next != NULL)
                        text = next + strlen(LINE_BREAK);
        } while (next != NULL);
}

void session_reply(struct session *session, const char *reply, unsigned style)
{
        bool keep = style & REPLY_CONFIGURED || extension_offered(session, EXTENSION_ENHANCEDSTATUSCODES);
        size_t enhanced = reply[3] == ' ' ? enhanced_length(reply + 4) : 0;
        struct outbox *out = &session->out;
        uint64_t from = out->appended;

        if (style & REPLY_PADDED)
                append_padding(out, reply, keep ? enhanced : 0, (size_t)session->server->settings.reply_text);
        append_lines(out, reply, keep);
        end_reply(session, from);
}

const struct fault *session_fault(struct session *session, enum fault_place place)
{
        return session_fault_happen(session, session_fault_due(session, place));
}

const struct fault *session_fault_due(struct session *session, enum fault_place place)
{
        return faults_at(&session->server->settings.faults, place);
}

const struct fault *session_fault_happen(struct session *session, const struct fault *fault)
{
        if (fault == NULL)
                return NULL;
        switch (fault->kind) {
        case FAULT_CLOSE:
                session->action = ACTION_FIN;
                break;
        case FAULT_RESET:
                session->action = ACTION_RESET;
                break;
        case FAULT_STALL:
                session->action = ACTION_STALL;
                break;
        case FAULT_GARBAGE:
                session_send(session, fault_garbage, FAULT_GARBAGE_OCTETS);
                break;
        case FAULT_DRIP:
                session->dripping = true;
                return NULL;
        case FAULT_REPLY:
                session_reply(session, fault->reply, REPLY_CONFIGURED);
                if (fault_ends(fault))
                        session->action = ACTION_CLOSE;
                break;
        }
        return fault;
}

void session_greet(struct session *session, bool admitted)
{
        const struct fault *fault;
        char greeting[512];

        if (!admitted) {
                session_reply(session, "421 4.3.2 Too many connections", REPLY_OWN);
                session->action = ACTION_CLOSE;
                return;
        }
        fault = session_fault(session, FAULT_AT_GREETING);
        if (fault != NULL) {
                session->refusing = fault->kind == FAULT_REPLY && fault->reply[0] != '2';
                return;
        }
        snprintf(greeting, sizeof greeting, "220 %.255s %s postel-sink", session->server->settings.hostname,
                session->lmtp ? "LMTP" : "ESMTP");
        session_reply(session, greeting, REPLY_OWN);
}

void session_secured(struct session *session)
{
        session_restart(session);
        free(session->user);
        session->user = NULL;
        session->action = ACTION_NONE;
        session->secure = true;
}

void session_idle(struct session *session)
{
        session_reply(session, "421 4.4.2 Idle for too long", REPLY_OWN);
        session->action = ACTION_CLOSE;
}

static size_t feed_line(struct session *session, const char *bytes, size_t count)
{
        size_t used, length;
        enum line_status status = line_feed(&session->line, bytes, count, &used, &length);

        session->behind = count - used;
        if (status == LINE_TOO_LONG) {
                auth_deinit(&session->auth);
                session->mode = INPUT_COMMAND;
                session_reply(session, "500 5.5.6 Line too long", REPLY_OWN);
        } else if (status == LINE_COMPLETE && session->mode == INPUT_AUTH) {
                auth_response(session, session->line.text, length);
        } else if (status == LINE_COMPLETE) {
                command_run(session, session->line.text, length);
        }
        return used;
}

bool session_is_full(const struct session *session)
{
        return outbox_pending(&session->out) >= OUT_MAX_OCTETS;
}

size_t session_feed(struct session *session, const char *bytes, size_t count)
{
        static size_t (*const feeds[])(struct session *, const char *, size_t) = {
                [INPUT_COMMAND] = feed_line,
                [INPUT_AUTH] = feed_line,
                [INPUT_DATA] = message_feed_data,
                [INPUT_CHUNK] = message_feed_chunk,
        };
        size_t used = 0;

        while (used < count && session->action == ACTION_NONE && !session_is_full(session))
                used += feeds[session->mode](session, bytes + used, count - used);
        return used;
}
