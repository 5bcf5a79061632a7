/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_CONFIG_H
#define POSTEL_CONFIG_H

/*
 * How to reach, trust and log in to a server, and how a pool of sessions to it behaves.
 *
 * A config is copied when a connection or a pool is made of it: it may be changed or freed afterwards. It is
 * not safe to change it while another thread uses it.
 *
 * Setters copy what they are given, do no I/O and return nothing. What is wrong (a CR in a user name, a port
 * out of range, memory that ran out) is kept and reported by postel_config_check(), and by every function
 * that takes a config, with the name of the field and the rule that it breaks. A mistake stays until it is
 * mended by setting the same field again, memory that ran out until the config is freed.
 *
 *     postel_config *config = postel_config_new();
 *     postel_config_set_host(config, "mail.example.com");
 *     postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
 *     postel_config_set_user(config, "reports");
 *     postel_config_set_password(config, password);
 *     ...
 *     postel_config_free(&config);
 */

#include <postel/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct postel_config postel_config;

/* How a session is protected. POSTEL_TLS_STARTTLS is the default. */
typedef enum postel_tls {
        POSTEL_TLS_STARTTLS = 0, /* RFC 3207; a server without it is refused */
        POSTEL_TLS_IMPLICIT = 1, /* RFC 8314: TLS from the first octet */
        POSTEL_TLS_OPPORTUNISTIC = 2, /* STARTTLS where offered; never a password without TLS */
        POSTEL_TLS_NONE = 3 /* plaintext by explicit choice */
} postel_tls;

typedef enum postel_pipelining {
        POSTEL_PIPELINING_AUTO = 0, /* RFC 2920, where the server offers it */
        POSTEL_PIPELINING_NEVER = 1
} postel_pipelining;

/* What is spoken. */
typedef enum postel_protocol {
        POSTEL_PROTOCOL_SMTP = 0, /* RFC 5321 */
        POSTEL_PROTOCOL_LMTP = 1 /* RFC 2033: every accepted recipient has a final reply of its own */
} postel_protocol;

/*
 * When content is sent by BDAT rather than by DATA (RFC 3030). AUTO does so where the server offers it and it
 * saves a round trip: with content of up to 256 KiB that could be looked through, and in which no line can be
 * taken for a command (some servers read refused chunks as such). With PIPELINING such content leaves
 * together with its envelope, unless nothing was heard on the session for 5 seconds or all recipients or none
 * are wanted. The price: a session that is lost before the reply leaves POSTEL_OUTCOME_UNKNOWN where DATA may
 * have left POSTEL_OUTCOME_NOT_SENT. A server that announces BDAT and refuses it (500 to 504), or does not
 * answer it, is asked for DATA from then on.
 */
typedef enum postel_chunking {
        POSTEL_CHUNKING_AUTO = 0,
        POSTEL_CHUNKING_NEVER = 1,
        POSTEL_CHUNKING_ALWAYS = 2 /* POSTEL_UNSUPPORTED where the server does not offer it */
} postel_chunking;

/* A config with every default, to be freed with postel_config_free(). NULL when memory ran out. */
POSTEL_API postel_config *postel_config_new(void);

/*
 * A config from `smtp[s]://[user[:password]@]host[:port]`, `lmtp[s]://` likewise, or `lmtp+unix:/path`:
 * `smtps` and `lmtps` are TLS from the first octet (default port 465, 24), `smtp` and `lmtp` require STARTTLS
 * (default port 587, 24), a Unix socket is without TLS. User, password, host and path are percent-decoded
 * (RFC 3986 section 2.1); an IPv6 address stands in brackets. Anything else in the URL is refused.
 *
 * POSTEL_OK: *config is the caller's. POSTEL_INVALID (names what is wrong in the URL, without its password)
 * or POSTEL_MEMORY: *config is not written.
 */
POSTEL_API postel_status postel_config_from_url(const char *url, postel_config **config, postel_error *error);

/* Wipes the secrets, frees the config and clears *config. NULL and a cleared pointer are accepted. */
POSTEL_API void postel_config_free(postel_config **config);

/* POSTEL_OK, or the first thing that is wrong: POSTEL_INVALID or POSTEL_MEMORY. Reads no file and asks no
 * server. */
POSTEL_API postel_status postel_config_check(const postel_config *config, postel_error *error);

/*
 * What a config says, for programs that show it: the host ("" when none is set) and user (NULL when none is),
 * borrowed until they are set again or the config is freed; the port that will be used, the default one
 * included; whether there is a password, which itself cannot be had back.
 */
POSTEL_API const char *postel_config_host(const postel_config *config);
POSTEL_API int postel_config_port(const postel_config *config);
POSTEL_API const char *postel_config_user(const postel_config *config);
POSTEL_API int postel_config_has_password(const postel_config *config);

/* ---- Where ---- */

POSTEL_API void postel_config_set_protocol(postel_config *config, postel_protocol protocol);

/*
 * The path of a Unix socket to connect to, of up to 107 octets. The host is then only the name that a
 * certificate must be for, and not required without TLS. NULL: TCP.
 */
POSTEL_API void postel_config_set_socket_path(postel_config *config, const char *path);

/* A host name of ASCII letters, digits, hyphens, underscores and dots, or an IPv4 or IPv6 address without
 * brackets. Required, but for a Unix socket and a transport of the caller. */
POSTEL_API void postel_config_set_host(postel_config *config, const char *host);

/* 1 to 65535, or 0 for the default: 465 with implicit TLS, 587 with STARTTLS (also opportunistic), 25 without
 * TLS; 24 for LMTP. */
POSTEL_API void postel_config_set_port(postel_config *config, int port);

POSTEL_API void postel_config_set_tls(postel_config *config, postel_tls tls);

/* The name or address that the certificate must be for; NULL: the host. Also sent as SNI when it is a name.
 */
POSTEL_API void postel_config_set_server_name(postel_config *config, const char *name);

/*
 * Whose certificates to trust: a file of PEM certificates, a directory of such files, the system's. Without
 * any of the three the system's are trusted. Files are read when a connection or a pool is made; a file that
 * holds no certificate is POSTEL_TLS there. With POSTEL_TLS_NONE they are not read. NULL takes a choice back.
 */
POSTEL_API void postel_config_set_ca_file(postel_config *config, const char *path);
POSTEL_API void postel_config_set_ca_directory(postel_config *config, const char *path);
POSTEL_API void postel_config_set_system_trust(postel_config *config, int trusted);

/*
 * The name to give with EHLO: a domain, or an address literal in brackets (RFC 5321 section 4.1.1.1). NULL:
 * the fully qualified name of this host or, lacking one, the literal of the address that the connection goes
 * out from.
 */
POSTEL_API void postel_config_set_ehlo_name(postel_config *config, const char *name);

/* ---- Who ---- */

/*
 * User name and password, meant to be UTF-8 and without control octets, at most 1,024 octets each. With a
 * user a session is logged in or refused: a server that does not offer AUTH is POSTEL_AUTH. NULL: no login.
 * The password is wiped when replaced or freed.
 */
POSTEL_API void postel_config_set_user(postel_config *config, const char *user);
POSTEL_API void postel_config_set_password(postel_config *config, const char *password);

/* "PLAIN" (RFC 4616) or "LOGIN"; NULL: PLAIN where offered, else LOGIN. */
POSTEL_API void postel_config_set_auth_mechanism(postel_config *config, const char *mechanism);

/* Non-zero: a password may travel without TLS. The default is 0. Never applies to POSTEL_TLS_OPPORTUNISTIC.
 */
POSTEL_API void postel_config_set_allow_plaintext_auth(postel_config *config, int allow);

/* ---- How ---- */

/* The time of a whole call whose timeout_ms is -1, in milliseconds from 0 to 86,400,000. Default: 300,000. */
POSTEL_API void postel_config_set_timeout_ms(postel_config *config, int timeout_ms);

/*
 * A limit on each phase within a call: connecting, the handshake, any one complete reply, any write without
 * progress. In milliseconds from 1 to 86,400,000; -1, the default: 30 s to connect, 60 s for the handshake,
 * and for the rest what RFC 5321 section 4.5.3.2 says (2 to 10 minutes).
 */
POSTEL_API void postel_config_set_phase_timeout_ms(postel_config *config, int timeout_ms);

POSTEL_API void postel_config_set_pipelining(postel_config *config, postel_pipelining pipelining);

POSTEL_API void postel_config_set_chunking(postel_config *config, postel_chunking chunking);

/* SO_SNDBUF and SO_RCVBUF in octets; 0, the default: what the system chooses, which is best for nearly
 * everybody. */
POSTEL_API void postel_config_set_socket_buffer(postel_config *config, int octets);

typedef enum postel_trace_kind {
        POSTEL_TRACE_SENT = 0, /* a line to the server, without its CRLF */
        POSTEL_TRACE_RECEIVED = 1, /* a line from the server, without its CRLF */
        POSTEL_TRACE_NOTE = 2 /* something that is no line: a connection, a handshake, octets of a body */
} postel_trace_kind;

/*
 * Called for each line of a dialogue, in order, by the thread that sends or reads it, while that connection
 * is in use and no other lock is held. It may block (and is then part of the call's time); it must not call
 * into the same connection or its pool. `text` is borrowed for the call, NUL-terminated, `size` octets long,
 * with control octets of the server escaped. Secrets are blanked by the code that writes them, bodies are
 * only counted. `session` is a number that tells the sessions of one pool apart, and 0 for a connection on
 * its own. With a pool it is called from several threads at once.
 */
typedef void (*postel_trace_function)(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size);

/* NULL: no trace. `user_data` is passed on untouched and must outlive every connection and pool made of the
 * config. */
POSTEL_API void postel_config_set_trace(
        postel_config *config, postel_trace_function function, void *user_data);

/* ---- Hooks: see hooks.h ---- */

/*
 * The built-in policy: the most recipients of one message (1 to 1,000,000,000; 0, the default: any number)
 * and the most octets of its content as it is sent, without the dots that DATA doubles (0, the default: any
 * number). What has more is POSTEL_POLICY before anything of it is written; content that cannot be looked at
 * before is given up where it exceeds the limit, and never ends (see message.h).
 */
POSTEL_API void postel_config_set_max_recipients(postel_config *config, int recipients);
POSTEL_API void postel_config_set_max_octets(postel_config *config, unsigned long long octets);

/* ---- The pool: see pool.h ---- */

/* The most sessions at any time, idle, leased and dialling together: 1 to 10,000. Default: 4. */
POSTEL_API void postel_config_set_pool_size(postel_config *config, int sessions);

/* A session idle (not sending) for longer is closed: 1 to 86,400,000 ms, 0: never. Default: 60,000. */
POSTEL_API void postel_config_set_idle_limit_ms(postel_config *config, int limit_ms);

/* A session is retired at this age, less up to a tenth at random: 1 to 86,400,000 ms, 0: never. Default:
 * 1,800,000. */
POSTEL_API void postel_config_set_max_age_ms(postel_config *config, int age_ms);

/* A session is retired after so many messages: 1 to 1,000,000,000, 0: never, the default. */
POSTEL_API void postel_config_set_max_messages(postel_config *config, int messages);

/* An idle session gets a NOOP when nothing was said on it for so long: 1 to 86,400,000 ms, 0: never, the
 * default. */
POSTEL_API void postel_config_set_keepalive_ms(postel_config *config, int interval_ms);

#ifdef __cplusplus
}
#endif

#endif
