/* SPDX-License-Identifier: MIT */
/* Logging in (RFC 4954): the lines of the exchange. What is in them is the mechanism's business. */

#include "smtp/session.h"

#include "base/secret.h"
#include "base/status.h"
#include "wire/command.h"

#include <stdio.h>
#include <string.h>

/* The mechanisms that there are need three at most; a server that asks on for ever is none of theirs. */
#define MAX_CHALLENGES 10

static postel_status not_offered(const struct session *session, postel_error *error)
{
        size_t size = 0;
        const char *offered = ehlo_parameters(&session->ehlo, "AUTH", &size);

        if (!offered)
                return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH, "the server does not offer AUTH");
        return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH,
                "the server offers no AUTH mechanism that can be used: %.*s", (int)size, offered);
}

static postel_status refused(const struct reply *reply, postel_error *error)
{
        if (reply->code < 400)
                return session_refused(reply, POSTEL_PHASE_AUTH, "no reply to AUTH", error);
        error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH, "the server did not let us log in: %d %s",
                reply->code, reply->text);
        error->code = reply->code;
        return POSTEL_AUTH;
}

/* One line out, one reply in. The line is wiped from the channel: it may hold the password. */
static postel_status ask(struct session *session, size_t from, const char *shown, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        postel_status status = session_ask(session, POSTEL_PHASE_AUTH, from, shown, deadline, reply, error);

        buffer_wipe(channel_scratch(&session->channel));
        return status;
}

/* AUTH with the initial response, if it fits its line; else the response stays for the first challenge. */
static postel_status begin(struct session *session, const char *mechanism, char **response,
        struct deadline deadline, struct reply *reply, postel_error *error)
{
        struct buffer *scratch = channel_scratch(&session->channel);
        size_t from = scratch->size;
        size_t line = strlen("AUTH  \r\n") + strlen(mechanism) + (*response ? strlen(*response) : 0);
        bool rides = *response && line <= COMMAND_MAX_OCTETS;
        char shown[64];

        const char *initial = rides && !**response ? "=" : *response;
        postel_status status = command_auth(scratch, mechanism, rides ? initial : NULL, error);
        if (status != POSTEL_OK)
                return status;
        snprintf(shown, sizeof(shown), "AUTH %s%s", mechanism, rides ? " ***" : "");
        status = ask(session, from, shown, deadline, reply, error);
        if (rides)
                secret_free(response);
        return status;
}

static postel_status cancel(struct session *session, struct deadline deadline)
{
        struct buffer *scratch = channel_scratch(&session->channel);
        size_t from = scratch->size;
        struct reply reply;
        postel_error error;

        postel_status status = command_auth_response(scratch, "*", &error);
        return status == POSTEL_OK ? ask(session, from, "*", deadline, &reply, &error) : status;
}

static postel_status answer(struct session *session, const char *response, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        struct buffer *scratch = channel_scratch(&session->channel);
        size_t from = scratch->size;
        postel_status status = command_auth_response(scratch, response, error);

        return status == POSTEL_OK ? ask(session, from, "***", deadline, reply, error) : status;
}

/* Sends AUTH and answers challenges until the server has decided. *response holds what was made and not yet
 * sent. */
static postel_status converse(struct session *session, struct sasl *sasl, const char *mechanism,
        char **response, struct deadline deadline, struct reply *reply, postel_error *error)
{
        postel_status status = POSTEL_OK;

        if (sasl_has_initial_response(sasl))
                status = sasl_step(sasl, "", response, error);
        if (status == POSTEL_OK) {
                session->channel.secrets[1] = *response;
                status = begin(session, mechanism, response, deadline, reply, error);
        }
        for (int i = 0; status == POSTEL_OK && reply->code == 334; i++) {
                if (i == MAX_CHALLENGES)
                        return error_set(
                                error, POSTEL_PROTOCOL, POSTEL_PHASE_AUTH, "the server asks on and on");
                if (!*response)
                        status = sasl_step(sasl, reply->text, response, error);
                if (status != POSTEL_OK) {
                        cancel(session, deadline);
                        return status;
                }
                session->channel.secrets[1] = *response;
                status = answer(session, *response, deadline, reply, error);
                session->channel.secrets[1] = NULL;
                secret_free(response);
        }
        return status;
}

postel_status session_authenticate(struct session *session, struct deadline deadline, postel_error *error)
{
        const struct session_options *options = session->options;
        bool may_be_read = !atomic_load(&session->secure);
        bool allowed = options->allow_plaintext_auth && options->tls != POSTEL_TLS_OPPORTUNISTIC;
        struct sasl *sasl = NULL;
        char *response = NULL;
        struct reply reply;

        /* A buffer that grew under a secret would leave a copy of it behind. */
        if (!buffer_reserve(channel_scratch(&session->channel), AUTH_MAX_OCTETS))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_AUTH, "out of memory");
        if (may_be_read && !allowed)
                return error_set(error, POSTEL_AUTH, POSTEL_PHASE_AUTH,
                        "a password would have to travel without TLS, which is not allowed");
        const char *mechanism = sasl_choose(&options->credentials, &session->ehlo);
        if (!mechanism)
                return not_offered(session, error);
        postel_status status = sasl_new(mechanism, &options->credentials, &sasl, error);
        if (status != POSTEL_OK)
                return status;
        status = converse(session, sasl, mechanism, &response, deadline, &reply, error);
        session->channel.secrets[1] = NULL;
        secret_free(&response);
        sasl_free(&sasl);
        if (status == POSTEL_OK && reply.code != 235)
                status = refused(&reply, error);
        if (status == POSTEL_OK)
                atomic_store(&session->authenticated, true);
        return status;
}
