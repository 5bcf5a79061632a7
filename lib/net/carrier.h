/* SPDX-License-Identifier: MIT */
#ifndef NET_CARRIER_H
#define NET_CARRIER_H

/*
 * What carries the octets of a stream, below any TLS of ours: a socket, or a transport of the caller. One
 * table of functions for each kind. Nothing but `wait` blocks. Used by stream.c and tls.c alone.
 */

#include "base/buffer.h"
#include "base/deadline.h"

#include <postel/hooks.h>

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#define CARRIER_AGAIN (-1)
#define CARRIER_FAULT (-2) /* carrier_fault() says why */

struct carrier;
struct waker;

struct carrier_kind {
        /* Octets read, 0 at the end, CARRIER_AGAIN, CARRIER_FAULT. */
        ssize_t (*read)(struct carrier *carrier, void *data, size_t size);

        /* Octets taken, never 0. After CARRIER_AGAIN the same octets must come again. */
        ssize_t (*write)(struct carrier *carrier, const struct iovec *slices, int count);

        /* Waits for any of the events of poll(). POSTEL_OK, POSTEL_TIMEOUT, POSTEL_INTERRUPTED, POSTEL_IO. */
        postel_status (*wait)(
                struct carrier *carrier, short events, struct deadline deadline, postel_error *error);

        /* Whether there is something to read right now, or an end, or a fault. */
        bool (*is_readable)(struct carrier *carrier);

        void (*close)(struct carrier *carrier);
};

struct carrier {
        const struct carrier_kind *kind; /* NULL: not connected */
        int wake_fd; /* becomes readable by an interrupt */
        atomic_bool interrupted;
        int system_error; /* errno of the last read or write that failed, or 0 */

        int fd; /* of a socket, or -1 */

        const postel_transport *transport; /* of the caller */
        void *handle; /* what its open() gave */
        struct waker *_Atomic waker; /* NULL until open() has returned; lives as long as the carrier */
        struct buffer gathered; /* small slices for one write() */
        size_t in_flight; /* octets that write() did not take and will be given again */
};

/* POSTEL_IO: no descriptor is left. Deinit in every case. */
postel_status carrier_init(struct carrier *carrier, postel_error *error);
void carrier_deinit(struct carrier *carrier); /* it is closed */

/* The error of a read or write that failed. */
postel_status carrier_fault(
        const struct carrier *carrier, postel_status status, postel_phase phase, postel_error *error);

/* Closes; a carrier that is not connected may be closed again. */
void carrier_close(struct carrier *carrier);

/* From any thread, for good: every wait from now on ends with POSTEL_INTERRUPTED. */
void carrier_interrupt(struct carrier *carrier);

postel_status carrier_is_interrupted(postel_error *error); /* the error of it */

/* poll() on one descriptor, which need not be the carrier's, that an interrupt ends too. */
postel_status carrier_poll(
        struct carrier *carrier, int fd, short events, struct deadline deadline, postel_error *error);

/* ---- socket.c ---- */

/* The address's socket. POSTEL_CONNECT, POSTEL_TIMEOUT, POSTEL_INTERRUPTED, POSTEL_IO: not connected. */
postel_status socket_connect(struct carrier *carrier, const struct addrinfo *address, int buffer_octets,
        struct deadline deadline, postel_error *error);
postel_status socket_connect_unix(struct carrier *carrier, const char *path, int buffer_octets,
        struct deadline deadline, postel_error *error);

/* ---- transport.c ---- */

/* POSTEL_CONNECT, POSTEL_MEMORY: not connected. */
postel_status transport_open(struct carrier *carrier, const postel_transport *transport, void *user_data,
        const char *host, int port, struct deadline deadline, postel_error *error);

/* Whether TLS is the transport's own affair; then its start_tls(). POSTEL_TLS. */
bool transport_has_tls(const struct carrier *carrier);
postel_status transport_start_tls(
        struct carrier *carrier, const char *server_name, struct deadline deadline, postel_error *error);

/* From any thread. */
void transport_wake(struct carrier *carrier);

void transport_deinit(struct carrier *carrier);

#endif
