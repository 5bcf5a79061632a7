/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_CONNECTION_H
#define POSTEL_CONNECTION_H

/*
 * One session with a server (RFC 5321 section 3.1), from the greeting to QUIT, behind one mutex.
 *
 * Any thread may call any function at any time: calls on one connection follow each other. Every call that
 * can block has one absolute deadline on the monotonic clock, timeout_ms after it began, which covers the
 * wait for the mutex and all I/O; -1 is the config's default, 0 is "without waiting", any other negative
 * number is POSTEL_INVALID. (The one exception: where postel_connect() resolves a host or
 * looks for the name of this one, the system's resolver has time limits of its own.)
 *
 * A refusal by the server (4yz, 5yz) leaves the session usable, unless it came before the content was written
 * to its end; the next message begins with RSET. Any fault of I/O, TLS, time or protocol, and a 421, ends it:
 * nothing is written on it again, and every later call returns POSTEL_CLOSED with the first fault's text.
 *
 *     if (postel_connection_new(config, &connection, &error) == POSTEL_OK &&
 *         postel_connect(connection, 10000, &error) == POSTEL_OK)
 *             status = postel_send(connection, from, to, 1, body, size, 60000, &result, &error);
 *     postel_connection_close(connection, 1000, NULL);
 *     postel_connection_free(&connection);
 */

#include <postel/config.h>
#include <postel/envelope.h>
#include <postel/hooks.h>
#include <postel/message.h>
#include <postel/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_connection postel_connection;
typedef struct postel_capabilities postel_capabilities;
typedef struct postel_reply postel_reply;

/* The numbers never change. */
typedef enum postel_state {
        POSTEL_STATE_NEW = 0, /* not connected yet */
        POSTEL_STATE_CONNECTING = 1, /* from resolving to the end of the handshake of implicit TLS */
        POSTEL_STATE_GREETING = 2,
        POSTEL_STATE_EHLO = 3,
        POSTEL_STATE_STARTTLS = 4,
        POSTEL_STATE_AUTH = 5,
        POSTEL_STATE_READY = 6, /* may send */
        POSTEL_STATE_SENDING = 7, /* within a transaction */
        POSTEL_STATE_CLOSED = 8 /* by QUIT, a fault, an interrupt or the server */
} postel_state;

/* "ready" …; "?" for a number that is none. */
POSTEL_API const char *postel_state_name(postel_state state);

/*
 * A connection that is not connected yet, with its own copy of the config. Reads the files of the config,
 * writes nothing.
 *
 * POSTEL_OK: *connection is the caller's, to be freed with postel_connection_free(). POSTEL_INVALID (the
 * config), POSTEL_TLS (a CA file that cannot be read or holds no certificate), POSTEL_MEMORY, POSTEL_IO (no
 * descriptor left): not written.
 */
POSTEL_API postel_status postel_connection_new(
        const postel_config *config, postel_connection **connection, postel_error *error);

/*
 * Resolves, connects, shakes hands, greets and logs in. Blocks until the session is ready or the deadline.
 * Once only: a second call is POSTEL_INVALID.
 *
 * POSTEL_OK; POSTEL_HOST_UNKNOWN, POSTEL_CONNECT, POSTEL_TLS, POSTEL_AUTH, POSTEL_REJECTED or POSTEL_DEFERRED
 * (the greeting or EHLO was refused, with the code in the error), POSTEL_TIMEOUT, POSTEL_PROTOCOL, POSTEL_IO,
 * POSTEL_INTERRUPTED, POSTEL_MEMORY: the connection is closed and remains to be freed.
 */
POSTEL_API postel_status postel_connect(postel_connection *connection, int timeout_ms, postel_error *error);

/*
 * Sends a message of `body_size` octets at `body` (borrowed for the call) from `from` ("" the null
 * reverse-path) to `to_count` addresses; see envelope.h and message.h for what is valid. Blocks until each
 * recipient has its outcome or the deadline.
 *
 * Returns the status of the result; see result.h. `result` may be NULL where the account is not wanted;
 * otherwise *result is always written: NULL when the envelope or an argument is POSTEL_INVALID (nothing was
 * sent) or memory ran out (what is returned is still true), else a result that is the caller's.
 * POSTEL_UNSUPPORTED: the server does not offer what the message needs; nothing was sent, or nothing that
 * ends (see message.h). POSTEL_CLOSED: the connection was not ready. POSTEL_INVALID with a result: the
 * content breaks a rule of message.h. POSTEL_IO may also be a body that could not be read.
 */
POSTEL_API postel_status postel_send(postel_connection *connection, const char *from, const char *const *to,
        size_t to_count, const void *body, size_t body_size, int timeout_ms, postel_result **result,
        postel_error *error);

/* The same with the parameters of an envelope and any source of content. Both are borrowed for the call. */
POSTEL_API postel_status postel_send_with_params(postel_connection *connection,
        const postel_envelope *envelope, const postel_message *message, int timeout_ms,
        postel_result **result, postel_error *error);

/*
 * RSET and NOOP (RFC 5321 sections 4.1.1.5 and 4.1.1.9), one round trip each. POSTEL_OK; POSTEL_REJECTED or
 * POSTEL_DEFERRED when the server said no; POSTEL_CLOSED, POSTEL_TIMEOUT, POSTEL_IO, POSTEL_PROTOCOL,
 * POSTEL_TLS, POSTEL_INTERRUPTED.
 */
POSTEL_API postel_status postel_connection_reset(
        postel_connection *connection, int timeout_ms, postel_error *error);
POSTEL_API postel_status postel_connection_noop(
        postel_connection *connection, int timeout_ms, postel_error *error);

/*
 * VRFY, EXPN and HELP (RFC 5321 sections 4.1.1.6 to 4.1.1.8), one round trip each, for what a server says:
 * VRFY takes a user name or an address, EXPN a mailing list, HELP a command's name or NULL: 1 to 500 octets
 * of UTF-8 without control octets. What is not ASCII needs SMTPUTF8 (RFC 6531 section 3.7.4.2) for VRFY and
 * EXPN, else POSTEL_UNSUPPORTED, and is POSTEL_INVALID for HELP.
 *
 * POSTEL_OK for a reply 2yz (252 is one: the server will not say); POSTEL_REJECTED or POSTEL_DEFERRED for
 * others (also a 421, which ends the session). In each of these cases *reply is the caller's, to be freed
 * with postel_reply_free(); `reply` may be NULL. POSTEL_INVALID, POSTEL_UNSUPPORTED, POSTEL_MEMORY and the
 * other statuses of postel_connection_noop(): *reply is NULL.
 */
POSTEL_API postel_status postel_connection_vrfy(postel_connection *connection, const char *name,
        int timeout_ms, postel_reply **reply, postel_error *error);
POSTEL_API postel_status postel_connection_expn(postel_connection *connection, const char *list,
        int timeout_ms, postel_reply **reply, postel_error *error);
POSTEL_API postel_status postel_connection_help(postel_connection *connection, const char *topic,
        int timeout_ms, postel_reply **reply, postel_error *error);

/* A reply of the server. Borrowed pointers live as long as it does; NULL gives 0 and "". */
POSTEL_API void postel_reply_free(postel_reply **reply);
POSTEL_API int postel_reply_code(const postel_reply *reply);
POSTEL_API const char *postel_reply_enhanced(const postel_reply *reply); /* "" where not announced */
POSTEL_API const char *postel_reply_text(const postel_reply *reply); /* lines joined by LF, as they came */

/*
 * EHLO or LHLO once more (RFC 5321 section 4.1.4): what the server offers is asked anew, and a transaction
 * reset. The name is that of the config or, from its next EHLO on, what set_ehlo_name says (copied; the rules
 * of postel_config_set_ehlo_name(), NULL included; POSTEL_TIMEOUT: the mutex). Statuses of
 * postel_connection_noop().
 */
POSTEL_API postel_status postel_connection_rehlo(
        postel_connection *connection, int timeout_ms, postel_error *error);
POSTEL_API postel_status postel_connection_set_ehlo_name(
        postel_connection *connection, const char *name, int timeout_ms, postel_error *error);

/*
 * QUIT (RFC 5321 section 4.1.1.10), waits for the reply until the deadline, closes the socket whatever came.
 * POSTEL_OK when it is closed, also when it was before; POSTEL_TIMEOUT only when another call held the
 * connection until the deadline.
 */
POSTEL_API postel_status postel_connection_close(
        postel_connection *connection, int timeout_ms, postel_error *error);

/*
 * Closes without QUIT what is still open, frees, and clears *connection; NULL and a cleared pointer are
 * accepted. No other thread may be in a call on it. A connection leased from a pool is thrown away this way:
 * its place is free at once.
 */
POSTEL_API void postel_connection_free(postel_connection **connection);

/*
 * Ends the connection from any thread, without waiting for the mutex: a call that blocks returns within
 * milliseconds, with true outcomes: POSTEL_INTERRUPTED, or POSTEL_UNKNOWN when only the final reply was
 * missing. The next call is POSTEL_INTERRUPTED if none was blocked, else POSTEL_CLOSED. For good. Never
 * blocks. Not for signal handlers.
 */
POSTEL_API void postel_connection_interrupt(postel_connection *connection);

/* Where the session stands. Never blocks; another thread may have changed it by the time it is read. */
POSTEL_API postel_state postel_connection_state(const postel_connection *connection);
POSTEL_API int postel_connection_is_authenticated(const postel_connection *connection);
POSTEL_API int postel_connection_is_secure(const postel_connection *connection);
POSTEL_API postel_protocol postel_connection_protocol(const postel_connection *connection);

/* Non-zero once the server said 421 (RFC 5321 section 3.8). */
POSTEL_API int postel_connection_is_shutting_down(const postel_connection *connection);

/*
 * The TLS session in a line, such as "TLS1.3 TLS_AES_256_GCM_SHA384", then a line for the server's
 * certificate: its subject, issuer, and end of validity. Puts at most `size` octets, the NUL included, into
 * `text` and returns the length that the whole text has; 0 and "" without TLS, and while another call uses
 * the connection. Never blocks.
 */
POSTEL_API size_t postel_connection_tls_description(postel_connection *connection, char *text, size_t size);

/* One thing about the TLS session. The numbers never change. */
typedef enum postel_tls_detail {
        POSTEL_TLS_DETAIL_VERSION = 0, /* "TLS1.3" */
        POSTEL_TLS_DETAIL_CIPHER_SUITE = 1, /* "TLS_AES_256_GCM_SHA384" */
        POSTEL_TLS_DETAIL_CERTIFICATE = 2, /* the server's, in PEM */
        POSTEL_TLS_DETAIL_RESUMED = 3 /* "yes" or "no" (RFC 8446 section 2.2) */
} postel_tls_detail;

/* The same rules as of postel_connection_tls_description(). "" also over a caller's own TLS (hooks.h). */
POSTEL_API size_t postel_connection_tls_detail(
        postel_connection *connection, postel_tls_detail detail, char *text, size_t size);

/* Microseconds spent on resolving, on connecting, in the TLS handshake, and on the greeting, EHLO and AUTH
 * (the phases of these names); 0 for any other. */
POSTEL_API long long postel_connection_phase_us(const postel_connection *connection, postel_phase phase);

/*
 * What the server offered in its last reply to EHLO (RFC 5321 section 4.1.1.1), as a copy that is the
 * caller's, to be freed with postel_capabilities_free(). POSTEL_OK; POSTEL_CLOSED before the first EHLO and
 * after a failed handshake; POSTEL_MEMORY, POSTEL_TIMEOUT (the mutex): *capabilities is not written.
 */
POSTEL_API postel_status postel_connection_capabilities(postel_connection *connection, int timeout_ms,
        postel_capabilities **capabilities, postel_error *error);
POSTEL_API void postel_capabilities_free(postel_capabilities **capabilities);

/* Non-zero when the keyword ("PIPELINING", in any case) is offered. */
POSTEL_API int postel_capabilities_has(const postel_capabilities *capabilities, const char *keyword);

/* What stands behind the keyword ("PLAIN LOGIN"), "" for nothing, NULL when it is not offered. Borrowed. */
POSTEL_API const char *postel_capabilities_parameters(
        const postel_capabilities *capabilities, const char *keyword);

/* The largest message in octets (RFC 1870); 0 when the server names no limit. */
POSTEL_API unsigned long long postel_capabilities_max_size(const postel_capabilities *capabilities);

/* Whether AUTH (RFC 4954) names the mechanism, in any case. */
POSTEL_API int postel_capabilities_has_mechanism(
        const postel_capabilities *capabilities, const char *mechanism);

/*
 * A number of LIMITS (RFC 9422): "MAILMAX", "RCPTMAX", "RCPTDOMAINMAX" or any other, in any case; the least
 * seconds of "DELIVERBY" (RFC 2852), the most of "FUTURERELEASE" (RFC 4865). 0 when it is not named or no
 * number.
 */
POSTEL_API unsigned long long postel_capabilities_limit(
        const postel_capabilities *capabilities, const char *name);

/* The lines as they came, without codes: line 0 greets, the others are one keyword each. Borrowed; NULL out
 * of range. */
POSTEL_API size_t postel_capabilities_line_count(const postel_capabilities *capabilities);
POSTEL_API const char *postel_capabilities_line(const postel_capabilities *capabilities, size_t line);

#ifdef __cplusplus
}
#endif

#endif
