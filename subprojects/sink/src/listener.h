/* SPDX-License-Identifier: MIT */
#ifndef SINK_LISTENER_H
#define SINK_LISTENER_H

#include <stdint.h>

struct settings;

/* Listens on the loopback address of the settings; puts the port that was chosen into *port. -1 on failure,
 * which has been said on stderr. */
int listener_open(const struct settings *settings, int64_t *port);

/* The next connection, non-blocking, or -1 when there is none. */
int listener_accept(int listener);

#endif
