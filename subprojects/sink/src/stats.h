/* SPDX-License-Identifier: MIT */
#ifndef SINK_STATS_H
#define SINK_STATS_H

#include "commands.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

typedef _Atomic uint64_t counter;

/* Counters of the whole process. Octets are those of SMTP, inside of TLS. */
struct stats {
        counter connections;
        counter open_connections; /* admitted and neither closed nor on the way to it */
        counter peak_connections;
        counter tls_handshakes;
        counter authentications;
        counter transactions; /* MAIL commands that were accepted */
        counter messages;
        counter recipients_accepted;
        counter recipients_refused;
        counter bare_newlines;
        counter bytes_in;
        counter bytes_out;
        counter round_trips; /* flushes of replies after all input there was had been read */
        counter commands[COMMAND_COUNT];
};

void stats_add(counter *value, uint64_t more);
void stats_subtract(counter *value, uint64_t less);

/* Admits a connection unless there are `most` (0: any number) already. */
bool stats_admit(struct stats *stats, uint64_t most);
void stats_leave(struct stats *stats);

void stats_reset(struct stats *stats);
void stats_json(const struct stats *stats, struct buffer *buffer);

#endif
