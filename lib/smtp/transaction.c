/* SPDX-License-Identifier: MIT */
/*
 * The transaction engine. A send is a row of steps; each kind of step has one row in a table, with what it
 * writes and what its reply means. Steps are numbered, not stored, so that a message to any number of
 * recipients takes no memory for its plan. What may be written before a reply must be read is decided in one
 * place, may_write().
 */

#include "smtp/transaction.h"

#include "base/status.h"
#include "wire/body.h"

#include <stdio.h>
#include <string.h>

enum step { STEP_RSET, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_CONTENT };

struct transaction {
        struct exchange exchange;
        const struct transaction_plan *plan;
        struct channel *channel;
        struct outcome_log *log;
        struct deadline deadline;

        size_t written; /* steps that are queued or written whole */
        size_t answered; /* steps whose reply was read */
        size_t end; /* the step behind the last one that is to be written */
        bool accepted; /* the final reply was 2yz */

        struct body_framer framer;
        const char *rest; /* octets of the content that are not framed yet */
        size_t rest_size;
        bool content_read; /* the source has no more */
        bool content_begun;
        bool end_queued; /* the end mark of the content is on its way */
        uint64_t content_octets;
};

struct step_type {
        postel_phase phase;
        postel_status (*write)(struct transaction *, size_t recipient, postel_error *);
        postel_status (*take)(struct transaction *, size_t recipient, const struct reply *, postel_error *);
};

/* The kind of step `number`, and for RCPT whose it is. */
static enum step step_at(const struct transaction *transaction, size_t number, size_t *recipient)
{
        size_t recipients = transaction->plan->envelope->to_count;

        *recipient = 0;
        if (transaction->plan->reset_first && number-- == 0)
                return STEP_RSET;
        if (number-- == 0)
                return STEP_MAIL;
        *recipient = number;
        if (number < recipients)
                return STEP_RCPT;
        return number == recipients ? STEP_DATA : STEP_CONTENT;
}

static size_t step_count(const struct transaction *transaction)
{
        return (transaction->plan->reset_first ? 4 : 3) + transaction->plan->envelope->to_count;
}

/* Nothing more is written; what was written is still answered. */
static void stop(struct transaction *transaction)
{
        transaction->end = transaction->written;
}

static postel_status wrong_class(const struct reply *reply, postel_phase phase, postel_error *error)
{
        error_set(error, POSTEL_PROTOCOL, phase, "a reply of the wrong kind: %d %s", reply->code,
                reply_words(reply));
        error->code = reply->code;
        return POSTEL_PROTOCOL;
}

/* ---- RSET ---- */

static postel_status write_rset(struct transaction *transaction, size_t recipient, postel_error *error)
{
        (void)recipient;
        return command_verb(channel_scratch(transaction->channel), "RSET", error);
}

static postel_status take_rset(
        struct transaction *transaction, size_t recipient, const struct reply *reply, postel_error *error)
{
        (void)transaction;
        (void)recipient;
        return reply->code < 300 ? POSTEL_OK : wrong_class(reply, POSTEL_PHASE_RSET, error);
}

/* ---- MAIL ---- */

static postel_status write_mail(struct transaction *transaction, size_t recipient, postel_error *error)
{
        const struct transaction_plan *plan = transaction->plan;

        (void)recipient;
        return command_mail(channel_scratch(transaction->channel), plan->envelope, &plan->mail, error);
}

static postel_status take_mail(
        struct transaction *transaction, size_t recipient, const struct reply *reply, postel_error *error)
{
        (void)recipient;
        if (reply->code < 300)
                return POSTEL_OK;
        if (reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_MAIL, error);
        outcome_refused(transaction->log, POSTEL_PHASE_MAIL, reply);
        stop(transaction);
        return POSTEL_OK;
}

/* ---- RCPT ---- */

static postel_status write_rcpt(struct transaction *transaction, size_t recipient, postel_error *error)
{
        return command_rcpt(channel_scratch(transaction->channel), transaction->plan->envelope, recipient,
                transaction->plan->mail.smtputf8, error);
}

static postel_status take_rcpt(
        struct transaction *transaction, size_t recipient, const struct reply *reply, postel_error *error)
{
        if (reply->code >= 300 && reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_RCPT, error);
        outcome_recipient(transaction->log, recipient, reply);
        bool last = recipient + 1 == transaction->plan->envelope->to_count;
        if (last && !transaction->log->taken)
                stop(transaction);
        return POSTEL_OK;
}

/* ---- DATA ---- */

static postel_status write_data(struct transaction *transaction, size_t recipient, postel_error *error)
{
        (void)recipient;
        return command_verb(channel_scratch(transaction->channel), "DATA", error);
}

static postel_status take_data(
        struct transaction *transaction, size_t recipient, const struct reply *reply, postel_error *error)
{
        (void)recipient;
        if (reply->code < 300)
                return wrong_class(reply, POSTEL_PHASE_DATA, error);
        if (reply->code >= 400) {
                outcome_refused(transaction->log, POSTEL_PHASE_DATA, reply);
                stop(transaction);
                return POSTEL_OK;
        }
        /* DATA rode with recipients who were then all refused: the server waits for content all the same. */
        transaction->end = step_count(transaction);
        return POSTEL_OK;
}

/* ---- Content ---- */

/* A server that insists on content for nobody gets the end of it at once (RFC 2920 section 3.1). */
static postel_status queue_nothing(struct transaction *transaction)
{
        static const char end[] = ".\r\n";

        output_queue_octets(&transaction->channel->output, end, sizeof(end) - 1);
        transaction->end_queued = true;
        return POSTEL_OK;
}

static postel_status body_refused(enum body_fault fault, postel_error *error)
{
        return error_set(error, POSTEL_INVALID, POSTEL_PHASE_BODY, "message: %s", body_fault_text(fault));
}

static postel_status queue_end(struct transaction *transaction, postel_error *error)
{
        struct body_piece piece;
        enum body_fault fault = body_framer_end(&transaction->framer, &piece);

        if (fault != BODY_OK)
                return body_refused(fault, error);
        output_queue_octets(&transaction->channel->output, piece.data, piece.size);
        transaction->content_octets += piece.size;
        transaction->end_queued = true;
        return POSTEL_OK;
}

/* Frames the octets at hand as far as there is room. */
static postel_status queue_rest(struct transaction *transaction, postel_error *error)
{
        while (transaction->rest_size && output_has_room(&transaction->channel->output)) {
                struct body_piece piece;
                size_t used;
                enum body_fault fault = body_framer_next(
                        &transaction->framer, transaction->rest, transaction->rest_size, &used, &piece);
                if (fault != BODY_OK)
                        return body_refused(fault, error);
                output_queue_octets(&transaction->channel->output, piece.data, piece.size);
                transaction->content_octets += piece.size;
                transaction->rest += used;
                transaction->rest_size -= used;
        }
        if (!transaction->framer.eight_bit || transaction->plan->eight_bit_allowed)
                return POSTEL_OK;
        if (transaction->plan->envelope->body == POSTEL_BODY_7BIT)
                return error_set(error, POSTEL_INVALID, POSTEL_PHASE_BODY,
                        "body: is declared as 7BIT, and the message has 8-bit octets");
        return error_set(error, POSTEL_UNSUPPORTED, POSTEL_PHASE_BODY,
                "message: has 8-bit octets, and the server does not offer 8BITMIME");
}

/* Reads on, once the octets read before have left: their place is used again. */
static postel_status read_content(struct transaction *transaction, bool *held_up, postel_error *error)
{
        struct source_reader *content = transaction->plan->content;

        *held_up = !output_is_empty(&transaction->channel->output) && !source_is_in_place(content);
        if (*held_up)
                return POSTEL_OK;
        return source_next(content, &transaction->channel->stream, transaction->deadline, &transaction->rest,
                &transaction->rest_size, &transaction->content_read, error);
}

/*
 * Content is written until the end mark is queued. A fault on the way leaves the message without one, and the
 * channel dead: the server drops what it has (RFC 5321 section 4.1.4).
 */
static postel_status write_content(struct transaction *transaction, size_t recipient, postel_error *error)
{
        postel_status status = POSTEL_OK;
        bool held_up = false;

        (void)recipient;
        if (!transaction->log->taken)
                return queue_nothing(transaction);
        transaction->content_begun = true;
        while (status == POSTEL_OK && !held_up && !transaction->end_queued &&
                output_has_room(&transaction->channel->output)) {
                if (transaction->rest_size)
                        status = queue_rest(transaction, error);
                else if (transaction->content_read)
                        status = queue_end(transaction, error);
                else
                        status = read_content(transaction, &held_up, error);
        }
        return status;
}

static postel_status take_content(
        struct transaction *transaction, size_t recipient, const struct reply *reply, postel_error *error)
{
        (void)recipient;
        if (reply->code >= 300 && reply->code < 400)
                return wrong_class(reply, POSTEL_PHASE_FINAL, error);
        /* The reply to an end without content is about nobody. */
        if (!transaction->content_begun)
                return POSTEL_OK;
        if (reply->code < 300) {
                outcome_accepted(transaction->log, reply);
                transaction->accepted = true;
        } else {
                outcome_refused(transaction->log, POSTEL_PHASE_FINAL, reply);
        }
        return POSTEL_OK;
}

static const struct step_type step_types[] = {
        [STEP_RSET] = { POSTEL_PHASE_RSET, write_rset, take_rset },
        [STEP_MAIL] = { POSTEL_PHASE_MAIL, write_mail, take_mail },
        [STEP_RCPT] = { POSTEL_PHASE_RCPT, write_rcpt, take_rcpt },
        [STEP_DATA] = { POSTEL_PHASE_DATA, write_data, take_data },
        [STEP_CONTENT] = { POSTEL_PHASE_FINAL, write_content, take_content },
};

/* ---- The dialogue ---- */

/* The phase is that of the reply awaited next, or of the content while it is written. */
static void update_phase(struct transaction *transaction)
{
        size_t recipient;
        enum step step = step_at(transaction, transaction->answered, &recipient);

        transaction->exchange.phase = step_types[step].phase;
        if (step == STEP_CONTENT && !transaction->log->end_sent)
                transaction->exchange.phase = POSTEL_PHASE_BODY;
}

/* What a flight may hold: without PIPELINING one command; with it everything up to DATA; content only when it
 * is asked for. */
static bool may_write(const struct transaction *transaction)
{
        size_t recipient;

        if (transaction->written >= transaction->end || !output_has_room(&transaction->channel->output))
                return false;
        if (transaction->written == transaction->answered)
                return true;
        return transaction->plan->pipelining &&
               step_at(transaction, transaction->written, &recipient) != STEP_CONTENT;
}

static postel_status write_step(struct transaction *transaction, postel_error *error)
{
        size_t recipient, from = channel_scratch(transaction->channel)->size;
        enum step step = step_at(transaction, transaction->written, &recipient);
        postel_status status = step_types[step].write(transaction, recipient, error);

        if (status != POSTEL_OK)
                return status;
        if (step != STEP_CONTENT)
                channel_queue_command(transaction->channel, from, NULL);
        if (step != STEP_CONTENT || transaction->end_queued)
                transaction->written++;
        return POSTEL_OK;
}

static postel_status transaction_fill(struct exchange *exchange, postel_error *error)
{
        struct transaction *transaction = (struct transaction *)exchange;
        postel_status status = POSTEL_OK;

        while (status == POSTEL_OK && may_write(transaction)) {
                size_t before = transaction->written;
                status = write_step(transaction, error);
                if (transaction->written == before)
                        break;
        }
        update_phase(transaction);
        return status;
}

static void transaction_flushed(struct exchange *exchange)
{
        struct transaction *transaction = (struct transaction *)exchange;
        char note[64];

        if (!transaction->end_queued || transaction->log->end_sent)
                return;
        outcome_end_sent(transaction->log);
        update_phase(transaction);
        int size = snprintf(note, sizeof(note), "%llu octets of content",
                (unsigned long long)transaction->content_octets);
        channel_trace(transaction->channel, POSTEL_TRACE_NOTE, note, (size_t)size);
}

static postel_status closing(struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        outcome_closed(transaction->log, transaction->exchange.phase, reply);
        error_set(error, POSTEL_DEFERRED, transaction->exchange.phase, "%s", reply->text);
        error->code = reply->code;
        return POSTEL_DEFERRED;
}

/* A reply that came while content was being written: a refusal ends it, and no end mark follows. Anything
 * else is none. */
static postel_status take_early(
        struct transaction *transaction, const struct reply *reply, postel_error *error)
{
        if (transaction->content_begun && reply->code >= 400) {
                outcome_refused(transaction->log, POSTEL_PHASE_BODY, reply);
                error_set(error, reply->code >= 500 ? POSTEL_REJECTED : POSTEL_DEFERRED, POSTEL_PHASE_BODY,
                        "refused while the message was sent: %d %s", reply->code, reply->text);
        } else {
                error_set(error, POSTEL_PROTOCOL, transaction->exchange.phase,
                        "a reply that nobody asked for: %d %s", reply->code, reply_words(reply));
        }
        error->code = reply->code;
        return error->status;
}

static bool transaction_is_silence_due(const struct exchange *exchange)
{
        const struct transaction *transaction = (const struct transaction *)exchange;
        size_t recipient;

        if (transaction->answered == transaction->written)
                return true;
        return step_at(transaction, transaction->answered, &recipient) == STEP_CONTENT &&
               !transaction->log->end_sent;
}

static postel_status transaction_take(
        struct exchange *exchange, const struct reply *reply, postel_error *error)
{
        struct transaction *transaction = (struct transaction *)exchange;
        size_t recipient;

        if (reply->code == 421)
                return closing(transaction, reply, error);
        if (transaction_is_silence_due(exchange))
                return take_early(transaction, reply, error);
        enum step step = step_at(transaction, transaction->answered, &recipient);
        postel_status status = step_types[step].take(transaction, recipient, reply, error);
        transaction->answered++;
        update_phase(transaction);
        return status;
}

static bool transaction_is_done(const struct exchange *exchange)
{
        const struct transaction *transaction = (const struct transaction *)exchange;

        return transaction->answered == transaction->end;
}

static bool transaction_has_more(const struct exchange *exchange)
{
        return may_write((const struct transaction *)exchange);
}

postel_status transaction_run(struct channel *channel, const struct transaction_plan *plan,
        struct outcome_log *log, struct deadline deadline, bool *clean, postel_error *error)
{
        struct transaction transaction = {
                .exchange = { POSTEL_PHASE_MAIL, transaction_fill, transaction_flushed, transaction_take,
                        transaction_is_silence_due, transaction_is_done, transaction_has_more },
                .plan = plan,
                .channel = channel,
                .log = log,
                .deadline = deadline,
        };

        transaction.end = step_count(&transaction);
        body_framer_init(&transaction.framer, plan->content->source->refuse);
        update_phase(&transaction);
        postel_status status = exchange_run(channel, &transaction.exchange, deadline, error);
        if (status != POSTEL_OK)
                outcome_lost(log, error);
        *clean = transaction.accepted;
        return status;
}
