/* SPDX-License-Identifier: MIT */
#ifndef NET_STREAM_H
#define NET_STREAM_H

/*
 * A connection to a server, plain or within TLS. Reading and writing never block: what would is STREAM_AGAIN,
 * and stream_wait() waits until it is worth another try. Only stream_interrupt() may be called by another
 * thread.
 */

#include "base/deadline.h"
#include "net/carrier.h"
#include "net/tls.h"

#include <postel/error.h>

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct stream {
        struct carrier carrier;
        struct tls *tls; /* of ours; NULL: none */
        bool carrier_has_tls; /* the caller's transport is protected by itself */
        bool read_wants_write, write_wants_read; /* TLS may need the other direction to go on */
};

struct stream_address {
        const char *host;
        int port;
        int socket_buffer; /* octets for SO_SNDBUF and SO_RCVBUF; 0: the system's */
        const char *socket_path; /* NULL: TCP */
        const postel_transport *transport; /* NULL: a socket */
        void *transport_data;
};

/* A stream that is not connected. POSTEL_IO: no descriptor left. */
postel_status stream_init(struct stream *stream, postel_error *error);

/* Closes without a word. */
void stream_deinit(struct stream *stream);

bool stream_is_open(const struct stream *stream);

/* Whether verified TLS is around it, be it ours or the caller's. */
bool stream_is_protected(const struct stream *stream);

/* The addresses, for freeaddrinfo(), NULL where none are needed; then a connection to the first that answers,
 * by the deadline of the call and within phase_ms for each. */
postel_status stream_resolve(
        const struct stream_address *address, struct addrinfo **found, postel_error *error);
postel_status stream_connect(struct stream *stream, const struct stream_address *address,
        const struct addrinfo *found, struct deadline deadline, int phase_ms, postel_error *error);

/* Shakes hands; the stream must be plain, with nothing waiting to be read. */
postel_status stream_start_tls(struct stream *stream, const struct tls_trust *trust, const char *server_name,
        struct deadline deadline, postel_error *error);

#define STREAM_AGAIN (-1)
#define STREAM_FAULT (-2) /* the error says why */

/* Octets read, 0 at the end of the stream, STREAM_AGAIN, or STREAM_FAULT. */
ssize_t stream_read(struct stream *stream, void *data, size_t size, postel_error *error);

/* Octets of the slices taken, STREAM_AGAIN, or STREAM_FAULT. After STREAM_AGAIN the same octets must come
 * again. */
ssize_t stream_write(struct stream *stream, const struct iovec *slices, int count, postel_error *error);

/*
 * Waits until reading may give something or, if asked, writing may take something. POSTEL_OK, POSTEL_TIMEOUT,
 * POSTEL_INTERRUPTED, POSTEL_IO.
 */
postel_status stream_wait(struct stream *stream, bool writing, struct deadline deadline, postel_error *error);

/* Waits until `fd`, which is not the stream's, has something to read: for content that comes from a pipe. */
postel_status stream_wait_for_input(
        struct stream *stream, int fd, struct deadline deadline, postel_error *error);

/* Between waits: POSTEL_OK while there is time and nobody has interrupted; else POSTEL_TIMEOUT or
 * POSTEL_INTERRUPTED. */
postel_status stream_check(const struct stream *stream, struct deadline deadline, postel_error *error);

/* Whether there is something to read right now, or an end. One look at the carrier at most. */
bool stream_is_readable(struct stream *stream);

/* Ends TLS as far as that needs no waiting, then closes. */
void stream_close(struct stream *stream);

/* Closes without a word. */
void stream_drop(struct stream *stream);

/* From any thread, for good: every wait from now on ends with POSTEL_INTERRUPTED. */
void stream_interrupt(struct stream *stream);
bool stream_is_interrupted(const struct stream *stream);

/* The address literal (RFC 5321 section 4.1.3) of our end. False: there is none. */
bool stream_own_literal(const struct stream *stream, char *literal, size_t size);

#endif
