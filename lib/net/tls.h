/* SPDX-License-Identifier: MIT */
#ifndef NET_TLS_H
#define NET_TLS_H

/*
 * TLS over a carrier that is connected (RFC 8446, RFC 5246), by GnuTLS. Nothing here blocks: what would is
 * TLS_AGAIN, and tls_wants_write() says what to wait for.
 */

#include <postel/connection.h>

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct carrier;
struct tls_trust;
struct tls;

struct tls_trust_options {
        const char *ca_file;
        const char *ca_directory;
        bool system; /* also when neither of the two is set */
};

/*
 * Whom to trust, read once and shared by all sessions of a pool; it does not change and needs no lock.
 * POSTEL_TLS names the file that holds no certificate.
 */
postel_status tls_trust_new(
        const struct tls_trust_options *options, struct tls_trust **trust, postel_error *error);
void tls_trust_free(struct tls_trust **trust);

/* A session on `carrier`, borrowed, which must verify as `server_name`. POSTEL_TLS or POSTEL_MEMORY: not
 * written.
 */
postel_status tls_new(struct carrier *carrier, const struct tls_trust *trust, const char *server_name,
        struct tls **tls, postel_error *error);

/* Frees without a word to the peer. */
void tls_free(struct tls **tls);

#define TLS_AGAIN (-1)
#define TLS_FAULT (-2) /* the error says why */

/* 0 when done, TLS_AGAIN, or TLS_FAULT. */
int tls_handshake(struct tls *tls, postel_error *error);

/* Octets read, 0 at the end of the stream, TLS_AGAIN, or TLS_FAULT. */
ssize_t tls_read(struct tls *tls, void *data, size_t size, postel_error *error);

/*
 * Octets of the slices taken, TLS_AGAIN, or TLS_FAULT. After TLS_AGAIN the same slices must come again: the
 * record that was made of them is what is written then.
 */
ssize_t tls_write(struct tls *tls, const struct iovec *slices, int count, postel_error *error);

/* Says goodbye (close_notify) as far as that needs no waiting. */
void tls_bye(struct tls *tls);

/* After TLS_AGAIN: whether to wait for the carrier to be writable, rather than readable. */
bool tls_wants_write(const struct tls *tls);

/* Whether decrypted or undecrypted octets wait in memory, which no wait for the carrier would show. */
bool tls_has_pending(const struct tls *tls);

/* See postel_connection_tls_description() and postel_connection_tls_detail(). */
size_t tls_describe(const struct tls *tls, char *text, size_t size);
size_t tls_detail(const struct tls *tls, postel_tls_detail detail, char *text, size_t size);

#endif
