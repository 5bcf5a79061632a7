/* SPDX-License-Identifier: MIT */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <postel/error.h>

#include <stdbool.h>
#include <stdint.h>

/* How a batch gets on, in one line of a terminal. Used by one thread at a time. */
struct progress {
        bool is_on;
        bool is_shown; /* the line is on the terminal */
        unsigned long long total_octets; /* of the input; 0: not known */
        unsigned long long octets; /* of the messages that are done */
        unsigned long long messages;
        unsigned long long sent, partly, refused, deferred, unknown, failed; /* of these */
        int64_t started_ms;
        int64_t drawn_ms;
        unsigned long long messages_drawn;
        double rate; /* messages a second of late */
};

/* How often the line is drawn. */
#define PROGRESS_INTERVAL_MS 100

/* `is_wanted`: where standard error is a terminal. */
void progress_init(struct progress *progress, bool is_wanted, unsigned long long total_octets);

/* A message is done, which was a line of so many octets. */
void progress_count(struct progress *progress, postel_status status, unsigned long long octets);

/* Draws the line if it is time to. */
void progress_draw(struct progress *progress);

/* Takes the line away before something else is written to the terminal. */
void progress_clear(struct progress *progress);

/* A last line on standard error with the numbers of messages. */
void progress_summary(const struct progress *progress);

#endif
