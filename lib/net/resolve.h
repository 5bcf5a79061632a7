/* SPDX-License-Identifier: MIT */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

/* Names and addresses of hosts. These block for as long as the system's resolver does. */

#include <postel/error.h>

#include <netdb.h>
#include <stdbool.h>

/* The stream addresses of a host. POSTEL_OK: *addresses is the caller's, for freeaddrinfo().
 * POSTEL_HOST_UNKNOWN. */
postel_status resolve_host(const char *host, int port, struct addrinfo **addresses, postel_error *error);

/* The fully qualified name of this host. False: it has none that a resolver or the kernel knows. */
bool resolve_own_name(char *name, size_t size);

/* Whether `host` is an IP address rather than a name. */
bool resolve_is_address(const char *host);

#endif
