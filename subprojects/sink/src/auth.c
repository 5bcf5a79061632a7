/* SPDX-License-Identifier: MIT */
/* AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN. */
#include "auth.h"

#include "base64.h"
#include "extensions.h"
#include "server.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void auth_deinit(struct auth *auth)
{
        free(auth->login_user);
        *auth = (struct auth){ 0 };
}

/* Every exchange ends here, and the session takes commands again. */
static void finish(struct session *session, const char *reply)
{
        auth_deinit(&session->auth);
        session->mode = INPUT_COMMAND;
        session_reply(session, reply, REPLY_OWN);
}

static void ask(struct session *session, enum auth_step step, const char *challenge)
{
        session->auth.step = step;
        session->mode = INPUT_AUTH;
        session_reply(session, challenge, REPLY_OWN);
}

static void verify(struct session *session, const char *user, const char *password)
{
        if (!users_match(&session->server->users, user, password)) {
                finish(session, "535 5.7.8 Authentication credentials invalid");
                return;
        }
        session->user = memory_copy(user, strlen(user));
        stats_add(&session->server->stats.authentications, 1);
        finish(session, "235 2.7.0 Authentication succeeded");
}

static void take_plain(struct session *session, const char *message, size_t length)
{
        const char *end = message + length;
        const char *user = memchr(message, '\0', length);
        const char *password = user != NULL ? memchr(user + 1, '\0', (size_t)(end - user - 1)) : NULL;

        if (password == NULL || memchr(password + 1, '\0', (size_t)(end - password - 1)) != NULL)
                finish(session, "501 5.5.2 PLAIN is authzid NUL user NUL password");
        else if (*message != '\0' && strcmp(message, user + 1) != 0)
                finish(session, "535 5.7.8 Not authorized to act for another");
        else
                verify(session, user + 1, password + 1);
}

static void take_login(struct session *session, enum auth_step step, const char *text, size_t length)
{
        if (memchr(text, '\0', length) != NULL) {
                finish(session, "501 5.5.2 NUL in a name or password");
        } else if (step == AUTH_LOGIN_USER) {
                session->auth.login_user = memory_copy(text, length);
                ask(session, AUTH_LOGIN_PASSWORD, "334 UGFzc3dvcmQ6");
        } else {
                verify(session, session->auth.login_user, text);
        }
}

static void take(struct session *session, enum auth_step step, const char *encoded)
{
        char decoded[LINE_MAX_OCTETS + 1];
        size_t length;

        if (strcmp(encoded, "*") == 0)
                finish(session, "501 5.7.0 Authentication cancelled");
        else if (!base64_decode(encoded, decoded, &length))
                finish(session, "501 5.5.2 Not base64");
        else if (step == AUTH_PLAIN)
                take_plain(session, decoded, length);
        else
                take_login(session, step, decoded, length);
}

void auth_response(struct session *session, char *line, size_t length)
{
        if (memchr(line, '\0', length) != NULL)
                finish(session, "501 5.5.2 Not base64");
        else
                take(session, session->auth.step, line);
}

static const char *objection(const struct session *session)
{
        const struct server *server = session->server;

        if (session->user != NULL)
                return "503 5.5.1 Authenticated already";
        if (!session->esmtp || session->transaction.open)
                return "503 5.5.1 AUTH comes behind EHLO and before MAIL";
        if (extension_offered(session, EXTENSION_AUTH))
                return NULL;
        if (server->users.count > 0 && !session->secure)
                return "538 5.7.11 Encryption required";
        return "502 5.5.1 AUTH is not offered";
}

void auth_command(struct session *session, char *arguments)
{
        char *initial = strchr(arguments, ' ');
        const char *refusal = objection(session);
        enum auth_step step;

        if (refusal != NULL) {
                session_reply(session, refusal, REPLY_OWN);
                return;
        }
        if (initial != NULL)
                *initial++ = '\0';
        if (strcasecmp(arguments, "PLAIN") == 0) {
                step = AUTH_PLAIN;
        } else if (strcasecmp(arguments, "LOGIN") == 0) {
                step = AUTH_LOGIN_USER;
        } else {
                session_reply(session, "504 5.5.4 Mechanism not known", REPLY_OWN);
                return;
        }
        /* RFC 4954 section 4: "=" is an initial response that is there and empty. */
        if (initial != NULL)
                take(session, step, strcmp(initial, "=") == 0 ? "" : initial);
        else
                ask(session, step, step == AUTH_PLAIN ? "334 " : "334 VXNlcm5hbWU6");
}
