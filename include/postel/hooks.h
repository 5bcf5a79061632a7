/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_HOOKS_H
#define POSTEL_HOOKS_H

/*
 * Where a program may look in, forbid, or bring its own: a policy, audit events, and a transport. None is
 * required. The trace is in config.h.
 *
 *     postel_config_set_policy(config, policy, user_data);
 *     postel_config_set_audit(config, audit, user_data);
 *     postel_config_set_transport(config, &transport, user_data);
 *
 * `user_data` is passed on untouched and must outlive every connection and pool made of the config. With a
 * pool, functions are called from several threads at once. They may block (and are then part of the call's
 * time); they must not call into the same connection or its pool.
 */

#include <postel/config.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Policy ---- */

/*
 * Asked by every send once the envelope and the arguments are known to be valid, before a session is waited
 * for and before anything is written. `from` and `to` are as the caller gave them; `octets` is the size of
 * the message before anything is changed, or -1 when that is not known. Returns 0 to let it pass. Anything
 * else is POSTEL_POLICY: nobody is sent anything. A text may be put into `reason`, which has `reason_size`
 * octets and holds "" before; it becomes part of the error.
 */
typedef int (*postel_policy_function)(void *user_data, const char *from, const char *const *to,
        size_t to_count, long long octets, char *reason, size_t reason_size);

POSTEL_API void postel_config_set_policy(
        postel_config *config, postel_policy_function function, void *user_data);

/* ---- Audit ---- */

/*
 * Every event: number, name, and what `detail` and `number` are. The numbers never change. There is never an
 * address, content or a secret in them.
 */
#define POSTEL_AUDIT_MAP(X)                                                                                \
        X(CONNECTED, 0, "connected") /* "", microseconds */                                                \
        X(TLS, 1, "tls") /* "TLS1.3" (or "" when it is the caller's), microseconds */                      \
        X(GREETING, 2, "greeting") /* "", reply code */                                                    \
        X(EHLO, 3, "ehlo") /* "EHLO", "LHLO" or "HELO", reply code */                                      \
        X(AUTH, 4, "auth") /* the mechanism, reply code of its end */                                      \
        X(MAIL, 5, "mail") /* "", recipients of the transaction that begins */                             \
        X(CONTENT, 6, "content") /* "DATA" or "BDAT", octets written, the end included */                  \
        X(MESSAGE, 7, "message") /* name of the status of the send on this session, accepted recipients */ \
        X(RSET, 8, "rset") /* "", reply code */                                                            \
        X(NOOP, 9, "noop") /* "", reply code */                                                            \
        X(QUIT, 10, "quit") /* "", reply code */                                                           \
        X(END, 11, "end") /* name of the fault's status, "OK" after QUIT; transactions of the session */

typedef enum postel_audit_event {
#define POSTEL_AUDIT_ENUM(name, number, text) POSTEL_AUDIT_##name = number,
        POSTEL_AUDIT_MAP(POSTEL_AUDIT_ENUM)
#undef POSTEL_AUDIT_ENUM
} postel_audit_event;

/* "connected" …; "?" for a number that is none. */
POSTEL_API const char *postel_audit_event_name(postel_audit_event event);

/*
 * Called for each milestone of a session, in order, by the thread that reached it. A session that was begun
 * to be opened has END exactly once, as its last event. `session` as for a trace; `detail` is borrowed for
 * the call and never NULL.
 */
typedef void (*postel_audit_function)(void *user_data, unsigned long long session, postel_audit_event event,
        const char *detail, long long number);

POSTEL_API void postel_config_set_audit(
        postel_config *config, postel_audit_function function, void *user_data);

/* ---- A transport of the caller ---- */

#define POSTEL_TRANSPORT_AGAIN (-1) /* would block */
#define POSTEL_TRANSPORT_FAULT (-2)

/*
 * Octets to and from a server by other means than a socket of Postel's: a proxy, a tunnel, a test. For one
 * stream the functions are called by one thread at a time, but for `wake`. TLS of Postel's own runs over it
 * like over a socket, unless start_tls is given.
 */
typedef struct postel_transport {
        /* Begins a stream to the host ("" when none is set) and port of the config, within timeout_ms, into
         * *stream. 0, or anything else: POSTEL_CONNECT; a text for the error may be put into `reason` (as of
         * the policy). */
        int (*open)(void *user_data, const char *host, int port, int timeout_ms, void **stream, char *reason,
                size_t reason_size);

        /* At most `size` octets, without blocking: their number, 0 at the end of the stream (of read only),
         * AGAIN or FAULT. After AGAIN of write the same octets come again. */
        long long (*read)(void *stream, void *buffer, size_t size);
        long long (*write)(void *stream, const void *octets, size_t size);

        /* Waits until reading gives something or its end, or, if `writing`, until writing may take something.
         * 1 when so, 0 when timeout_ms have passed (0: at once) or it was woken, FAULT. */
        int (*wait)(void *stream, int writing, int timeout_ms);

        /* From any thread: ends a wait() at once, and the next if none is under way. Optional: without it an
         * interrupt is heard within 50 ms. It must neither block nor call into Postel. No close() comes
         * before it has returned. */
        void (*wake)(void *stream);

        /* Optional: protects the stream by TLS of the caller's own, verified for that name ("" when neither
         * it nor a host is set), within timeout_ms. 0, or anything else: POSTEL_TLS. Such a session counts as
         * secure. */
        int (*start_tls)(
                void *stream, const char *server_name, int timeout_ms, char *reason, size_t reason_size);

        /* Exactly once for each stream that was opened; no call on it comes later. */
        void (*close)(void *stream);
} postel_transport;

/*
 * Uses the transport, which is copied, instead of a socket; NULL: a socket. POSTEL_INVALID when one of open,
 * read, write, wait and close is missing.
 */
POSTEL_API void postel_config_set_transport(
        postel_config *config, const postel_transport *transport, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
