/* SPDX-License-Identifier: MIT */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

/*
 * A session with a server: opening it (greeting, EHLO, STARTTLS, AUTH), sending on it, ending it. One thread
 * at a time; what others may look at meanwhile is atomic.
 */

#include "sasl/sasl.h"
#include "smtp/exchange.h"
#include "smtp/outcome.h"
#include "smtp/source.h"
#include "wire/ehlo.h"
#include "wire/envelope.h"

#include <postel/config.h>
#include <postel/connection.h>
#include <postel/hooks.h>

#define SESSION_EHLO_NAME_SIZE 256
#define SESSION_SENDERS        16

/* What sessions of one endpoint learn about its server, and share. */
struct server_memory {
        atomic_bool avoids_chunking; /* BDAT was announced and did not work */
        atomic_bool avoids_following; /* so did commands behind content by DATA (RFC 2920 section 3.1) */
};

/* What it takes to open a session, and what is asked of its sends. Borrowed from a config that outlives it.
 */
struct session_options {
        struct stream_address address; /* its port is filled in */
        postel_protocol protocol;
        postel_tls tls;
        const char *server_name; /* "" when TLS is none of ours and nothing is named */
        const char *ehlo_name; /* NULL: found out */
        struct sasl_credentials credentials;
        bool allow_plaintext_auth;
        int phase_timeout_ms;
        postel_pipelining pipelining;
        postel_chunking chunking;
        int max_recipients; /* 0: any number; so the next */
        unsigned long long max_octets;
        postel_policy_function policy;
        void *policy_data;
        postel_audit_function audit;
        void *audit_data;
        postel_trace_function trace;
        void *trace_data;
        struct server_memory *memory;
};

struct session {
        const struct session_options *options;
        const struct tls_trust *trust;
        struct channel channel;
        struct ehlo ehlo;
        struct outcome_log log;
        char ehlo_name[SESSION_EHLO_NAME_SIZE]; /* "": to be chosen */
        bool ignores_configured_name;
        char *password_base64, *auth_response; /* what else a server could repeat of the password */
        bool wants_reset; /* the last transaction left something behind */
        bool asked_again; /* EHLO was repeated after AUTH */
        bool lost_unheard; /* the last send found the connection lost, before any reply to it */
        uint64_t
                senders[SESSION_SENDERS]; /* hashes of domains from which the server took a message by BDAT */
        size_t sender_count;
        bool exhausted; /* the server takes no more transactions (LIMITS) */
        unsigned long messages; /* transactions begun */
        bool begun, ended; /* opening it was; END was told */
        bool said_goodbye; /* QUIT was written */
        unsigned long long message_round_trips;

        atomic_int state; /* of postel_state */
        atomic_bool authenticated, secure, shutting_down;
        atomic_llong phase_us[POSTEL_PHASE_QUIT + 1];
};

postel_status session_init(struct session *session, const struct session_options *options,
        const struct tls_trust *trust, unsigned long long number, postel_error *error);
void session_deinit(struct session *session);

/* From the resolver to AUTH; in opening.c. See postel_connect() for the statuses. */
postel_status session_open(struct session *session, struct deadline deadline, postel_error *error);

/* Whether it is open and without a fault. */
bool session_is_ready(const struct session *session);

/* POSTEL_OK when it is ready, else POSTEL_CLOSED with the first fault's text. */
postel_status session_check(struct session *session, postel_error *error);

struct delivery;
struct feed;
struct transaction;

/*
 * Sends a message; in send.c. Its log, which has been begun, then decides everybody; the status is that of
 * the send, the error says the same.
 */
postel_status session_send(
        struct session *session, struct delivery *delivery, struct deadline deadline, postel_error *error);

/*
 * Sends what the feed has, several at once where the server allows it: see pipeline.h. `room` is for
 * PIPELINE_DEPTH transactions. POSTEL_OK: the feed has no more; else why the session ended, or cannot go on.
 */
postel_status session_send_all(struct session *session, struct feed *feed, struct transaction *room,
        struct deadline deadline, postel_error *error);

/* Whether the server has taken as many transactions as it takes in a session (RFC 9422, MAILMAX). */
bool session_is_exhausted(const struct session *session);

/* POSTEL_CLOSED when so. */
postel_status session_check_exhausted(struct session *session, postel_error *error);

/* RSET and NOOP; these and the next two are in commands.c. */
postel_status session_reset(struct session *session, struct deadline deadline, postel_error *error);
postel_status session_noop(struct session *session, struct deadline deadline, postel_error *error);

/* VRFY, EXPN or HELP. `argument` may be NULL for HELP. */
struct query {
        postel_phase phase;
        const char *verb;
        const char *argument;
};

/* See postel_connection_vrfy(). reply->code is 0 when none was read; its text is borrowed until the next. */
postel_status session_query(struct session *session, const struct query *query, struct deadline deadline,
        struct reply *reply, postel_error *error);

/* EHLO or LHLO on a session that is ready. */
postel_status session_rehlo(struct session *session, struct deadline deadline, postel_error *error);

/* The name for the next EHLO, valid, or NULL: found out. */
void session_set_ehlo_name(struct session *session, const char *name);

/* EHLO, LHLO or HELO: asks anew what the server offers; in opening.c. */
postel_status session_ehlo(struct session *session, struct deadline deadline, postel_error *error);

/* Logs in with the options' credentials; in authenticate.c. */
postel_status session_authenticate(struct session *session, struct deadline deadline, postel_error *error);

/* Writes QUIT without waiting; then waits for the reply until the deadline, and closes. */
void session_begin_quit(struct session *session);
void session_finish_quit(struct session *session, struct deadline deadline);

/* Looks whether an idle session may be used again, without a round trip. */
bool session_is_fresh(struct session *session);

/* ---- Shared by the parts of a session ---- */

void session_enter(struct session *session, postel_state state);

/* After anything that may have ended the channel: tells the others, and lets go of the socket. */
void session_let_go(struct session *session);

/* The same at the end of every call on a session: it also tells END, which nothing may follow. */
void session_settle(struct session *session);

/* Tells an event, if anybody wants to know. */
void session_audit(struct session *session, postel_audit_event event, const char *detail, long long number);

/* Tells the event with the code of the reply that was read: `reply`, or the 421 of an error. Nothing when
 * there was none. */
void session_audit_reply(struct session *session, postel_audit_event event, const char *detail,
        postel_status status, const struct reply *reply, const postel_error *error);

/* A command without argument, and its reply. */
postel_status session_ask_verb(struct session *session, postel_phase phase, const char *verb,
        struct deadline deadline, struct reply *reply, postel_error *error);

/* One command, one reply: what was appended to the channel's scratch from `from` on, shown in the trace as
 * `shown`. */
postel_status session_ask(struct session *session, postel_phase phase, size_t from, const char *shown,
        struct deadline deadline, struct reply *reply, postel_error *error);

/* The server's refusal as an error: POSTEL_REJECTED or POSTEL_DEFERRED. A reply that is no refusal is
 * POSTEL_PROTOCOL, and ends the session. */
postel_status session_refused(struct session *session, const struct reply *reply, postel_phase phase,
        const char *what, postel_error *error);

#endif
