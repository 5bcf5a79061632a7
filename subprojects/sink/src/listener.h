/* SPDX-License-Identifier: MIT */
#ifndef SINK_LISTENER_H
#define SINK_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings;

/* A place where mail is taken: a row of the one table of them. */
struct endpoint {
        const char *name; /* of the option, and in the line that says "ready" */
        size_t field; /* in the settings: a port, or the path of a Unix socket */
        bool is_path;
        bool implicit_tls;
        bool lmtp;
};

#define ENDPOINT_COUNT 6

extern const struct endpoint endpoints[ENDPOINT_COUNT];

/* What the settings say about an endpoint. Of those that are paths there is no port, and the other way round.
 */
bool endpoint_wanted(const struct endpoint *endpoint, const struct settings *settings);
int64_t *endpoint_port(const struct endpoint *endpoint, struct settings *settings);
const char *endpoint_path(const struct endpoint *endpoint, const struct settings *settings);

/* Listens on the loopback address of the settings; puts the port that was chosen into *port. -1 on failure,
 * which has been said on stderr. */
int listener_open(const struct settings *settings, int64_t *port);

/* Listens on a Unix stream socket, in the place of one that was left behind. -1 on failure, said on stderr.
 */
int listener_open_path(const struct settings *settings, const char *path);

/* The next connection, non-blocking, or -1 when there is none. */
int listener_accept(int listener);

#endif
