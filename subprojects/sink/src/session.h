/* SPDX-License-Identifier: MIT */
#ifndef SINK_SESSION_H
#define SINK_SESSION_H

#include "auth.h"
#include "fault.h"
#include "line.h"
#include "outbox.h"
#include "transaction.h"

struct server;

/* What the owner of the connection has to do once the replies are out. */
enum session_action {
        ACTION_NONE,
        ACTION_CLOSE, /* in good order */
        ACTION_FIN, /* TCP only: nothing is said on the TLS layer */
        ACTION_RESET,
        ACTION_STALL,
        ACTION_START_TLS,
};

enum input_mode { INPUT_COMMAND, INPUT_AUTH, INPUT_DATA, INPUT_CHUNK };

/* One session of SMTP (RFC 5321) or LMTP (RFC 2033), fed with octets. Knows neither sockets nor TLS. */
struct session {
        struct server *server;
        uint64_t id;
        struct outbox out;
        enum session_action action;
        enum input_mode mode;
        size_t behind; /* octets that had already arrived behind the command being run */
        bool lmtp; /* RFC 2033 */
        bool secure;
        bool esmtp; /* the last greeting was EHLO or LHLO */
        bool refusing; /* the greeting was a refusal: only QUIT is left */
        bool dripping; /* the next reply is to be dripped */
        bool spoke_early; /* within content: what was said goes out before the rest is read */
        char *helo;
        char *user;
        int64_t messages;
        int64_t mails; /* MAIL commands, whatever became of them */
        struct auth auth;
        struct transaction transaction;
        struct line line;
};

void session_init(struct session *session, struct server *server, uint64_t id, bool lmtp);
void session_deinit(struct session *session);

/* Says the greeting, or that there are too many connections. */
void session_greet(struct session *session, bool admitted);

/* TLS was started behind STARTTLS: what was said in the clear is forgotten (RFC 3207 section 4.2). */
void session_secured(struct session *session);

/* Takes octets until an action is due or too many replies are waiting; returns how many. */
size_t session_feed(struct session *session, const char *bytes, size_t count);
bool session_is_full(const struct session *session);

void session_idle(struct session *session);

/* Forgets HELO, EHLO and the transaction. */
void session_restart(struct session *session);

enum reply_style {
        REPLY_OWN = 0, /* its enhanced code goes when ENHANCEDSTATUSCODES does */
        REPLY_CONFIGURED = 1, /* sent as it was given */
        REPLY_PADDED = 2, /* made longer by --reply-text */
};

/* "\n", in these two characters, begins a further line of the reply. */
void session_reply(struct session *session, const char *reply, unsigned style);
void session_send(struct session *session, const char *bytes, size_t count);

/* Carries out the fault that is due at the place and returns it. NULL: go on as usual (also for a dripped
 * reply). */
const struct fault *session_fault(struct session *session, enum fault_place place);

/* The same in two steps, for who has to know the fault before it may happen: counts the place, and later
 * carries out what was due there (NULL: nothing). */
const struct fault *session_fault_due(struct session *session, enum fault_place place);
const struct fault *session_fault_happen(struct session *session, const struct fault *fault);

#endif
