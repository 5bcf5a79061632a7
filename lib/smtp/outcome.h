/* SPDX-License-Identifier: MIT */
#ifndef SMTP_OUTCOME_H
#define SMTP_OUTCOME_H

/*
 * The one place that decides what became of each recipient. It is told, in the order in which it happens,
 * what the server said and what was lost, and remembers the words.
 */

#include "base/buffer.h"
#include "wire/reply.h"

#include <postel/result.h>

#define OUTCOME_TEXT_MAX_OCTETS 1024
#define QUEUE_ID_MAX            128

struct reply;

struct verdict {
        bool decided;
        bool taken; /* RCPT was accepted: what comes of it is decided by the final reply */
        postel_outcome outcome;
        postel_phase phase;
        int code;
        char enhanced[ENHANCED_MAX];
        size_t text_at, text_size; /* in texts */
};

struct outcome_log {
        struct buffer verdicts; /* of struct verdict, one for each recipient */
        struct buffer texts;
        size_t count;
        size_t taken; /* recipients that were accepted and wait for the final reply */
        bool end_sent; /* the last octet of the end of the message was written */
        postel_status fault; /* POSTEL_OK, or why recipients are NOT_SENT */
        int system_error; /* of the fault */
        size_t last_text_at, last_text_size;
        char queue_id[QUEUE_ID_MAX];
};

void outcome_init(struct outcome_log *log);
void outcome_deinit(struct outcome_log *log);
void outcome_trim(struct outcome_log *log);

/* A new message to `count` recipients, none decided. POSTEL_MEMORY. */
postel_status outcome_begin(struct outcome_log *log, size_t count, postel_error *error);

/* The server's reply to RCPT of one recipient, 2yz to 5yz without 3yz. */
void outcome_recipient(struct outcome_log *log, size_t recipient, const struct reply *reply);

/* The server refused MAIL, DATA or the content with 4yz or 5yz: so it did everybody who is not decided. */
void outcome_refused(struct outcome_log *log, postel_phase phase, const struct reply *reply);

/* The final reply 2yz: everybody who was taken is accepted. */
void outcome_accepted(struct outcome_log *log, const struct reply *reply);

/* The end of the message was written: from here on, what is lost is unknown. */
void outcome_end_sent(struct outcome_log *log);

/*
 * Nothing more will be heard, because of `fault`, or because the server said 421. Who was taken is UNKNOWN
 * once the end was sent, everybody else who is not decided is NOT_SENT.
 */
void outcome_lost(struct outcome_log *log, const postel_error *fault);
void outcome_closed(struct outcome_log *log, postel_phase phase, const struct reply *reply);

/* Everybody is decided: the status of the send, as result.h has it. Any but POSTEL_OK is put into words in
 * the error. */
postel_status outcome_status(const struct outcome_log *log, postel_error *error);

/* Whose verdict gave the status. */
size_t outcome_decisive(const struct outcome_log *log);

const struct verdict *outcome_verdict(const struct outcome_log *log, size_t recipient);

/* Whether every recipient is NOT_SENT. */
bool outcome_nothing_sent(const struct outcome_log *log);

#endif
