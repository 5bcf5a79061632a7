/* SPDX-License-Identifier: MIT */
/* Resolving through the system. Knows no protocol. */

#include "net/resolve.h"

#include "base/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

postel_status resolve_host(const char *host, int port, struct addrinfo **addresses, postel_error *error)
{
        char service[8];
        /* ADDRCONFIG would hide ::1 and 127.0.0.1 on a machine whose only interface is the loopback one. */
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };

        snprintf(service, sizeof(service), "%d", port);
        int result = getaddrinfo(host, service, &hints, addresses);
        if (result == 0)
                return POSTEL_OK;
        if (result == EAI_MEMORY)
                return error_set(error, POSTEL_MEMORY, POSTEL_PHASE_RESOLVE, "out of memory");
        if (result == EAI_SYSTEM)
                return error_set_system(
                        error, POSTEL_HOST_UNKNOWN, POSTEL_PHASE_RESOLVE, errno, "cannot resolve %s", host);
        return error_set(error, POSTEL_HOST_UNKNOWN, POSTEL_PHASE_RESOLVE, "cannot resolve %s: %s", host,
                gai_strerror(result));
}

static bool is_qualified(const char *name)
{
        return strchr(name, '.') && strcmp(name, "localhost.localdomain") != 0;
}

bool resolve_own_name(char *name, size_t size)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME }, *found;

        if (gethostname(name, size) != 0)
                return false;
        name[size - 1] = '\0';
        if (is_qualified(name))
                return true;
        if (getaddrinfo(name, NULL, &hints, &found) != 0)
                return false;
        bool qualified = found->ai_canonname && is_qualified(found->ai_canonname) &&
                         strlen(found->ai_canonname) < size;
        if (qualified)
                strcpy(name, found->ai_canonname);
        freeaddrinfo(found);
        return qualified;
}

bool resolve_is_address(const char *host)
{
        unsigned char address[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}
