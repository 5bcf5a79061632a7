/* SPDX-License-Identifier: MIT */
/* The one table of commands, and those commands that concern the session as a whole (RFC 5321 section 4.1,
 * RFC 2033 section 4.1). */
#include "commands.h"

#include "auth.h"
#include "extensions.h"
#include "message.h"
#include "server.h"
#include "session.h"
#include "transaction.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void run_ehlo(struct session *session, char *arguments);
static void run_helo(struct session *session, char *arguments);
static void run_rset(struct session *session, char *arguments);
static void run_noop(struct session *session, char *arguments);
static void run_help(struct session *session, char *arguments);
static void run_quit(struct session *session, char *arguments);
static void run_starttls(struct session *session, char *arguments);
static void run_unknown(struct session *session, char *arguments);

enum { IN_CLEAR = 1, NO_ARGUMENTS = 2, WHEN_REFUSING = 4, ONLY_SMTP = 8, ONLY_LMTP = 16 };

static const struct command_row {
        const char *verb;
        void (*run)(struct session *session, char *arguments);
        enum fault_place place;
        unsigned flags; /* IN_CLEAR: allowed before STARTTLS even under --require-tls (RFC 3207 section 4) */
} rows[] = {
        [COMMAND_EHLO] = { "EHLO", run_ehlo, FAULT_AT_EHLO, IN_CLEAR | ONLY_SMTP },
        [COMMAND_HELO] = { "HELO", run_helo, FAULT_AT_EHLO, IN_CLEAR | ONLY_SMTP },
        [COMMAND_LHLO] = { "LHLO", run_ehlo, FAULT_AT_EHLO, IN_CLEAR | ONLY_LMTP },
        [COMMAND_MAIL] = { "MAIL", transaction_mail, FAULT_AT_MAIL, 0 },
        [COMMAND_RCPT] = { "RCPT", transaction_rcpt, FAULT_AT_RCPT, 0 },
        [COMMAND_DATA] = { "DATA", message_data, FAULT_AT_DATA, NO_ARGUMENTS },
        /* BDAT looks for its fault itself: its chunk has to be read in any case */
        [COMMAND_BDAT] = { "BDAT", message_bdat, FAULT_NOWHERE, IN_CLEAR },
        [COMMAND_RSET] = { "RSET", run_rset, FAULT_AT_RSET, IN_CLEAR | NO_ARGUMENTS },
        [COMMAND_NOOP] = { "NOOP", run_noop, FAULT_AT_NOOP, IN_CLEAR },
        [COMMAND_VRFY] = { "VRFY", verify_vrfy, FAULT_AT_VRFY, 0 },
        [COMMAND_EXPN] = { "EXPN", verify_expn, FAULT_AT_EXPN, 0 },
        [COMMAND_HELP] = { "HELP", run_help, FAULT_AT_HELP, IN_CLEAR },
        [COMMAND_QUIT] = { "QUIT", run_quit, FAULT_AT_QUIT, IN_CLEAR | NO_ARGUMENTS | WHEN_REFUSING },
        [COMMAND_STARTTLS] = { "STARTTLS", run_starttls, FAULT_AT_STARTTLS, IN_CLEAR | NO_ARGUMENTS },
        [COMMAND_AUTH] = { "AUTH", auth_command, FAULT_AT_AUTH, 0 },
        [COMMAND_UNKNOWN] = { "unknown", run_unknown, FAULT_NOWHERE, IN_CLEAR },
};

const char *command_name(enum command command)
{
        return rows[command].verb;
}

static enum command find(const char *verb)
{
        size_t i = 0;

        while (i < COMMAND_UNKNOWN && strcasecmp(rows[i].verb, verb) != 0)
                i++;
        return (enum command)i;
}

/* What speaks against running the command, whichever it is. */
static const char *objection(
        const struct session *session, const struct command_row *row, const char *arguments)
{
        if (session->refusing && !(row->flags & WHEN_REFUSING))
                return "503 5.5.1 No service here, only QUIT";
        if (row->flags & (session->lmtp ? ONLY_SMTP : ONLY_LMTP))
                return "500 5.5.1 A command of the other protocol";
        if (outbox_pending(&session->out) > 0 && !extension_active(session, EXTENSION_PIPELINING))
                return "503 5.5.0 Command sent before the reply to the last one, without PIPELINING";
        if (row->flags & NO_ARGUMENTS && *arguments != '\0')
                return "501 5.5.4 No arguments allowed";
        if (session->server->settings.require_tls && !session->secure && !(row->flags & IN_CLEAR))
                return "530 5.7.0 Must issue a STARTTLS command first";
        return NULL;
}

void command_run(struct session *session, char *line, size_t length)
{
        const struct command_row *row;
        const char *refusal;
        char *arguments;
        enum command command;

        if (memchr(line, '\0', length) != NULL || memchr(line, '\n', length) != NULL ||
                memchr(line, '\r', length) != NULL) {
                stats_add(&session->server->stats.commands[COMMAND_UNKNOWN], 1);
                session_reply(session, "500 5.5.2 NUL, bare CR or bare LF in a command", REPLY_OWN);
                return;
        }
        while (length > 0 && line[length - 1] == ' ')
                line[--length] = '\0';
        arguments = line + strcspn(line, " ");
        if (*arguments == ' ')
                *arguments++ = '\0';
        command = find(line);
        row = &rows[command];
        stats_add(&session->server->stats.commands[command], 1);
        refusal = objection(session, row, arguments);
        if (refusal != NULL)
                session_reply(session, refusal, REPLY_OWN);
        else if (row->place == FAULT_NOWHERE || session_fault(session, row->place) == NULL)
                row->run(session, arguments);
}

static bool introduce(struct session *session, const char *arguments, bool esmtp)
{
        if (*arguments == '\0') {
                session_reply(session, "501 5.5.4 A name is missing", REPLY_OWN);
                return false;
        }
        session_restart(session);
        session->helo = memory_copy(arguments, strlen(arguments));
        session->esmtp = esmtp;
        return true;
}

static void run_ehlo(struct session *session, char *arguments)
{
        struct buffer lines = { 0 };

        if (!extension_offered(session, EXTENSION_EHLO)) {
                session_reply(session, "502 5.5.1 Command not implemented", REPLY_OWN);
                return;
        }
        if (!introduce(session, arguments, true))
                return;
        extension_ehlo_lines(session, &lines);
        session_send(session, lines.data, lines.used);
        buffer_deinit(&lines);
}

static void run_helo(struct session *session, char *arguments)
{
        char reply[300];

        if (!introduce(session, arguments, false))
                return;
        snprintf(reply, sizeof reply, "250 %.255s", session->server->settings.hostname);
        session_reply(session, reply, REPLY_OWN);
}

static void run_rset(struct session *session, char *arguments)
{
        (void)arguments;
        transaction_reset(&session->transaction);
        session_reply(session, "250 2.0.0 OK", REPLY_OWN);
}

static void run_noop(struct session *session, char *arguments)
{
        (void)arguments;
        session_reply(session, "250 2.0.0 OK", REPLY_OWN);
}

static void run_help(struct session *session, char *arguments)
{
        (void)arguments;
        session_reply(session,
                "214 2.0.0 This server is for tests\\n2.0.0 Its commands are those of RFC 5321", REPLY_OWN);
}

static void run_quit(struct session *session, char *arguments)
{
        (void)arguments;
        session_reply(session, "221 2.0.0 Bye", REPLY_OWN);
        session->action = ACTION_CLOSE;
}

static void run_starttls(struct session *session, char *arguments)
{
        (void)arguments;
        if (session->secure) {
                session_reply(session, "503 5.5.1 TLS is on already", REPLY_OWN);
        } else if (!extension_offered(session, EXTENSION_STARTTLS)) {
                session_reply(session, "502 5.5.1 STARTTLS is not offered", REPLY_OWN);
        } else if (session->behind > 0) {
                session_reply(session, "501 5.5.1 Octets behind STARTTLS", REPLY_OWN);
                session->action = ACTION_CLOSE;
        } else {
                session_reply(session, "220 2.0.0 Ready to start TLS", REPLY_OWN);
                session->action = ACTION_START_TLS;
        }
}

static void run_unknown(struct session *session, char *arguments)
{
        (void)arguments;
        session_reply(session, "500 5.5.2 Command not known", REPLY_OWN);
}
