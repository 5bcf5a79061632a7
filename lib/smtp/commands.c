/* SPDX-License-Identifier: MIT */
/* The commands of a session that are no transaction: RSET, NOOP, VRFY, EXPN, HELP (RFC 5321 section 4.1.1),
 * and EHLO once more. */

#include "smtp/session.h"

#include "base/status.h"
#include "wire/command.h"

#include <stdio.h>
#include <string.h>

static postel_status was_refused(struct session *session, const struct reply *reply, postel_phase phase,
        const char *verb, postel_error *error)
{
        char what[32];

        snprintf(what, sizeof(what), "%s was refused", verb);
        return session_refused(session, reply, phase, what, error);
}

/* POSTEL_OK when the next reply will be to the next command. */
static postel_status get_ready(struct session *session, struct deadline deadline, postel_error *error)
{
        struct reply reply;
        postel_status status = session_check(session, error);

        if (status != POSTEL_OK || !session->channel.strays)
                return status;
        status = session_ask_verb(session, POSTEL_PHASE_RSET, "RSET", deadline, &reply, error);
        if (status == POSTEL_OK)
                session->wants_reset = false;
        return status;
}

static postel_status simple(struct session *session, postel_phase phase, postel_audit_event event,
        const char *verb, struct deadline deadline, postel_error *error)
{
        struct reply reply;
        /* RSET itself is what makes ready. */
        postel_status status = phase == POSTEL_PHASE_RSET ? session_check(session, error)
                                                          : get_ready(session, deadline, error);

        if (status == POSTEL_OK) {
                status = session_ask_verb(session, phase, verb, deadline, &reply, error);
                session_audit_reply(session, event, "", status, &reply, error);
        }
        if (status == POSTEL_OK && reply.code >= 300)
                status = was_refused(session, &reply, phase, verb, error);
        session_settle(session);
        return status;
}

postel_status session_reset(struct session *session, struct deadline deadline, postel_error *error)
{
        postel_status status = simple(session, POSTEL_PHASE_RSET, POSTEL_AUDIT_RSET, "RSET", deadline, error);

        if (status == POSTEL_OK)
                session->wants_reset = false;
        return status;
}

postel_status session_noop(struct session *session, struct deadline deadline, postel_error *error)
{
        return simple(session, POSTEL_PHASE_NOOP, POSTEL_AUDIT_NOOP, "NOOP", deadline, error);
}

/* ---- What a server says about names, and about itself ---- */

static bool is_ascii(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text >= 0x80)
                        return false;
        return true;
}

/* The command, behind what the scratch holds. */
static postel_status write_query(struct session *session, const struct query *query, postel_error *error)
{
        bool internationalized = query->argument && !is_ascii(query->argument);
        bool allowed = query->phase != POSTEL_PHASE_HELP;
        struct buffer *scratch = channel_scratch(&session->channel);
        size_t from = scratch->size;

        postel_status status =
                command_query(scratch, query->verb, query->argument, internationalized && allowed, error);
        if (status != POSTEL_OK || !internationalized || ehlo_has(&session->ehlo, EXTENSION_SMTPUTF8))
                return status;
        buffer_truncate(scratch, from);
        return error_set(error, POSTEL_UNSUPPORTED, query->phase,
                "%s: its argument is not ASCII, and the server does not offer SMTPUTF8", query->verb);
}

static postel_status ask_query(struct session *session, const struct query *query, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        size_t from = channel_scratch(&session->channel)->size;
        postel_status status = write_query(session, query, error);

        if (status == POSTEL_OK)
                status = session_ask(session, query->phase, from, NULL, deadline, reply, error);
        if (status != POSTEL_OK || reply->code < 300)
                return status;
        return was_refused(session, reply, query->phase, query->verb, error);
}

postel_status session_query(struct session *session, const struct query *query, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        reply->code = 0;
        postel_status status = get_ready(session, deadline, error);

        if (status == POSTEL_OK)
                status = ask_query(session, query, deadline, reply, error);
        session_settle(session);
        return status;
}

/* ---- Introducing ourselves again ---- */

postel_status session_rehlo(struct session *session, struct deadline deadline, postel_error *error)
{
        postel_status status = get_ready(session, deadline, error);

        if (status == POSTEL_OK)
                status = session_ehlo(session, deadline, error);
        session_settle(session);
        return status;
}

void session_set_ehlo_name(struct session *session, const char *name)
{
        snprintf(session->ehlo_name, sizeof(session->ehlo_name), "%s", name ? name : "");
        session->ignores_configured_name = true;
}
