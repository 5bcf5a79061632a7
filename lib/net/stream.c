/* SPDX-License-Identifier: MIT */
/* Sockets with deadlines. Knows TLS only through tls.h, and no SMTP. */

#include "net/stream.h"

#include "base/status.h"
#include "net/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

postel_status stream_init(struct stream *stream, postel_error *error)
{
        *stream = (struct stream){ .fd = -1, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
        if (stream->wake_fd < 0)
                return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "no descriptor is left");
        return POSTEL_OK;
}

void stream_deinit(struct stream *stream)
{
        stream_drop(stream);
        if (stream->wake_fd >= 0)
                close(stream->wake_fd);
        stream->wake_fd = -1;
}

/* POSTEL_OK when any of the events is there, without saying which: the next try finds out. */
static postel_status wait_for(
        struct stream *stream, int fd, short events, struct deadline deadline, postel_error *error)
{
        struct pollfd polled[] = {
                { .fd = fd, .events = events },
                { .fd = stream->wake_fd, .events = POLLIN },
        };
        int ready;

        do {
                ready = poll(polled, 2, deadline_poll_ms(deadline));
        } while (ready < 0 && errno == EINTR);
        if (ready < 0)
                return error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "poll failed");
        if (stream_is_interrupted(stream))
                return error_set(error, POSTEL_INTERRUPTED, POSTEL_PHASE_NONE, "interrupted");
        if (ready == 0)
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the time ran out");
        return POSTEL_OK;
}

postel_status stream_wait(struct stream *stream, bool writing, struct deadline deadline, postel_error *error)
{
        short events = stream->read_wants_write ? POLLIN | POLLOUT : POLLIN;

        if (writing && !stream->write_wants_read)
                events |= POLLOUT;
        return wait_for(stream, stream->fd, events, deadline, error);
}

postel_status stream_wait_for_input(
        struct stream *stream, int fd, struct deadline deadline, postel_error *error)
{
        return wait_for(stream, fd, POLLIN, deadline, error);
}

postel_status stream_check(const struct stream *stream, struct deadline deadline, postel_error *error)
{
        if (stream_is_interrupted(stream))
                return error_set(error, POSTEL_INTERRUPTED, POSTEL_PHASE_NONE, "interrupted");
        if (deadline_passed(deadline))
                return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the time ran out");
        return POSTEL_OK;
}

bool stream_is_readable(struct stream *stream)
{
        struct pollfd polled = { .fd = stream->fd, .events = POLLIN };

        if (stream->tls && tls_has_pending(stream->tls))
                return true;
        return poll(&polled, 1, 0) > 0;
}

postel_status stream_resolve(
        const struct stream_address *address, struct addrinfo **found, postel_error *error)
{
        return resolve_host(address->host, address->port, found, error);
}

static int socket_new(const struct addrinfo *address, int socket_buffer)
{
        const int on = 1;
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);

        if (fd < 0)
                return -1;
        /* Flights are written whole: holding back the last segment for an acknowledgement (Nagle) only costs
         * time. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (socket_buffer) {
                setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof(socket_buffer));
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof(socket_buffer));
        }
        return fd;
}

static void address_text(const struct addrinfo *address, char *text, size_t size)
{
        char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";

        getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
        snprintf(text, size, address->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* Connects the stream's socket. On failure the socket is closed again. */
static postel_status connect_one(struct stream *stream, const struct addrinfo *address, int socket_buffer,
        struct deadline deadline, postel_error *error)
{
        char text[INET6_ADDRSTRLEN + 16];
        int result = 0;
        socklen_t result_size = sizeof(result);

        address_text(address, text, sizeof(text));
        stream->fd = socket_new(address, socket_buffer);
        if (stream->fd < 0)
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_CONNECT, errno, "no socket for %s", text);

        postel_status status = POSTEL_OK;
        if (connect(stream->fd, address->ai_addr, address->ai_addrlen) != 0) {
                if (errno == EINPROGRESS) {
                        status = wait_for(stream, stream->fd, POLLOUT, deadline, error);
                        getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &result, &result_size);
                } else {
                        result = errno;
                }
        }
        if (status == POSTEL_TIMEOUT)
                error_set(error, status, POSTEL_PHASE_CONNECT, "%s did not answer in time", text);
        else if (status == POSTEL_OK && result)
                status = error_set_system(
                        error, POSTEL_CONNECT, POSTEL_PHASE_CONNECT, result, "cannot connect to %s", text);
        if (status != POSTEL_OK) {
                close(stream->fd);
                stream->fd = -1;
        }
        return status;
}

postel_status stream_connect(struct stream *stream, const struct stream_address *address,
        const struct addrinfo *found, struct deadline deadline, int phase_ms, postel_error *error)
{
        postel_status status = POSTEL_CONNECT;

        for (; found; found = found->ai_next) {
                struct deadline limit = deadline_earlier(deadline, deadline_after_ms(phase_ms));
                status = connect_one(stream, found, address->socket_buffer, limit, error);
                bool another = status == POSTEL_CONNECT || status == POSTEL_TIMEOUT || status == POSTEL_IO;
                if (!another || deadline_passed(deadline))
                        break;
        }
        return status;
}

postel_status stream_start_tls(struct stream *stream, const struct tls_trust *trust, const char *server_name,
        struct deadline deadline, postel_error *error)
{
        assert(!stream->tls);
        postel_status status = tls_new(stream->fd, trust, server_name, &stream->tls, error);

        while (status == POSTEL_OK) {
                int result = tls_handshake(stream->tls, error);
                if (result == 0)
                        return POSTEL_OK;
                if (result == TLS_FAULT)
                        return error->status;
                short events = tls_wants_write(stream->tls) ? POLLOUT : POLLIN;
                status = wait_for(stream, stream->fd, events, deadline, error);
        }
        return status;
}

static ssize_t plain_read(struct stream *stream, void *data, size_t size, postel_error *error)
{
        ssize_t got;

        do {
                got = recv(stream->fd, data, size, MSG_DONTWAIT);
        } while (got < 0 && errno == EINTR);
        if (got >= 0)
                return got;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
                return STREAM_AGAIN;
        error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "the connection was lost");
        return STREAM_FAULT;
}

static ssize_t plain_write(struct stream *stream, const struct iovec *slices, int count, postel_error *error)
{
        struct msghdr message = { .msg_iov = (struct iovec *)slices, .msg_iovlen = (size_t)count };
        ssize_t put;

        do {
                put = sendmsg(stream->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (put < 0 && errno == EINTR);
        if (put >= 0)
                return put;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
                return STREAM_AGAIN;
        error_set_system(error, POSTEL_IO, POSTEL_PHASE_NONE, errno, "the connection was lost");
        return STREAM_FAULT;
}

ssize_t stream_read(struct stream *stream, void *data, size_t size, postel_error *error)
{
        if (!stream->tls)
                return plain_read(stream, data, size, error);
        ssize_t got = tls_read(stream->tls, data, size, error);
        stream->read_wants_write = got == TLS_AGAIN && tls_wants_write(stream->tls);
        return got;
}

ssize_t stream_write(struct stream *stream, const struct iovec *slices, int count, postel_error *error)
{
        if (!stream->tls)
                return plain_write(stream, slices, count, error);
        ssize_t put = tls_write(stream->tls, slices, count, error);
        stream->write_wants_read = put == TLS_AGAIN && !tls_wants_write(stream->tls);
        return put;
}

void stream_close(struct stream *stream)
{
        if (stream->tls)
                tls_bye(stream->tls);
        stream_drop(stream);
}

void stream_drop(struct stream *stream)
{
        tls_free(&stream->tls);
        if (stream->fd >= 0)
                close(stream->fd);
        stream->fd = -1;
}

void stream_interrupt(struct stream *stream)
{
        const uint64_t one = 1;

        atomic_store(&stream->interrupted, true);
        /* Can only fail when the counter is full, and then the descriptor is readable already. */
        ssize_t ignored = write(stream->wake_fd, &one, sizeof(one));
        (void)ignored;
}

bool stream_is_interrupted(const struct stream *stream)
{
        return atomic_load(&stream->interrupted);
}

bool stream_own_literal(const struct stream *stream, char *literal, size_t size)
{
        struct sockaddr_storage own;
        socklen_t own_size = sizeof(own);
        char text[INET6_ADDRSTRLEN];

        if (getsockname(stream->fd, (struct sockaddr *)&own, &own_size) != 0 ||
                getnameinfo((struct sockaddr *)&own, own_size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) !=
                        0)
                return false;
        /* The scope of a link-local address means nothing to the other side. */
        text[strcspn(text, "%")] = '\0';
        snprintf(literal, size, own.ss_family == AF_INET6 ? "[IPv6:%s]" : "[%s]", text);
        return true;
}
