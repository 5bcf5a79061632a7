/* SPDX-License-Identifier: MIT */
/* Listening sockets, and the one table of those that take mail. The address was checked to be loopback when
 * the option was read. */
#include "listener.h"

#include "settings.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     4096
#define FIELD(name) offsetof(struct settings, name)

const struct endpoint endpoints[ENDPOINT_COUNT] = {
        { .name = "smtp", .field = FIELD(smtp_port) },
        { .name = "smtps", .field = FIELD(smtps_port), .implicit_tls = true },
        { .name = "lmtp", .field = FIELD(lmtp_port), .lmtp = true },
        { .name = "lmtps", .field = FIELD(lmtps_port), .lmtp = true, .implicit_tls = true },
        { .name = "smtp-socket", .field = FIELD(smtp_socket), .is_path = true },
        { .name = "lmtp-socket", .field = FIELD(lmtp_socket), .is_path = true, .lmtp = true },
};

int64_t *endpoint_port(const struct endpoint *endpoint, struct settings *settings)
{
        return (int64_t *)(void *)((char *)settings + endpoint->field);
}

const char *endpoint_path(const struct endpoint *endpoint, const struct settings *settings)
{
        return *(char *const *)(const void *)((const char *)settings + endpoint->field);
}

bool endpoint_wanted(const struct endpoint *endpoint, const struct settings *settings)
{
        if (endpoint->is_path)
                return endpoint_path(endpoint, settings) != NULL;
        return *(const int64_t *)(const void *)((const char *)settings + endpoint->field) >= 0;
}

static struct addrinfo *resolve(const char *address, int64_t port)
{
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
        struct addrinfo *found = NULL;
        char service[8];

        snprintf(service, sizeof service, "%u", (unsigned)(uint16_t)port);
        if (getaddrinfo(address, service, &hints, &found) != 0)
                return NULL;
        return found;
}

static int64_t port_of(int fd)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof address;

        if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
                return -1;
        if (address.ss_family == AF_INET6)
                return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int listener_open(const struct settings *settings, int64_t *port)
{
        struct addrinfo *found = resolve(settings->listen_address, *port);
        int one = 1, octets = (int)settings->socket_buffer, fd = -1;

        if (found != NULL)
                fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0) {
                setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
                /* The window that a client is offered is settled before accept. */
                if (octets > 0)
                        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
                if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
                        int reason = errno;

                        close(fd);
                        fd = -1;
                        errno = reason;
                }
        }
        if (fd < 0)
                fprintf(stderr, "postel-sink: cannot listen on %s port %u: %s\n", settings->listen_address,
                        (unsigned)(uint16_t)*port, strerror(errno));
        else
                *port = port_of(fd);
        if (found != NULL)
                freeaddrinfo(found);
        return fd;
}

int listener_open_path(const struct settings *settings, const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int octets = (int)settings->socket_buffer;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct stat status;

        if (fd >= 0 && octets > 0)
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
        /* Nothing but a socket is ever removed. */
        if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
                unlink(path);
        snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0)
                return fd;
        fprintf(stderr, "postel-sink: cannot listen on %s: %s\n", path, strerror(errno));
        if (fd >= 0)
                close(fd);
        return -1;
}

int listener_accept(int listener)
{
        return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
