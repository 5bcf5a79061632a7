/* SPDX-License-Identifier: MIT */
/* Streams: a carrier, and TLS over it. Knows TLS only through tls.h, and no SMTP. */

#include "net/stream.h"

#include "base/status.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

postel_status stream_init(struct stream *stream, postel_error *error)
{
        stream->tls = NULL;
        stream->carrier_has_tls = stream->read_wants_write = stream->write_wants_read = false;
        return carrier_init(&stream->carrier, error);
}

void stream_deinit(struct stream *stream)
{
        stream_drop(stream);
        carrier_deinit(&stream->carrier);
}

bool stream_is_open(const struct stream *stream)
{
        return stream->carrier.kind != NULL;
}

bool stream_is_protected(const struct stream *stream)
{
        return stream->tls || stream->carrier_has_tls;
}

/* ---- Connecting ---- */

postel_status stream_resolve(
        const struct stream_address *address, struct addrinfo **found, postel_error *error)
{
        *found = NULL;
        if (address->transport || address->socket_path)
                return POSTEL_OK;
        return resolve_host(address->host, address->port, found, error);
}

/* The first of many addresses that answers. */
static postel_status connect_any(struct stream *stream, const struct stream_address *address,
        const struct addrinfo *found, struct deadline deadline, int phase_ms, postel_error *error)
{
        postel_status status = POSTEL_CONNECT;

        for (; found; found = found->ai_next) {
                struct deadline limit = deadline_earlier(deadline, deadline_after_ms(phase_ms));
                status = socket_connect(&stream->carrier, found, address->socket_buffer, limit, error);
                bool another = status == POSTEL_CONNECT || status == POSTEL_TIMEOUT || status == POSTEL_IO;
                if (!another || deadline_passed(deadline))
                        break;
        }
        return status;
}

postel_status stream_connect(struct stream *stream, const struct stream_address *address,
        const struct addrinfo *found, struct deadline deadline, int phase_ms, postel_error *error)
{
        struct carrier *carrier = &stream->carrier;
        struct deadline limit = deadline_earlier(deadline, deadline_after_ms(phase_ms));

        if (!address->transport && !address->socket_path)
                return connect_any(stream, address, found, deadline, phase_ms, error);
        postel_status status = stream_check(stream, deadline, error);
        if (status != POSTEL_OK)
                return status;
        if (!address->transport)
                return socket_connect_unix(
                        carrier, address->socket_path, address->socket_buffer, limit, error);
        status = transport_open(carrier, address->transport, address->transport_data, address->host,
                address->port, limit, error);
        return status == POSTEL_OK ? stream_check(stream, deadline, error) : status;
}

postel_status stream_start_tls(struct stream *stream, const struct tls_trust *trust, const char *server_name,
        struct deadline deadline, postel_error *error)
{
        assert(!stream_is_protected(stream));
        if (transport_has_tls(&stream->carrier)) {
                postel_status status = stream_check(stream, deadline, error);
                if (status == POSTEL_OK)
                        status = transport_start_tls(&stream->carrier, server_name, deadline, error);
                stream->carrier_has_tls = status == POSTEL_OK;
                return status;
        }
        postel_status status = tls_new(&stream->carrier, trust, server_name, &stream->tls, error);
        while (status == POSTEL_OK) {
                int result = tls_handshake(stream->tls, error);
                if (result == 0)
                        return POSTEL_OK;
                if (result == TLS_FAULT)
                        return error->status;
                short events = tls_wants_write(stream->tls) ? POLLOUT : POLLIN;
                status = stream->carrier.kind->wait(&stream->carrier, events, deadline, error);
        }
        return status;
}

/* ---- Waiting ---- */

postel_status stream_wait(struct stream *stream, bool writing, struct deadline deadline, postel_error *error)
{
        short events = stream->read_wants_write ? POLLIN | POLLOUT : POLLIN;

        if (writing && !stream->write_wants_read)
                events |= POLLOUT;
        return stream->carrier.kind->wait(&stream->carrier, events, deadline, error);
}

postel_status stream_wait_for_input(
        struct stream *stream, int fd, struct deadline deadline, postel_error *error)
{
        return carrier_poll(&stream->carrier, fd, POLLIN, deadline, error);
}

postel_status stream_check(const struct stream *stream, struct deadline deadline, postel_error *error)
{
        if (stream_is_interrupted(stream))
                return carrier_is_interrupted(error);
        if (deadline_passed(deadline))
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the time ran out");
        return POSTEL_OK;
}

bool stream_is_readable(struct stream *stream)
{
        if (stream->tls && tls_has_pending(stream->tls))
                return true;
        return stream->carrier.kind->is_readable(&stream->carrier);
}

/* ---- Octets ---- */

static ssize_t plain(struct stream *stream, ssize_t result, postel_error *error)
{
        if (result == CARRIER_AGAIN)
                return STREAM_AGAIN;
        if (result >= 0)
                return result;
        carrier_fault(&stream->carrier, POSTEL_IO, POSTEL_PHASE_NONE, error);
        return STREAM_FAULT;
}

ssize_t stream_read(struct stream *stream, void *data, size_t size, postel_error *error)
{
        struct carrier *carrier = &stream->carrier;

        if (!stream->tls)
                return plain(stream, carrier->kind->read(carrier, data, size), error);
        ssize_t got = tls_read(stream->tls, data, size, error);
        stream->read_wants_write = got == TLS_AGAIN && tls_wants_write(stream->tls);
        return got;
}

ssize_t stream_write(struct stream *stream, const struct iovec *slices, int count, postel_error *error)
{
        struct carrier *carrier = &stream->carrier;

        if (!stream->tls)
                return plain(stream, carrier->kind->write(carrier, slices, count), error);
        ssize_t put = tls_write(stream->tls, slices, count, error);
        stream->write_wants_read = put == TLS_AGAIN && !tls_wants_write(stream->tls);
        return put;
}

/* ---- Ending ---- */

void stream_close(struct stream *stream)
{
        if (stream->tls)
                tls_bye(stream->tls);
        stream_drop(stream);
}

void stream_drop(struct stream *stream)
{
        tls_free(&stream->tls);
        carrier_close(&stream->carrier);
}

void stream_interrupt(struct stream *stream)
{
        carrier_interrupt(&stream->carrier);
}

bool stream_is_interrupted(const struct stream *stream)
{
        return atomic_load(&stream->carrier.interrupted);
}

bool stream_own_literal(const struct stream *stream, char *literal, size_t size)
{
        struct sockaddr_storage own;
        socklen_t own_size = sizeof(own);
        char text[INET6_ADDRSTRLEN];

        if (getsockname(stream->carrier.fd, (struct sockaddr *)&own, &own_size) != 0 ||
                (own.ss_family != AF_INET && own.ss_family != AF_INET6) ||
                getnameinfo((struct sockaddr *)&own, own_size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
                        0)
                return false;
        /* The scope of a link-local address means nothing to the other side. */
        text[strcspn(text, "%")] = '\0';
        snprintf(literal, size, own.ss_family == AF_INET6 ? "[IPv6:%s]" : "[%s]", text);
        return true;
}
