/* SPDX-License-Identifier: MIT */
/* Logging in (RFC 4954): the lines of the exchange. What is in them is the mechanism's business. */

#include "smtp/session.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/command.h"

#include <stdio.h>
#include <string.h>

static postel_status not_offered(const struct session *session, postel_error *error)
{
        size_t size = 0;
        const char *offered = ehlo_parameters(&session->ehlo, "AUTH", &size);

        if (!offered)
                return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH, "the server does not offer AUTH");
        if (channel_holds_secret(&session->channel, session->ehlo.lines.data))
                size = 0;
        return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH,
                "the server offers no AUTH mechanism that can be used: %.*s", (int)size, offered);
}

static postel_status refused(struct session *session, const struct reply *reply, postel_error *error)
{
        if (reply->code < 400)
                return session_refused(session, reply, POSTEL_PHASE_AUTH, "no reply to AUTH", error);
        error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH, "the server did not let us log in: %d %s",
                reply->code, reply->text);
        error->code = reply->code;
        return POSTEL_AUTH;
}

struct login {
        struct session *session;
        struct sasl *sasl;
        const char *mechanism;
        struct deadline deadline;
        bool unsent;
        struct reply reply;
};

static postel_status make_response(struct login *login, const char *challenge, postel_error *error)
{
        char *response;
        postel_status status = sasl_step(login->sasl, challenge, &response, error);

        if (status != POSTEL_OK)
                return status;
        secret_free(&login->session->auth_response);
        login->session->auth_response = response;
        login->session->channel.secrets[1] = response;
        login->unsent = true;
        return POSTEL_OK;
}

/* One line out, one reply in. The line is wiped from the channel: it may hold the password. */
static postel_status ask(struct login *login, size_t from, const char *shown, postel_error *error)
{
        postel_status status = session_ask(
                login->session, POSTEL_PHASE_AUTH, from, shown, login->deadline, &login->reply, error);

        buffer_wipe(channel_scratch(&login->session->channel));
        return status;
}

/* AUTH with the initial response, if it fits its line; else the response stays for the first challenge. */
static postel_status begin(struct login *login, postel_error *error)
{
        struct buffer *scratch = channel_scratch(&login->session->channel);
        size_t from = scratch->size;
        const char *initial = login->unsent ? login->session->auth_response : NULL;
        char shown[64];

        if (initial && !*initial)
                initial = "=";
        size_t line = strlen("AUTH  \r\n") + strlen(login->mechanism) + (initial ? strlen(initial) : 0);
        if (line > COMMAND_MAX_OCTETS)
                initial = NULL;
        postel_status status = command_auth(scratch, login->mechanism, initial, error);
        if (status != POSTEL_OK)
                return status;
        login->unsent = login->unsent && !initial;
        snprintf(shown, sizeof(shown), "AUTH %s%s", login->mechanism, initial ? " ***" : "");
        return ask(login, from, shown, error);
}

static postel_status answer(struct login *login, postel_error *error)
{
        struct buffer *scratch = channel_scratch(&login->session->channel);
        size_t from = scratch->size;
        postel_status status = command_auth_response(scratch, login->session->auth_response, error);

        login->unsent = false;
        return status == POSTEL_OK ? ask(login, from, "***", error) : status;
}

static void cancel(struct login *login)
{
        struct buffer *scratch = channel_scratch(&login->session->channel);
        size_t from = scratch->size;
        postel_error error;

        if (command_auth_response(scratch, "*", &error) == POSTEL_OK)
                ask(login, from, "*", &error);
}

/* Sends AUTH and answers challenges until the server has decided, or asks for what the mechanism has not. */
static postel_status converse(struct login *login, postel_error *error)
{
        postel_status status = POSTEL_OK;

        if (sasl_has_initial_response(login->sasl))
                status = make_response(login, "", error);
        if (status == POSTEL_OK)
                status = begin(login, error);
        while (status == POSTEL_OK && login->reply.code == 334) {
                if (!login->unsent)
                        status = make_response(login, login->reply.text, error);
                if (status == POSTEL_OK)
                        status = answer(login, error);
                else
                        cancel(login);
        }
        return status;
}

postel_status session_authenticate(struct session *session, struct deadline deadline, postel_error *error)
{
        const struct session_options *options = session->options;
        struct login login = { .session = session, .deadline = deadline };
        bool may_be_read = !atomic_load(&session->secure);
        bool allowed = options->allow_plaintext_auth && options->tls != POSTEL_TLS_OPPORTUNISTIC;

        /* A buffer that grew under a secret would leave a copy of it behind. */
        if (!buffer_reserve(channel_scratch(&session->channel), AUTH_MAX_OCTETS))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
        if (may_be_read && !allowed)
                return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH,
                        "a password would have to travel without TLS, which is not allowed");
        if (!sasl_encode(options->credentials.password, &session->password_base64))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
        session->channel.secrets[2] = session->password_base64;
        login.mechanism = sasl_choose(&options->credentials, &session->ehlo);
        if (!login.mechanism)
                return not_offered(session, error);
        postel_status status = sasl_new(login.mechanism, &options->credentials, &login.sasl, error);
        if (status != POSTEL_OK)
                return status;
        status = converse(&login, error);
        /* An exchange that was given up with "*" ends with a reply, too. */
        bool heard = login.reply.code && !session->channel.dead;
        session_audit_reply(
                session, POSTEL_AUDIT_AUTH, login.mechanism, heard ? POSTEL_OK : status, &login.reply, error);
        sasl_free(&login.sasl);
        if (status == POSTEL_OK && login.reply.code != 235)
                status = refused(session, &login.reply, error);
        if (status == POSTEL_OK)
                atomic_store(&session->authenticated, true);
        return status;
}
