/* SPDX-License-Identifier: MIT */
/*
 * The steps of a transaction. Each kind has one row in a table, with what it writes and what its reply means.
 * The steps are not stored: where writing and answering stand is enough, so that a message to any number of
 * recipients takes no memory for its plan. What may be written before a reply must be read is decided in one
 * place, transaction_may_write().
 */

#include "smtp/transaction.h"

#include "base/status.h"

#include <stdio.h>
#include <string.h>

struct step_type {
        postel_phase phase;
        postel_status (*write)(struct transaction *, postel_error *);
        postel_status (*take)(struct transaction *, const struct reply *, postel_error *);
};

static struct outcome_log *log_of(const struct transaction *transaction)
{
        return &transaction->delivery->log;
}

/* What of it is under way is ended: DATA that was asked for, a chunk that was announced. */
static void stop(struct transaction *transaction)
{
        if (!transaction->chunk_open)
                transaction->stopped = true;
}

static postel_status wrong_class(const struct reply *reply, postel_phase phase, postel_error *error)
{
        error_set(error, POSTEL_PROTOCOL, phase, "a reply of the wrong kind: %d %s", reply->code,
                reply_words(reply));
        error->code = reply->code;
        return POSTEL_PROTOCOL;
}

/* A command is in the scratch from `from` on. */
static postel_status queue_command(struct transaction *transaction, size_t from, postel_status written)
{
        if (written != POSTEL_OK)
                return written;
        channel_queue_command(transaction->channel, from, NULL);
        transaction->owed++;
        return POSTEL_OK;
}

static postel_status queue_verb(struct transaction *transaction, const char *verb, postel_error *error)
{
        struct buffer *scratch = channel_scratch(transaction->channel);
        size_t from = scratch->size;

        return queue_command(transaction, from, command_verb(scratch, verb, error));
}

/* ---- RSET ---- */

static postel_status write_rset(struct transaction *transaction, postel_error *error)
{
        transaction->next = STEP_MAIL;
        return queue_verb(transaction, "RSET", error);
}

static postel_status take_rset(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        transaction->due = STEP_MAIL;
        return reply->code < 300 ? POSTEL_OK : wrong_class(reply, POSTEL_PHASE_RSET, error);
}

/* ---- MAIL ---- */

static postel_status write_mail(struct transaction *transaction, postel_error *error)
{
        struct buffer *scratch = channel_scratch(transaction->channel);
        size_t from = scratch->size;

        transaction->next = STEP_RCPT;
        transaction->next_recipient = outcome_next(log_of(transaction), PROGRESS_MEMBER, 0);
        transaction->due_recipient = transaction->next_recipient;
        return queue_command(transaction, from,
                command_mail(scratch, transaction->delivery->envelope, &transaction->plan.mail, error));
}

static postel_status take_mail(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        transaction->due = STEP_RCPT;
        if (reply->code < 300)
                return POSTEL_OK;
        if (reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_MAIL, error);
        outcome_refused(log_of(transaction), POSTEL_PHASE_MAIL, reply);
        stop(transaction);
        return POSTEL_OK;
}

/* ---- RCPT ---- */

static postel_status write_rcpt(struct transaction *transaction, postel_error *error)
{
        struct buffer *scratch = channel_scratch(transaction->channel);
        size_t from = scratch->size, recipient = transaction->next_recipient;
        const struct outcome_log *log = log_of(transaction);

        transaction->next_recipient = outcome_next(log, PROGRESS_MEMBER, recipient + 1);
        if (transaction->next_recipient == log->count)
                transaction->next = transaction->plan.by_chunks ? STEP_CONTENT : STEP_DATA;
        return queue_command(transaction, from,
                command_rcpt(scratch, transaction->delivery->envelope, recipient,
                        transaction->plan.mail.smtputf8, error));
}

/*
 * "Too many recipients" (RFC 5321 section 4.5.3.1.10) is said by the enhanced code x.5.3 (RFC 3463
 * section 3.6) or, where there is none, by 452 or 552 to each recipient from some on.
 */
static bool is_too_many(const struct verdict *verdict, bool all_behind_are)
{
        if (verdict->code < 400)
                return false;
        if (verdict->enhanced[0])
                return strcmp(verdict->enhanced + 1, ".5.3") == 0;
        return all_behind_are && (verdict->code == 452 || verdict->code == 552);
}

/* Those go into another transaction. */
static size_t postpone_surplus(struct outcome_log *log)
{
        size_t postponed = 0;
        bool all_behind_are = true;

        for (size_t i = log->count; i-- > 0;) {
                const struct verdict *verdict = outcome_verdict(log, i);
                if (!outcome_is_member(log, i))
                        continue;
                all_behind_are = is_too_many(verdict, all_behind_are);
                if (!all_behind_are && !is_too_many(verdict, false))
                        continue;
                outcome_postpone(log, i);
                postponed++;
        }
        return postponed;
}

/* A server that takes nobody has no room for anybody, however few they are. */
static void try_surplus_again(struct transaction *transaction)
{
        struct delivery *delivery = transaction->delivery;

        if (!delivery->log.taken || delivery->log.taken == transaction->members ||
                !source_is_seekable(&delivery->reader) || delivery->envelope->all_or_none)
                return;
        size_t postponed = postpone_surplus(&delivery->log);
        if (postponed)
                delivery->most_members = transaction->members - postponed;
}

static void settle_recipients(struct transaction *transaction)
{
        struct outcome_log *log = log_of(transaction);

        try_surplus_again(transaction);
        if (transaction->delivery->envelope->all_or_none && log->taken < log->count)
                outcome_withhold(log);
        if (!log->taken)
                stop(transaction);
}

static postel_status take_rcpt(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        struct outcome_log *log = log_of(transaction);
        size_t recipient = transaction->due_recipient;

        if (reply->code >= 300 && reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_RCPT, error);
        /* Once MAIL was refused, nobody is asked for any more. */
        if (recipient < log->count)
                outcome_recipient(log, recipient, reply);
        transaction->due_recipient = outcome_next(log, PROGRESS_MEMBER, recipient);
        if (++transaction->answered_members < transaction->members)
                return POSTEL_OK;
        transaction->due = transaction->plan.by_chunks ? STEP_CONTENT : STEP_DATA;
        settle_recipients(transaction);
        return POSTEL_OK;
}

/* ---- DATA ---- */

static postel_status write_data(struct transaction *transaction, postel_error *error)
{
        transaction->next = STEP_CONTENT;
        return queue_verb(transaction, "DATA", error);
}

static postel_status take_data(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        transaction->due = STEP_CONTENT;
        if (reply->code < 300)
                return wrong_class(reply, POSTEL_PHASE_DATA, error);
        if (reply->code >= 400) {
                outcome_refused(log_of(transaction), POSTEL_PHASE_DATA, reply);
                stop(transaction);
                return POSTEL_OK;
        }
        /* With LMTP content for nobody has no reply (RFC 2033 section 4.2), or one from servers that do not
         * know: from here on nobody could tell what a reply is to. */
        if (transaction->plan.lmtp && !log_of(transaction)->taken)
                return wrong_class(reply, POSTEL_PHASE_DATA, error);
        /* DATA rode with recipients who were then all refused: the server waits for content all the same. */
        transaction->stopped = false;
        return POSTEL_OK;
}

/* ---- Content ---- */

static struct output *output_of(const struct transaction *transaction)
{
        return &transaction->channel->output;
}

static void content_is_queued(struct transaction *transaction)
{
        transaction->end_queued = true;
        transaction->next = STEP_DONE;
        transaction->end_at = output_of(transaction)->queued;
        if (transaction->answered_early)
                transaction->due = STEP_DONE;
        else
                transaction->owed++;
}

/* A server that insists on content for nobody gets the end of it at once (RFC 2920 section 3.1). */
static postel_status queue_nothing(struct transaction *transaction)
{
        static const char end[] = ".\r\n";

        output_queue_octets(output_of(transaction), end, sizeof(end) - 1);
        content_is_queued(transaction);
        return POSTEL_OK;
}

static postel_status body_refused(enum body_fault fault, postel_error *error)
{
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_BODY, "message: %s", body_fault_text(fault));
}

/* What the looking at it before could not see. */
static postel_status check_framed(const struct transaction *transaction, postel_error *error)
{
        const struct transaction_plan *plan = &transaction->plan;

        if (plan->max_octets && transaction->framer.content_size > plan->max_octets)
                return error_set(error, POSTEL_POLICY, POSTEL_PHASE_BODY,
                        "message: has more than %llu octets, the most that the policy allows",
                        (unsigned long long)plan->max_octets);
        if (!transaction->framer.eight_bit || plan->eight_bit_allowed)
                return POSTEL_OK;
        if (transaction->delivery->envelope->body == POSTEL_BODY_7BIT)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_BODY,
                        "body: is declared as 7BIT, and the message has 8-bit octets");
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_BODY,
                "message: has 8-bit octets, and the server does not offer 8BITMIME");
}

static postel_status queue_piece(
        struct transaction *transaction, const struct body_piece *piece, postel_error *error)
{
        /* A chunk has the size that was announced, whatever the memory or the file holds by now. */
        if (transaction->chunk_open && piece->size > transaction->chunk_left)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_BODY, "message: changed while it was sent");
        if (transaction->chunk_open)
                transaction->chunk_left -= piece->size;
        output_queue_octets(output_of(transaction), piece->data, piece->size);
        transaction->content_octets += piece->size;
        return POSTEL_OK;
}

static postel_status queue_end(struct transaction *transaction, postel_error *error)
{
        struct body_piece piece;
        enum body_fault fault = body_framer_end(&transaction->framer, &piece);

        if (fault != BODY_OK)
                return body_refused(fault, error);
        return queue_piece(transaction, &piece, error);
}

/* Frames the octets at hand as far as there is room. */
static postel_status queue_rest(struct transaction *transaction, postel_error *error)
{
        postel_status status = POSTEL_OK;

        while (status == POSTEL_OK && transaction->rest_size && output_has_room(output_of(transaction))) {
                struct body_piece piece;
                size_t used;
                enum body_fault fault = body_framer_next(
                        &transaction->framer, transaction->rest, transaction->rest_size, &used, &piece);
                if (fault != BODY_OK)
                        return body_refused(fault, error);
                transaction->rest += used;
                transaction->rest_size -= used;
                status = queue_piece(transaction, &piece, error);
        }
        return status == POSTEL_OK ? check_framed(transaction, error) : status;
}

/* Reads on, once the octets read before have left: their place is used again. */
static postel_status read_content(struct transaction *transaction, bool *held_up, postel_error *error)
{
        struct source_reader *content = &transaction->delivery->reader;

        *held_up = transaction->lent && !output_is_empty(output_of(transaction));
        if (*held_up)
                return POSTEL_OK;
        transaction->lent = !source_is_in_place(content);
        return source_next(content, &transaction->channel->stream, transaction->deadline, &transaction->rest,
                &transaction->rest_size, &transaction->content_read, error);
}

/*
 * For DATA, content is written until the end mark is queued. A fault on the way leaves the message without
 * one, and the channel dead: the server drops what it has (RFC 5321 section 4.1.4). The same holds within a
 * chunk.
 */
static postel_status write_data_content(struct transaction *transaction, postel_error *error)
{
        postel_status status = POSTEL_OK;
        bool held_up = false;

        if (!log_of(transaction)->taken)
                return queue_nothing(transaction);
        transaction->content_begun = true;
        while (status == POSTEL_OK && !held_up && output_has_room(output_of(transaction))) {
                if (transaction->rest_size) {
                        status = queue_rest(transaction, error);
                } else if (!transaction->content_read) {
                        status = read_content(transaction, &held_up, error);
                } else {
                        status = queue_end(transaction, error);
                        if (status == POSTEL_OK)
                                content_is_queued(transaction);
                        break;
                }
        }
        return status;
}

/* How many octets these will be when they are framed. */
static postel_status measure(const struct transaction *transaction, uint64_t *size, postel_error *error)
{
        struct body_framer framer = transaction->framer;
        const char *rest = transaction->rest;
        struct body_piece piece;
        enum body_fault fault = BODY_OK;

        *size = 0;
        for (size_t used, left = transaction->rest_size; left && fault == BODY_OK;
                rest += used, left -= used) {
                fault = body_framer_next(&framer, rest, left, &used, &piece);
                *size += piece.size;
        }
        if (fault == BODY_OK && transaction->content_read) {
                fault = body_framer_end(&framer, &piece);
                *size += piece.size;
        }
        return fault == BODY_OK ? POSTEL_OK : body_refused(fault, error);
}

/* The whole content, when its size is known; else what the next reading gave. */
static postel_status begin_chunk(struct transaction *transaction, bool *held_up, postel_error *error)
{
        struct buffer *scratch = channel_scratch(transaction->channel);
        const struct delivery *delivery = transaction->delivery;
        postel_status status = POSTEL_OK;

        transaction->content_begun = true;
        if (source_is_seekable(&delivery->reader)) {
                transaction->chunk_left = delivery->facts.size;
                transaction->last_chunk = true;
        } else {
                status = read_content(transaction, held_up, error);
                if (status != POSTEL_OK || *held_up)
                        return status;
                status = measure(transaction, &transaction->chunk_left, error);
                transaction->last_chunk = transaction->content_read;
        }
        size_t from = scratch->size;
        if (status == POSTEL_OK)
                status = command_bdat(scratch, transaction->chunk_left, transaction->last_chunk, error);
        if (status != POSTEL_OK)
                return status;
        channel_queue_command(transaction->channel, from, NULL);
        transaction->chunk_open = true;
        return POSTEL_OK;
}

static postel_status end_chunk(struct transaction *transaction, postel_error *error)
{
        if (transaction->chunk_left)
                return error_set(
                        error, POSTEL_INVALID, POSTEL_PHASE_BODY, "message: changed while it was sent");
        transaction->chunk_open = false;
        transaction->chunks++;
        if (transaction->last_chunk) {
                content_is_queued(transaction);
                return POSTEL_OK;
        }
        transaction->end_at = output_of(transaction)->queued;
        transaction->owed++;
        return POSTEL_OK;
}

static postel_status write_chunk(struct transaction *transaction, postel_error *error)
{
        postel_status status = POSTEL_OK;
        bool held_up = false;

        if (!transaction->chunk_open)
                status = begin_chunk(transaction, &held_up, error);
        while (status == POSTEL_OK && !held_up && transaction->chunk_open &&
                output_has_room(output_of(transaction))) {
                if (transaction->rest_size) {
                        status = queue_rest(transaction, error);
                } else if (transaction->last_chunk && transaction->chunk_left && !transaction->content_read) {
                        status = read_content(transaction, &held_up, error);
                } else {
                        if (transaction->last_chunk && transaction->chunk_left)
                                status = queue_end(transaction, error);
                        if (status == POSTEL_OK)
                                status = end_chunk(transaction, error);
                }
        }
        /* With its last octet the server has the chunk, also where there is no room for anything more. */
        if (status == POSTEL_OK && transaction->chunk_open && !transaction->rest_size &&
                !transaction->chunk_left)
                status = end_chunk(transaction, error);
        return status;
}

static postel_status write_content(struct transaction *transaction, postel_error *error)
{
        return transaction->plan.by_chunks ? write_chunk(transaction, error)
                                           : write_data_content(transaction, error);
}

/* The reply to a chunk that is not the last. */
static postel_status take_chunk(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        if (reply->code >= 300 && reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_BODY, error);
        if (reply->code < 300)
                return POSTEL_OK;
        outcome_refused(log_of(transaction), POSTEL_PHASE_BODY, reply);
        stop(transaction);
        return POSTEL_OK;
}

/*
 * RFC 5321 section 4.2.4: a server, or something in front of it, does not know BDAT although it is announced.
 * With LMTP the same code may be the first recipient's own, with others' behind it.
 */
static bool is_bdat_unknown(const struct transaction *transaction, const struct reply *reply)
{
        size_t taken = log_of(transaction)->taken;
        bool is_one_reply = taken == 1 || (taken && !transaction->plan.lmtp);

        return transaction->plan.may_go_back && is_one_reply && !transaction->final_begun &&
               reply->code >= 500 && reply->code <= 504;
}

static postel_status go_back_to_data(struct transaction *transaction)
{
        struct outcome_log *log = log_of(transaction);

        for (size_t i; (i = outcome_next(log, PROGRESS_TAKEN, 0)) < log->count;)
                outcome_postpone(log, i);
        transaction->delivery->by_data = transaction->went_back = true;
        transaction->due = STEP_DONE;
        return POSTEL_OK;
}

/* LMTP: each recipient that was taken has a reply (RFC 2033 section 4.2). */
static void take_final_of_one(struct transaction *transaction, const struct reply *reply)
{
        struct outcome_log *log = log_of(transaction);

        outcome_final(log, outcome_next(log, PROGRESS_TAKEN, 0), reply);
        if (log->taken)
                transaction->owed++;
        else
                transaction->due = STEP_DONE;
}

static postel_status take_content(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        struct outcome_log *log = log_of(transaction);
        bool last = !transaction->chunks || (--transaction->chunks == 0 && transaction->end_queued);

        if (!last)
                return take_chunk(transaction, reply, error);
        if (reply->code >= 300 && reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_FINAL, error);
        if (is_bdat_unknown(transaction, reply))
                return go_back_to_data(transaction);
        transaction->final_begun = true;
        transaction->clean |= reply->code < 300 && log->taken;
        if (transaction->plan.lmtp && log->taken) {
                transaction->chunks += transaction->plan.by_chunks;
                take_final_of_one(transaction, reply);
                return POSTEL_OK;
        }
        transaction->due = STEP_DONE;
        /* The reply to content for nobody is about nobody: nobody is taken then. */
        if (reply->code < 300)
                outcome_accepted(log, reply);
        else
                outcome_refused(log, POSTEL_PHASE_FINAL, reply);
        return POSTEL_OK;
}

static const struct step_type step_types[] = {
        [STEP_RSET] = { POSTEL_PHASE_RSET, write_rset, take_rset },
        [STEP_MAIL] = { POSTEL_PHASE_MAIL, write_mail, take_mail },
        [STEP_RCPT] = { POSTEL_PHASE_RCPT, write_rcpt, take_rcpt },
        [STEP_DATA] = { POSTEL_PHASE_DATA, write_data, take_data },
        [STEP_CONTENT] = { POSTEL_PHASE_FINAL, write_content, take_content },
        [STEP_DONE] = { POSTEL_PHASE_FINAL, NULL, NULL },
};

/* ---- The whole ---- */

void transaction_begin(struct transaction *transaction, const struct transaction_plan *plan,
        struct delivery *delivery, size_t members, struct channel *channel, struct deadline deadline)
{
        enum body_form form = BODY_DOTTED;

        if (plan->by_chunks)
                form = delivery->facts.unchanged || delivery->envelope->body == POSTEL_BODY_BINARYMIME
                               ? BODY_BINARY
                               : BODY_CHUNKED;
        *transaction = (struct transaction){ .plan = *plan,
                .delivery = delivery,
                .members = members,
                .channel = channel,
                .deadline = deadline,
                .next = plan->reset_first ? STEP_RSET : STEP_MAIL };
        transaction->due = transaction->next;
        body_framer_init(&transaction->framer, form, delivery->source->refuse);
}

bool transaction_may_write(const struct transaction *transaction, bool may_ride)
{
        if (transaction->stopped || transaction->next == STEP_DONE ||
                !output_has_room(output_of(transaction)))
                return false;
        if (!transaction->owed || transaction->chunk_open)
                return true;
        if (!transaction->plan.pipelining)
                return false;
        switch (transaction->next) {
        case STEP_DATA:
                return !transaction->delivery->envelope->all_or_none;
        case STEP_CONTENT:
                return transaction->plan.rides && may_ride;
        default:
                return true;
        }
}

postel_status transaction_write(struct transaction *transaction, postel_error *error)
{
        return step_types[transaction->next].write(transaction, error);
}

bool transaction_wrote(struct transaction *transaction)
{
        char note[64];

        if (transaction->end_told || !transaction->end_queued ||
                output_of(transaction)->written < transaction->end_at)
                return false;
        transaction->end_told = true;
        outcome_end_sent(log_of(transaction));
        int size = snprintf(note, sizeof(note), "%llu octets of content",
                (unsigned long long)transaction->content_octets);
        channel_trace(transaction->channel, POSTEL_TRACE_NOTE, note, (size_t)size);
        return true;
}

bool transaction_is_silence_due(const struct transaction *transaction)
{
        if (!transaction->owed)
                return true;
        return transaction->due == STEP_CONTENT && transaction->owed == 1 &&
               output_of(transaction)->written < transaction->end_at;
}

/* A reply that came while content was being written: a refusal ends it, and no end mark follows. Anything
 * else is none. */
static postel_status take_early(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        /* A chunk for nobody may be refused before it is whole. It is written to its end all the same. */
        bool for_nobody =
                transaction->chunk_open && transaction->due == STEP_CONTENT && !log_of(transaction)->taken;
        if (for_nobody && reply->code >= 400 && !transaction->answered_early) {
                transaction->answered_early = true;
                return POSTEL_OK;
        }
        if (transaction->content_begun && reply->code >= 400) {
                outcome_refused(log_of(transaction), POSTEL_PHASE_BODY, reply);
                error_set(error, reply->code >= 500 ? POSTEL_REJECTED : POSTEL_DEFERRED, POSTEL_PHASE_BODY,
                        "refused while the message was sent: %d %s", reply->code, reply->text);
        } else {
                error_set(error, POSTEL_PROTOCOL, transaction_phase(transaction),
                        "a reply that nobody asked for: %d %s", reply->code, reply_words(reply));
        }
        error->code = reply->code;
        return error->status;
}

postel_status transaction_take(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        if (transaction_is_silence_due(transaction))
                return take_early(transaction, reply, error);
        transaction->owed--;
        transaction->answered = true;
        return step_types[transaction->due].take(transaction, reply, error);
}

bool transaction_is_done(const struct transaction *transaction)
{
        return !transaction->owed && (transaction->stopped || transaction->due == STEP_DONE);
}

/* The phase is that of the reply awaited next, or of the content while it is written. */
postel_phase transaction_phase(const struct transaction *transaction)
{
        if (transaction->due == STEP_CONTENT &&
                !(transaction->end_queued && output_of(transaction)->written >= transaction->end_at))
                return POSTEL_PHASE_BODY;
        return step_types[transaction->due].phase;
}
