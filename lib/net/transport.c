/* SPDX-License-Identifier: MIT */
/* Streams of the caller (hooks.h). What its functions return is not trusted further than their contract. */

#include "net/carrier.h"

#include "base/lock.h"
#include "base/status.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* What cannot be woken looks up so often. */
#define UNWOKEN_MS 50

#define REASON_SIZE 256

/* Between an interrupt and close(): neither comes while the other is under way. */
struct waker {
        struct lock lock; /* held over wake() */
        bool is_open; /* guarded by lock */
};

/* A number of octets out of bounds is as good as no answer. */
static ssize_t checked(struct carrier *carrier, long long result, size_t size)
{
        carrier->system_error = 0;
        if (result == POSTEL_TRANSPORT_AGAIN)
                return CARRIER_AGAIN;
        if (result < 0 || (unsigned long long)result > size)
                return CARRIER_FAULT;
        return (ssize_t)result;
}

static ssize_t transport_read(struct carrier *carrier, void *data, size_t size)
{
        return checked(carrier, carrier->transport->read(carrier->handle, data, size), size);
}

/*
 * The octets of one write: a big slice as it lies, small ones gathered. What was refused before is given
 * again with the same size. Without memory slices go one by one.
 */
static const char *gather(struct carrier *carrier, const struct iovec *slices, int count, size_t *size)
{
        struct buffer *gathered = &carrier->gathered;
        size_t limit = carrier->in_flight ? carrier->in_flight : gathered->max;

        if (count == 1 || slices[0].iov_len >= limit) {
                *size = slices[0].iov_len;
                if (carrier->in_flight && *size > carrier->in_flight)
                        *size = carrier->in_flight;
                return slices[0].iov_base;
        }
        buffer_truncate(gathered, 0);
        for (int i = 0; i < count && gathered->size < limit; i++) {
                size_t room = limit - gathered->size;
                size_t part = slices[i].iov_len < room ? slices[i].iov_len : room;
                if (!buffer_append(gathered, slices[i].iov_base, part)) {
                        *size = slices[0].iov_len;
                        return slices[0].iov_base;
                }
        }
        *size = gathered->size;
        return gathered->data;
}

static ssize_t transport_write(struct carrier *carrier, const struct iovec *slices, int count)
{
        size_t size;
        const char *octets = gather(carrier, slices, count, &size);
        ssize_t put = checked(carrier, carrier->transport->write(carrier->handle, octets, size), size);

        if (put == 0)
                put = CARRIER_AGAIN;
        carrier->in_flight = put == CARRIER_AGAIN ? size : 0;
        return put;
}

static postel_status transport_wait(
        struct carrier *carrier, short events, struct deadline deadline, postel_error *error)
{
        const postel_transport *transport = carrier->transport;
        int left;

        do {
                left = deadline_poll_ms(deadline);
                int piece = left < 0 ? INT_MAX : left;
                if (!transport->wake && piece > UNWOKEN_MS)
                        piece = UNWOKEN_MS;
                /* An interrupt says so before it wakes. */
                int ready = 0;
                if (!atomic_load(&carrier->interrupted))
                        ready = transport->wait(carrier->handle, (events & POLLOUT) != 0, piece);
                if (atomic_load(&carrier->interrupted))
                        return carrier_is_interrupted(error);
                if (ready > 0)
                        return POSTEL_OK;
                if (ready < 0) {
                        carrier->system_error = 0;
                        return carrier_fault(carrier, POSTEL_IO, POSTEL_PHASE_NONE, error);
                }
        } while (left != 0);
        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the time ran out");
}

static bool transport_is_readable(struct carrier *carrier)
{
        return carrier->transport->wait(carrier->handle, 0, 0) != 0;
}

static void transport_close(struct carrier *carrier)
{
        struct waker *waker = atomic_load(&carrier->waker);

        lock_take(&waker->lock);
        waker->is_open = false;
        lock_give(&waker->lock);
        carrier->transport->close(carrier->handle);
        carrier->handle = NULL;
        carrier->in_flight = 0;
}

static const struct carrier_kind transport_kind = { transport_read, transport_write, transport_wait,
        transport_is_readable, transport_close };

/* The caller's words behind ours; a reason that is not ended is cut. */
static postel_status refused(
        postel_status status, postel_phase phase, const char *what, char *reason, postel_error *error)
{
        reason[REASON_SIZE - 1] = '\0';
        return error_set(error, status, phase, "%s%s%s", what, *reason ? ": " : "", reason);
}

/* For functions that know no other. */
static int milliseconds(struct deadline deadline)
{
        int left = deadline_poll_ms(deadline);

        return left < 0 ? INT_MAX : left;
}

postel_status transport_open(struct carrier *carrier, const postel_transport *transport, void *user_data,
        const char *host, int port, struct deadline deadline, postel_error *error)
{
        char reason[REASON_SIZE] = "";
        void *handle = NULL;
        struct waker *waker = calloc(1, sizeof(*waker));

        if (!waker)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_CONNECT, "out of memory");
        int result = transport->open(
                user_data, host, port, milliseconds(deadline), &handle, reason, sizeof(reason));
        if (result != 0) {
                free(waker);
                return refused(
                        POSTEL_CONNECT, POSTEL_PHASE_CONNECT, "the transport cannot connect", reason, error);
        }
        carrier->kind = &transport_kind;
        carrier->transport = transport;
        carrier->handle = handle;
        lock_init(&waker->lock);
        waker->is_open = true;
        atomic_store(&carrier->waker, waker);
        return POSTEL_OK;
}

bool transport_has_tls(const struct carrier *carrier)
{
        return carrier->kind == &transport_kind && carrier->transport->start_tls;
}

postel_status transport_start_tls(
        struct carrier *carrier, const char *server_name, struct deadline deadline, postel_error *error)
{
        char reason[REASON_SIZE] = "";

        int result = carrier->transport->start_tls(
                carrier->handle, server_name, milliseconds(deadline), reason, sizeof(reason));
        if (result == 0)
                return POSTEL_OK;
        return refused(POSTEL_TLS, POSTEL_PHASE_TLS, "the transport has no trusted TLS", reason, error);
}

void transport_wake(struct carrier *carrier)
{
        struct waker *waker = atomic_load(&carrier->waker);

        if (!waker)
                return;
        lock_take(&waker->lock);
        if (waker->is_open && carrier->transport->wake)
                carrier->transport->wake(carrier->handle);
        lock_give(&waker->lock);
}

void transport_deinit(struct carrier *carrier)
{
        struct waker *waker = atomic_load(&carrier->waker);

        if (waker)
                lock_deinit(&waker->lock);
        free(waker);
        atomic_store(&carrier->waker, NULL);
}
