/* SPDX-License-Identifier: MIT */
/* What sockets and transports of the caller have in common. */

#include "net/carrier.h"

#include "base/status.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* More than this is no small slice: it is written from where it lies. */
#define GATHERED_MAX_OCTETS 16384

postel_status carrier_init(struct carrier *carrier, postel_error *error)
{
        *carrier = (struct carrier){ .fd = -1, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
        buffer_init(&carrier->gathered, GATHERED_MAX_OCTETS);
        if (carrier->wake_fd < 0)
                return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "no descriptor is left");
        return POSTEL_OK;
}

void carrier_deinit(struct carrier *carrier)
{
        if (carrier->wake_fd >= 0)
                close(carrier->wake_fd);
        carrier->wake_fd = -1;
        buffer_deinit(&carrier->gathered);
        transport_deinit(carrier);
}

postel_status carrier_fault(
        const struct carrier *carrier, postel_status status, postel_phase phase, postel_error *error)
{
        if (!carrier->system_error)
                return error_set(error, status, phase, "the connection was lost: the transport failed");
        return error_set_system(error, status, phase, carrier->system_error, "the connection was lost");
}

void carrier_close(struct carrier *carrier)
{
        if (!carrier->kind)
                return;
        carrier->kind->close(carrier);
        carrier->kind = NULL;
}

void carrier_interrupt(struct carrier *carrier)
{
        const uint64_t one = 1;

        atomic_store(&carrier->interrupted, true);
        /* Can only fail when the counter is full, and then the descriptor is readable already. */
        ssize_t ignored = write(carrier->wake_fd, &one, sizeof(one));
        (void)ignored;
        transport_wake(carrier);
}

postel_status carrier_is_interrupted(postel_error *error)
{
        return error_set(error, POSTEL_INTERRUPTED, POSTEL_PHASE_NONE, "interrupted");
}

postel_status carrier_poll(
        struct carrier *carrier, int fd, short events, struct deadline deadline, postel_error *error)
{
        struct pollfd polled[] = {
                { .fd = fd, .events = events },
                { .fd = carrier->wake_fd, .events = POLLIN },
        };
        int ready;

        do {
                ready = poll(polled, 2, deadline_poll_ms(deadline));
        } while (ready < 0 && errno == EINTR);
        if (ready < 0)
                return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "poll failed");
        if (atomic_load(&carrier->interrupted))
                return carrier_is_interrupted(error);
        if (ready == 0)
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the time ran out");
        return POSTEL_OK;
}
