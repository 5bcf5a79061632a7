/* SPDX-License-Identifier: MIT */
#ifndef SINK_LEDGER_H
#define SINK_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct envelope;
struct session;

struct ledger_entry {
        uint64_t number;
        const struct session *session;
        const unsigned char *digest;
        const char *body; /* the command that carried the content */
};

/* Opens the file empty; every line is then appended by one write. -1 on failure, which has been said on
 * stderr. */
int ledger_open(const char *path);

bool ledger_write(int ledger, const struct ledger_entry *entry);

#endif
