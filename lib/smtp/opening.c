/* SPDX-License-Identifier: MIT */
/* From a host's name to a session that is ready (RFC 5321 section 3.1, RFC 3207, RFC 8314). */

#include "smtp/session.h"

#include "base/status.h"
#include "net/resolve.h"
#include "wire/address.h"
#include "wire/command.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Adds what a phase took since *since, which is moved on; returns those microseconds. */
static int64_t charge(struct session *session, postel_phase phase, int64_t *since)
{
        int64_t now = clock_ns(), taken_us = (now - *since) / 1000;

        atomic_fetch_add(&session->phase_us[phase], taken_us);
        *since = now;
        return taken_us;
}

static void note(struct session *session, const char *text)
{
        channel_trace(&session->channel, POSTEL_TRACE_NOTE, text, strlen(text));
}

/* Streams know nothing of phases. */
static postel_status in_phase(postel_error *error, postel_phase phase)
{
        if (error->phase == POSTEL_PHASE_NONE)
                error->phase = phase;
        return error->status;
}

static void note_connected(struct session *session)
{
        const struct stream_address *address = &session->options->address;
        char text[300];

        if (address->transport)
                snprintf(text, sizeof(text), "connected by the caller's transport");
        else if (address->socket_path)
                snprintf(text, sizeof(text), "connected to %s", address->socket_path);
        else
                snprintf(text, sizeof(text), "connected to %s port %d", address->host, address->port);
        note(session, text);
}

static postel_status connect_stream(struct session *session, struct deadline deadline, postel_error *error)
{
        const struct stream_address *address = &session->options->address;
        struct addrinfo *found;
        int64_t since = clock_ns();

        postel_status status = stream_resolve(address, &found, error);
        charge(session, POSTEL_PHASE_RESOLVE, &since);
        if (status != POSTEL_OK)
                return status;
        status = stream_connect(&session->channel.stream, address, found, deadline,
                channel_limit_ms(&session->channel, POSTEL_PHASE_CONNECT), error);
        if (found)
                freeaddrinfo(found);
        int64_t taken_us = charge(session, POSTEL_PHASE_CONNECT, &since);
        if (status != POSTEL_OK)
                return in_phase(error, POSTEL_PHASE_CONNECT);
        note_connected(session);
        session_audit(session, POSTEL_AUDIT_CONNECTED, "", taken_us);
        return POSTEL_OK;
}

static void tell_protection(struct session *session, int64_t taken_us)
{
        const struct tls *tls = session->channel.stream.tls;
        char text[512], version[32] = "";

        if (tls) {
                tls_describe(tls, text, sizeof(text));
                tls_detail(tls, POSTEL_TLS_DETAIL_VERSION, version, sizeof(version));
        } else {
                snprintf(text, sizeof(text), "TLS by the caller's transport");
        }
        note(session, text);
        session_audit(session, POSTEL_AUDIT_TLS, version, taken_us);
}

static postel_status shake_hands(struct session *session, struct deadline deadline, postel_error *error)
{
        struct stream *stream = &session->channel.stream;
        int64_t since = clock_ns();
        struct deadline limit = deadline_earlier(
                deadline, deadline_after_ms(channel_limit_ms(&session->channel, POSTEL_PHASE_TLS)));

        postel_status status =
                stream_start_tls(stream, session->trust, session->options->server_name, limit, error);
        int64_t taken_us = charge(session, POSTEL_PHASE_TLS, &since);
        if (status == POSTEL_TIMEOUT)
                error_set(error, status, POSTEL_PHASE_TLS, "the TLS handshake did not end in time");
        if (status != POSTEL_OK)
                return in_phase(error, POSTEL_PHASE_TLS);
        atomic_store(&session->secure, true);
        tell_protection(session, taken_us);
        return POSTEL_OK;
}

static postel_status greet(struct session *session, struct deadline deadline, postel_error *error)
{
        struct reply reply;
        int64_t since = clock_ns();

        session_enter(session, POSTEL_STATE_GREETING);
        postel_status status =
                exchange_ask(&session->channel, POSTEL_PHASE_GREETING, deadline, &reply, error);
        charge(session, POSTEL_PHASE_GREETING, &since);
        session_audit_reply(session, POSTEL_AUDIT_GREETING, "", status, &reply, error);
        if (status != POSTEL_OK || reply.code == 220)
                return status;
        /* RFC 5321 section 3.1. The server has been understood, whatever it is: session_open() says QUIT. */
        status = reply.code >= 500 ? POSTEL_REJECTED : reply.code >= 400 ? POSTEL_DEFERRED : POSTEL_PROTOCOL;
        error_set(error, status, POSTEL_PHASE_GREETING, "the server does not want this session: %d %s",
                reply.code, reply_words(&reply));
        error->code = reply.code;
        return status;
}

static void choose_ehlo_name(struct session *session)
{
        char *name = session->ehlo_name;
        size_t size = sizeof(session->ehlo_name);

        if (*name)
                return;
        if (session->options->ehlo_name && !session->ignores_configured_name)
                snprintf(name, size, "%s", session->options->ehlo_name);
        else if (!resolve_own_name(name, size) || ehlo_name_fault(name))
                if (!stream_own_literal(&session->channel.stream, name, size))
                        snprintf(name, size, "[127.0.0.1]");
}

/* EHLO, LHLO or HELO, and its reply. */
static postel_status say_hello(struct session *session, const char *verb, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        struct buffer *scratch = channel_scratch(&session->channel);
        size_t from = scratch->size;
        postel_status status = command_hello(scratch, verb, session->ehlo_name, error);

        if (status != POSTEL_OK)
                return status;
        status = session_ask(session, POSTEL_PHASE_EHLO, from, NULL, deadline, reply, error);
        session_audit_reply(session, POSTEL_AUDIT_EHLO, verb, status, reply, error);
        return status;
}

/* RFC 5321 section 3.2: a server may know HELO alone. Only where nothing of EHLO's is needed. */
static bool may_fall_back(const struct session *session, const struct reply *reply)
{
        const struct session_options *options = session->options;
        bool unknown = reply->code == 500 || reply->code == 502 || reply->code == 504;

        return unknown && options->protocol == POSTEL_PROTOCOL_SMTP && options->tls != POSTEL_TLS_STARTTLS &&
               !options->credentials.user;
}

/* The offer in the reply. After HELO its one line only greets, and others mean nothing. */
static postel_status take_offer(
        struct session *session, const struct reply *reply, bool extended, postel_error *error)
{
        size_t size = extended ? reply->text_size : strcspn(reply->text, "\n");

        if (!ehlo_parse(&session->ehlo, reply->text, size))
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_EHLO, "out of memory");
        session->channel.enhanced = ehlo_has(&session->ehlo, EXTENSION_ENHANCEDSTATUSCODES);
        session->wants_reset = false; /* RFC 5321 section 4.1.4: EHLO resets as RSET does */
        return POSTEL_OK;
}

postel_status session_ehlo(struct session *session, struct deadline deadline, postel_error *error)
{
        const char *verb = session->options->protocol == POSTEL_PROTOCOL_LMTP ? "LHLO" : "EHLO";
        bool extended = true;
        struct reply reply;
        char what[32];
        int64_t since = clock_ns();

        choose_ehlo_name(session);
        postel_status status = say_hello(session, verb, deadline, &reply, error);
        if (status == POSTEL_OK && may_fall_back(session, &reply)) {
                verb = "HELO";
                extended = false;
                status = say_hello(session, verb, deadline, &reply, error);
        }
        charge(session, POSTEL_PHASE_EHLO, &since);
        if (status != POSTEL_OK)
                return status;
        if (reply.code == 250)
                return take_offer(session, &reply, extended, error);
        snprintf(what, sizeof(what), "%s was refused", verb);
        return session_refused(session, &reply, POSTEL_PHASE_EHLO, what, error);
}

static postel_status starttls_refused(const struct reply *reply, postel_error *error)
{
        error_set(
                error, POSTEL_TLS, POSTEL_PHASE_TLS, "STARTTLS was refused: %d %s", reply->code, reply->text);
        error->code = reply->code;
        return POSTEL_TLS;
}

static postel_status start_tls(struct session *session, struct deadline deadline, postel_error *error)
{
        bool optional = session->options->tls == POSTEL_TLS_OPPORTUNISTIC;
        struct reply reply;

        if (!ehlo_has(&session->ehlo, EXTENSION_STARTTLS)) {
                if (optional)
                        return POSTEL_OK;
                return error_set(error, POSTEL_TLS, POSTEL_PHASE_TLS, "the server does not offer STARTTLS");
        }
        session_enter(session, POSTEL_STATE_STARTTLS);
        postel_status status =
                session_ask_verb(session, POSTEL_PHASE_TLS, "STARTTLS", deadline, &reply, error);
        if (status != POSTEL_OK)
                return status;
        if (reply.code >= 400 && optional)
                return POSTEL_OK;
        if (reply.code >= 400)
                return starttls_refused(&reply, error);
        if (reply.code != 220)
                return session_refused(session, &reply, POSTEL_PHASE_TLS, "no reply to STARTTLS", error);
        /* CVE-2011-0411 and its kin: what stands behind the 220 was not protected, whoever wrote it. */
        size_t waiting = channel_unasked_octets(&session->channel);
        if (waiting)
                return error_set(error, POSTEL_TLS, POSTEL_PHASE_TLS,
                        "%zu octets wait behind the reply to STARTTLS: the session is not safe", waiting);
        ehlo_forget(&session->ehlo);
        session->channel.enhanced = false;
        status = shake_hands(session, deadline, error);
        if (status != POSTEL_OK)
                return status;
        session_enter(session, POSTEL_STATE_EHLO);
        return session_ehlo(session, deadline, error);
}

static postel_status open_steps(struct session *session, struct deadline deadline, postel_error *error)
{
        postel_tls tls = session->options->tls;

        session_enter(session, POSTEL_STATE_CONNECTING);
        postel_status status = connect_stream(session, deadline, error);
        if (status == POSTEL_OK && tls == POSTEL_TLS_IMPLICIT)
                status = shake_hands(session, deadline, error);
        if (status == POSTEL_OK)
                status = greet(session, deadline, error);
        if (status != POSTEL_OK)
                return status;
        session_enter(session, POSTEL_STATE_EHLO);
        status = session_ehlo(session, deadline, error);
        if (status == POSTEL_OK && (tls == POSTEL_TLS_STARTTLS || tls == POSTEL_TLS_OPPORTUNISTIC))
                status = start_tls(session, deadline, error);
        if (status == POSTEL_OK && session->options->credentials.user) {
                int64_t since = clock_ns();
                session_enter(session, POSTEL_STATE_AUTH);
                status = session_authenticate(session, deadline, error);
                charge(session, POSTEL_PHASE_AUTH, &since);
        }
        return status;
}

postel_status session_open(struct session *session, struct deadline deadline, postel_error *error)
{
        if (atomic_load(&session->state) != POSTEL_STATE_NEW)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_NONE, "connection: has been connected before");
        session->begun = true;
        postel_status status = open_steps(session, deadline, error);
        if (status == POSTEL_OK) {
                session_enter(session, POSTEL_STATE_READY);
                return POSTEL_OK;
        }
        /* A server that is understood is told goodbye; around a handshake nobody can say what it would make
         * of it. */
        int state = atomic_load(&session->state);
        bool between_lines =
                state == POSTEL_STATE_GREETING || state == POSTEL_STATE_EHLO || state == POSTEL_STATE_AUTH;
        if (between_lines && (status != POSTEL_PROTOCOL || state == POSTEL_STATE_GREETING))
                session_begin_quit(session);
        channel_poison(&session->channel, error);
        session_settle(session);
        return status;
}
