/* SPDX-License-Identifier: MIT */
/* Sockets, of TCP and of the Unix kind: connecting within a deadline, and the octets. */

#include "net/carrier.h"

#include "base/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How often a Unix socket is tried again whose queue is full: nothing tells when it no longer is. */
#define FULL_QUEUE_MS 10

static ssize_t failed(struct carrier *carrier)
{
        if (errno == EAGAIN || errno == EWOULDBLOCK)
                return CARRIER_AGAIN;
        carrier->system_error = errno;
        return CARRIER_FAULT;
}

static ssize_t socket_read(struct carrier *carrier, void *data, size_t size)
{
        ssize_t got;

        do {
                got = recv(carrier->fd, data, size, MSG_DONTWAIT);
        } while (got < 0 && errno == EINTR);
        return got < 0 ? failed(carrier) : got;
}

static ssize_t socket_write(struct carrier *carrier, const struct iovec *slices, int count)
{
        struct msghdr message = { .msg_iov = (struct iovec *)slices, .msg_iovlen = (size_t)count };
        ssize_t put;

        do {
                put = sendmsg(carrier->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (put < 0 && errno == EINTR);
        return put < 0 ? failed(carrier) : put;
}

static postel_status socket_wait(
        struct carrier *carrier, short events, struct deadline deadline, postel_error *error)
{
        return carrier_poll(carrier, carrier->fd, events, deadline, error);
}

static bool socket_is_readable(struct carrier *carrier)
{
        struct pollfd polled = { .fd = carrier->fd, .events = POLLIN };

        return poll(&polled, 1, 0) > 0;
}

static void socket_close(struct carrier *carrier)
{
        close(carrier->fd);
        carrier->fd = -1;
}

static const struct carrier_kind socket_kind = { socket_read, socket_write, socket_wait, socket_is_readable,
        socket_close };

static int socket_new(int family, int protocol, int buffer_octets)
{
        const int on = 1;
        int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

        if (fd < 0)
                return -1;
        /* Flights are written whole: holding back the last segment for an acknowledgement (Nagle) only costs
         * time. */
        if (family != AF_UNIX)
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (buffer_octets) {
                setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_octets, sizeof(buffer_octets));
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_octets, sizeof(buffer_octets));
        }
        return fd;
}

/* What is connected to, and its name for errors. */
struct destination {
        const struct sockaddr *address;
        socklen_t size;
        const char *text;
};

/* errno of the connection, 0 for none, in *result; a status but POSTEL_OK when there was no end in time. */
static postel_status connect_in_time(struct carrier *carrier, const struct destination *to,
        struct deadline deadline, int *result, postel_error *error)
{
        socklen_t size = sizeof(*result);

        *result = 0;
        while (connect(carrier->fd, to->address, to->size) != 0) {
                if (errno == EINPROGRESS) {
                        postel_status status = carrier_poll(carrier, carrier->fd, POLLOUT, deadline, error);
                        getsockopt(carrier->fd, SOL_SOCKET, SO_ERROR, result, &size);
                        return status;
                }
                if (errno != EAGAIN || to->address->sa_family != AF_UNIX) {
                        *result = errno;
                        return POSTEL_OK;
                }
                struct deadline again = deadline_earlier(deadline, deadline_after_ms(FULL_QUEUE_MS));
                postel_status status = carrier_poll(carrier, -1, 0, again, error);
                if (status != POSTEL_TIMEOUT || deadline_passed(deadline))
                        return status;
        }
        return POSTEL_OK;
}

/* Connects carrier->fd, which is closed again on failure. */
static postel_status connect_to(
        struct carrier *carrier, const struct destination *to, struct deadline deadline, postel_error *error)
{
        int result;

        if (carrier->fd < 0)
                return error_set_system(
                        error, POSTEL_IO, POSTEL_PHASE_CONNECT, errno, "no socket for %s", to->text);
        postel_status status = connect_in_time(carrier, to, deadline, &result, error);
        if (status == POSTEL_TIMEOUT)
                error_set(error, status, POSTEL_PHASE_CONNECT, "%s did not answer in time", to->text);
        else if (status == POSTEL_OK && result)
                status = error_set_system(error, POSTEL_CONNECT, POSTEL_PHASE_CONNECT, result,
                        "cannot connect to %s", to->text);
        if (status == POSTEL_OK)
                carrier->kind = &socket_kind;
        else
                socket_close(carrier);
        return status;
}

static void address_text(const struct addrinfo *address, char *text, size_t size)
{
        char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";

        getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
        snprintf(text, size, address->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

postel_status socket_connect(struct carrier *carrier, const struct addrinfo *address, int buffer_octets,
        struct deadline deadline, postel_error *error)
{
        char text[INET6_ADDRSTRLEN + 16];
        const struct destination to = { address->ai_addr, address->ai_addrlen, text };

        address_text(address, text, sizeof(text));
        carrier->fd = socket_new(address->ai_family, address->ai_protocol, buffer_octets);
        return connect_to(carrier, &to, deadline, error);
}

postel_status socket_connect_unix(struct carrier *carrier, const char *path, int buffer_octets,
        struct deadline deadline, postel_error *error)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const struct destination to = { (const struct sockaddr *)&address, sizeof(address), path };

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_CONNECT, "socket path: is too long");
        strcpy(address.sun_path, path);
        carrier->fd = socket_new(AF_UNIX, 0, buffer_octets);
        return connect_to(carrier, &to, deadline, error);
}
