/* SPDX-License-Identifier: MIT */
#ifndef POSTEL_ERROR_H
#define POSTEL_ERROR_H

/*
 * What went wrong, where, and in whose words.
 *
 * Every function that can fail returns a postel_status and, but for postel_pool_release(), takes a
 * postel_error as its last argument. The error belongs to the caller, has a fixed size and owns no memory: it
 * may live on the stack, be copied by assignment and be thrown away. It may be NULL where the text is not
 * wanted. On POSTEL_OK it is left as it was.
 *
 *     postel_error error;
 *     if (postel_pool_open(config, &pool, &error) != POSTEL_OK)
 *             fprintf(stderr, "%s: %s\n", postel_status_name(error.status), postel_error_message(&error));
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define POSTEL_API __attribute__((visibility("default")))
#else
#define POSTEL_API
#endif

/*
 * Every status: number, name, and what it says. The numbers never change.
 *
 * The first five describe what became of a message; see postel_outcome in result.h. The rest are classes of
 * faults. A fault of a send says that no recipient was accepted and at least one of them is
 * POSTEL_OUTCOME_NOT_SENT.
 */
#define POSTEL_STATUS_MAP(X)                                                                             \
        X(OK, 0, "all is well")                                                                          \
        X(PARTIAL, 1, "some recipients were accepted, others were not")                                  \
        X(REJECTED, 2, "refused for good")                                                               \
        X(DEFERRED, 3, "refused for now")                                                                \
        X(UNKNOWN, 4, "the connection was lost before the final reply: the message may have been taken") \
        X(INVALID, 5, "an argument is not valid")                                                        \
        X(UNSUPPORTED, 6, "the server does not offer what the message needs")                            \
        X(HOST_UNKNOWN, 7, "the name of the server cannot be resolved")                                  \
        X(CONNECT, 8, "the server cannot be reached")                                                    \
        X(IO, 9, "the connection was lost, or reading the message failed")                               \
        X(TIMEOUT, 10, "the time ran out")                                                               \
        X(PROTOCOL, 11, "the server broke the protocol")                                                 \
        X(TLS, 12, "no trusted TLS session can be had")                                                  \
        X(AUTH, 13, "the server did not let us log in")                                                  \
        X(CLOSED, 14, "the connection or the pool is closed")                                            \
        X(INTERRUPTED, 15, "interrupted by another thread")                                              \
        X(MEMORY, 16, "out of memory")                                                                   \
        X(POLICY, 17, "a policy of the caller forbids the message")

typedef enum postel_status {
#define POSTEL_STATUS_ENUM(name, number, text) POSTEL_##name = number,
        POSTEL_STATUS_MAP(POSTEL_STATUS_ENUM)
#undef POSTEL_STATUS_ENUM
} postel_status;

/* Where in the dialogue something happened. The numbers never change. */
#define POSTEL_PHASE_MAP(X)                                                                    \
        X(NONE, 0, "none") /* before anything else: checking arguments */                      \
        X(POOL, 1, "pool") /* waiting for a session of the pool, or for a connection in use */ \
        X(RESOLVE, 2, "resolve") /* the host's name */                                         \
        X(CONNECT, 3, "connect") /* TCP */                                                     \
        X(TLS, 4, "tls") /* STARTTLS and the handshake */                                      \
        X(GREETING, 5, "greeting") /* the 220 */                                               \
        X(EHLO, 6, "ehlo")                                                                     \
        X(AUTH, 7, "auth")                                                                     \
        X(MAIL, 8, "mail")                                                                     \
        X(RCPT, 9, "rcpt")                                                                     \
        X(DATA, 10, "data") /* the command and its 354 */                                      \
        X(BODY, 11, "body") /* sending the content */                                          \
        X(FINAL, 12, "final") /* the reply to the end of the content */                        \
        X(RSET, 13, "rset")                                                                    \
        X(NOOP, 14, "noop")                                                                    \
        X(QUIT, 15, "quit")                                                                    \
        X(VRFY, 16, "vrfy")                                                                    \
        X(EXPN, 17, "expn")                                                                    \
        X(HELP, 18, "help")

typedef enum postel_phase {
#define POSTEL_PHASE_ENUM(name, number, text) POSTEL_PHASE_##name = number,
        POSTEL_PHASE_MAP(POSTEL_PHASE_ENUM)
#undef POSTEL_PHASE_ENUM
} postel_phase;

/* Octets of a message of an error, its NUL included. */
#define POSTEL_ERROR_MESSAGE_SIZE 480

typedef struct postel_error {
        postel_status status;
        postel_phase phase;
        int code; /* the reply code of the server, or 0 */
        int system_error; /* errno of the call that failed, or 0 */
        char message[POSTEL_ERROR_MESSAGE_SIZE];
} postel_error;

/* For bindings that treat the error as bytes: its size in octets, and what is in it. None of them blocks or
 * fails. */
POSTEL_API size_t postel_error_size(void);
POSTEL_API postel_status postel_error_status(const postel_error *error);
POSTEL_API postel_phase postel_error_phase(const postel_error *error);
POSTEL_API int postel_error_code(const postel_error *error);
POSTEL_API int postel_error_system_error(const postel_error *error);

/*
 * One line of UTF-8 for people, without a final newline. Words of the server are in it with control octets
 * escaped; a secret never is. Borrowed: lives as long as the error.
 */
POSTEL_API const char *postel_error_message(const postel_error *error);

/* The name without prefix ("TIMEOUT", "rcpt"), and what it means. Static texts; "?" for a number that is
 * none. */
POSTEL_API const char *postel_status_name(postel_status status);
POSTEL_API const char *postel_status_text(postel_status status);
POSTEL_API const char *postel_phase_name(postel_phase phase);

#ifdef __cplusplus
}
#endif

#endif
