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

/* How far a recipient has come. */
enum progress {
        PROGRESS_OPEN, /* waits for a transaction */
        PROGRESS_MEMBER, /* of the present transaction: RCPT is to be answered */
        PROGRESS_TAKEN, /* RCPT was accepted: what comes of it is decided by the final reply */
        PROGRESS_DECIDED
};

struct verdict {
        unsigned transaction; /* the last one that it was a member of */
        enum progress progress;
        postel_outcome outcome;
        bool lost; /* NOT_SENT by a fault, not by a choice of the caller */
        postel_phase phase;
        int code;
        char enhanced[ENHANCED_MAX];
        size_t text_at, text_size; /* in texts */
        size_t queue_at, queue_size; /* the queue id, in texts */
};

struct outcome_log {
        struct buffer verdicts; /* of struct verdict, one for each recipient */
        struct buffer texts;
        size_t count;
        unsigned transaction; /* the number of the present one */
        size_t open; /* recipients that wait for a transaction */
        size_t taken; /* of the present transaction, waiting for the final reply */
        bool end_sent; /* the last octet of the end of the message was written, in the present transaction */
        postel_status fault; /* POSTEL_OK, or why recipients are NOT_SENT */
        int system_error; /* of the fault */
        size_t last_text_at, last_text_size;
        size_t first_queue; /* the first recipient that has a queue id; count: nobody */
};

void outcome_init(struct outcome_log *log);
void outcome_deinit(struct outcome_log *log);
void outcome_trim(struct outcome_log *log);

/* A new message to `count` recipients, none decided. POSTEL_MEMORY. */
postel_status outcome_begin(struct outcome_log *log, size_t count, postel_error *error);

/* A transaction begins, whose members are then added. Nobody is a member of another one. */
void outcome_begin_transaction(struct outcome_log *log);
void outcome_add_member(struct outcome_log *log, size_t recipient);

/* Whether it is, or was, a member of the present transaction. */
bool outcome_is_member(const struct outcome_log *log, size_t recipient);

/* The first recipient from `from` on that has come just so far; log->count when there is none. */
size_t outcome_next(const struct outcome_log *log, enum progress progress, size_t from);

/* The server's reply to RCPT of one member, 2yz to 5yz without 3yz. */
void outcome_recipient(struct outcome_log *log, size_t recipient, const struct reply *reply);

/* A member that was refused, or not answered, waits for another transaction. */
void outcome_postpone(struct outcome_log *log, size_t recipient);

/* The server refused MAIL, DATA or the content with 4yz or 5yz: so it did every member that is not decided.
 */
void outcome_refused(struct outcome_log *log, postel_phase phase, const struct reply *reply);

/* The final reply 2yz: everybody who was taken is accepted. */
void outcome_accepted(struct outcome_log *log, const struct reply *reply);

/* LMTP: the final reply of one recipient who was taken, 2yz, 4yz or 5yz (RFC 2033 section 4.2). */
void outcome_final(struct outcome_log *log, size_t recipient, const struct reply *reply);

/* All or none: since somebody was refused, nobody else gets it. */
void outcome_withhold(struct outcome_log *log);

/* What was not sent because of a fault may be tried again: its recipients are open. */
void outcome_reopen(struct outcome_log *log);

/* The end of the message was written: from here on, what is lost is unknown. */
void outcome_end_sent(struct outcome_log *log);

/* The end of the message was written, and it is certain that the server did not take it. */
void outcome_end_ignored(struct outcome_log *log);

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

/* Whether every recipient is NOT_SENT; whether any is, because of a fault. */
bool outcome_nothing_sent(const struct outcome_log *log);
bool outcome_is_unsent(const struct outcome_log *log);

/* How many have this outcome. */
size_t outcome_count(const struct outcome_log *log, postel_outcome outcome);

#endif
