/* SPDX-License-Identifier: MIT */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

/*
 * One mail transaction: RSET?, MAIL, RCPT…, then DATA and content, or chunks of content (RFC 5321
 * section 3.3, RFC 3030, RFC 2033). It says what may be written and what a reply means; the pipeline runs it.
 */

#include "smtp/channel.h"
#include "smtp/delivery.h"
#include "wire/body.h"
#include "wire/command.h"

/* How it is to be done: decided once, before anything of it is written. */
struct transaction_plan {
        struct mail_parameters mail;
        bool reset_first; /* RSET rides in front */
        bool pipelining;
        bool lmtp;
        bool by_chunks; /* BDAT, not DATA */
        bool rides; /* content may be written before the recipients are answered, if the session is good for
                       it */
        bool follows_data; /* MAIL is written behind content by DATA that is not answered */
        bool eight_bit_allowed; /* BODY=8BITMIME was declared */
        bool may_go_back; /* to DATA, when BDAT is refused */
        uint64_t max_octets; /* of content, by the caller's policy; 0: any number */
};

enum step { STEP_RSET, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_CONTENT, STEP_DONE };

struct transaction {
        struct transaction_plan plan;
        struct delivery *delivery;
        struct channel *channel;
        struct deadline deadline;
        size_t members; /* recipients that it is for */

        enum step next; /* what is written next */
        size_t next_recipient;
        enum step due; /* what is answered next */
        size_t due_recipient, answered_members;
        size_t owed; /* replies to what is written whole */
        bool answered; /* something of it was */
        bool stopped; /* nothing more is written; what was written is still answered */
        bool clean; /* it has ended: no RSET is needed behind it */
        bool went_back; /* BDAT was refused, the message is to be sent by DATA */

        struct body_framer framer;
        const char *rest; /* octets of the content that are not framed yet */
        size_t rest_size;
        bool content_read; /* the source has no more */
        bool content_begun;
        bool lent; /* what is queued may lie where the source reads the next octets to */
        bool final_begun; /* a final reply was taken */
        bool answered_early; /* the reply to the chunk that is written has come */
        bool chunk_open, last_chunk;
        uint64_t chunk_left; /* octets that are still to be queued of the chunk */
        uint64_t chunks; /* written and not answered */
        bool end_queued; /* the end of the content is on its way */
        bool end_told; /* it has left, and the log knows */
        uint64_t end_at; /* where in the output the last of the content stands */
        uint64_t content_octets;
};

/* Begins one for the recipients that were made members of it. */
void transaction_begin(struct transaction *transaction, const struct transaction_plan *plan,
        struct delivery *delivery, size_t members, struct channel *channel, struct deadline deadline);

/* Whether something may be written now; `may_ride`: content, too, before the recipients are answered. */
bool transaction_may_write(const struct transaction *transaction, bool may_ride);

/* Queues the next step, or as much of the content as there is room for. A fault ends the channel. */
postel_status transaction_write(struct transaction *transaction, postel_error *error);

/* Looks how much has been written. True, once: the content has left to its end. */
bool transaction_wrote(struct transaction *transaction);

/* Whether a reply now would be to nothing that was written whole. */
bool transaction_is_silence_due(const struct transaction *transaction);

/* Takes a reply, 421 excepted. A fault ends the channel. */
postel_status transaction_take(
        struct transaction *transaction, const struct reply *reply, postel_error *error);

/* Whether all that was written is answered, and nothing more will be written. */
bool transaction_is_done(const struct transaction *transaction);

/* Where it stands. */
postel_phase transaction_phase(const struct transaction *transaction);

#endif
