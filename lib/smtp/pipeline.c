/* SPDX-License-Identifier: MIT */
/*
 * The transactions of a session, in a ring in the order in which they are written and answered. Replies go to
 * the first, steps are written of the last; what a step is, is the transaction's business.
 */

#include "smtp/pipeline.h"

#include "base/status.h"
#include "smtp/plan.h"
#include "wire/address.h"
#include "wire/octet.h"

#include <stdio.h>

/* Content that is on its way and not answered for, beyond which no other transaction is begun. */
#define IN_FLIGHT_MAX_OCTETS 1048576

/* A session on which nothing was heard for longer may be lost without anybody knowing: content is not risked
 * on it before the server has said something. */
#define SILENCE_NS INT64_C(5000000000)

/* What some servers read together with content, and lose: then there is no reply to it, but nothing was sent
 * either, and another session serves better than patience. */
#define FOLLOWER_LIMIT_MS 5000

/* Behind a 421 the server closes; it is not waited for longer. */
#define CLOSING_LIMIT_MS 2000

struct pipeline {
        struct exchange exchange;
        struct session *session;
        struct feed *feed;
        struct deadline deadline;

        struct transaction *ring;
        size_t depth, first, count;
        bool refilling; /* below the high-water mark since the low one was reached */
        struct delivery *again, **again_end; /* which need another transaction */
        struct delivery *pending; /* is next, and has been checked */
        bool running; /* a dialogue is under way: another cannot be held */
        bool heard; /* the session is known to be alive */
        bool broken; /* content failed: nothing more is written, and the session ends once those before are
                        answered */
        postel_error fault; /* why */
        uint64_t octets_in_flight;
};

static struct pipeline *pipeline_of(const struct exchange *exchange)
{
        return (struct pipeline *)(uintptr_t)exchange;
}

static struct transaction *transaction_at(const struct pipeline *pipeline, size_t index)
{
        return &pipeline->ring[(pipeline->first + index) % pipeline->depth];
}

/* The one whose replies are awaited, and the one that is written. */
static struct transaction *head(const struct pipeline *pipeline)
{
        return pipeline->count ? transaction_at(pipeline, 0) : NULL;
}

static struct transaction *tail(const struct pipeline *pipeline)
{
        return pipeline->count ? transaction_at(pipeline, pipeline->count - 1) : NULL;
}

/* ---- Deliveries ---- */

static void push_again(struct pipeline *pipeline, struct delivery *delivery)
{
        delivery->next = NULL;
        *pipeline->again_end = delivery;
        pipeline->again_end = &delivery->next;
}

static struct delivery *pop_again(struct pipeline *pipeline)
{
        struct delivery *delivery = pipeline->again;

        if (!delivery)
                return NULL;
        pipeline->again = delivery->next;
        if (!pipeline->again)
                pipeline->again_end = &pipeline->again;
        return delivery;
}

static void finish(struct pipeline *pipeline, struct delivery *delivery)
{
        postel_error error = { .status = POSTEL_OK };

        delivery_close(delivery);
        postel_status status = outcome_status(&delivery->log, &error);
        session_audit(pipeline->session, POSTEL_AUDIT_MESSAGE, postel_status_name(status),
                (long long)outcome_count(&delivery->log, POSTEL_OUTCOME_ACCEPTED));
        pipeline->feed->done(pipeline->feed, delivery, status, &error);
}

static void fail(struct pipeline *pipeline, struct delivery *delivery, const postel_error *error)
{
        outcome_lost(&delivery->log, error);
        finish(pipeline, delivery);
}

/* Some servers offer more, or less, to whom they know: before refusing, the offer is asked for once more. Who
 * will not say it again has said it. */
static bool may_ask_again(const struct session *session)
{
        return atomic_load(&session->authenticated) && !session->asked_again;
}

static postel_status ask_again(
        struct pipeline *pipeline, const struct delivery *delivery, postel_error *refusal)
{
        struct session *session = pipeline->session;
        postel_error error;

        session->asked_again = true;
        postel_status asked = session_ehlo(session, pipeline->deadline, &error);
        if (asked == POSTEL_OK)
                return plan_check(session, delivery, refusal);
        return session->channel.dead ? error_copy(refusal, &error) : refusal->status;
}

/* POSTEL_OK with *ready false: it has to wait until this dialogue is over. */
static postel_status prepare(
        struct pipeline *pipeline, struct delivery *delivery, bool *ready, postel_error *error)
{
        postel_status status =
                delivery_inspect(delivery, &pipeline->session->channel.stream, pipeline->deadline, error);

        *ready = true;
        if (status != POSTEL_OK) {
                delivery->unsendable = true;
                return status;
        }
        status = plan_check(pipeline->session, delivery, error);
        if (status != POSTEL_UNSUPPORTED || !may_ask_again(pipeline->session))
                return status;
        *ready = !pipeline->running;
        return *ready ? ask_again(pipeline, delivery, error) : POSTEL_OK;
}

/* The next delivery that can be begun, if there is one by now; those that cannot be are done with. */
static void find_pending(struct pipeline *pipeline)
{
        struct session *session = pipeline->session;
        bool ready = true;

        while (!pipeline->pending && !pipeline->broken && !session->channel.dead) {
                postel_error error;
                struct delivery *delivery = pop_again(pipeline);
                if (!delivery && !session_is_exhausted(session))
                        delivery = pipeline->feed->next(pipeline->feed, !pipeline->count);
                if (!delivery)
                        return;
                postel_status status = session_check_exhausted(session, &error);
                if (status == POSTEL_OK)
                        status = prepare(pipeline, delivery, &ready, &error);
                if (status != POSTEL_OK) {
                        fail(pipeline, delivery, &error);
                } else if (!ready) {
                        push_again(pipeline, delivery);
                        return;
                } else {
                        pipeline->pending = delivery;
                }
        }
}

/* ---- Transactions ---- */

/* Whether another transaction may be written behind the last one that has been begun. */
static bool may_follow(const struct pipeline *pipeline)
{
        const struct transaction *last = tail(pipeline);

        if (!last)
                return true;
        /* How many final replies there will be is a server's opinion, too: those of others must not be among
         * them. */
        if (last->plan.lmtp && last->members > 1)
                return false;
        if (!last->plan.by_chunks && atomic_load(&pipeline->session->options->memory->avoids_following))
                return false;
        return last->plan.pipelining && last->end_queued && pipeline->refilling &&
               pipeline->octets_in_flight < IN_FLIGHT_MAX_OCTETS && !last->delivery->alone;
}

/*
 * Behind content by DATA a transaction is over, whatever the reply will be. Behind chunks that were refused
 * it may still be open, and MAIL would be out of order.
 */
static bool wants_reset(const struct pipeline *pipeline)
{
        for (size_t i = 0; i < pipeline->count; i++)
                if (transaction_at(pipeline, i)->plan.by_chunks)
                        return true;
        return pipeline->session->wants_reset;
}

static void begin(struct pipeline *pipeline)
{
        struct session *session = pipeline->session;
        struct delivery *delivery = pipeline->pending;
        struct transaction_plan plan = plan_transaction(session, delivery);

        plan.reset_first = wants_reset(pipeline);
        plan.follows_data = pipeline->count && !tail(pipeline)->plan.by_chunks;
        session->wants_reset = false;
        pipeline->pending = NULL;
        delivery_rewind(delivery);
        size_t members = plan_members(session, delivery);
        pipeline->count++;
        pipeline->refilling = pipeline->count < pipeline->depth;
        transaction_begin(tail(pipeline), &plan, delivery, members, &session->channel, pipeline->deadline);
        pipeline->octets_in_flight += delivery->facts.size;
        delivery->transactions++;
        session->messages++;
        session_audit(session, POSTEL_AUDIT_MAIL, "", (long long)members);
}

/* FNV-1a, of what servers judge senders by. */
static uint64_t sender_hash(const struct delivery *delivery)
{
        uint64_t hash = UINT64_C(14695981039346656037);

        for (const char *at = address_domain(delivery->envelope->from); *at; at++)
                hash = (hash ^ (unsigned char)octet_upper(*at)) * UINT64_C(1099511628211);
        return hash;
}

static bool is_known_sender(const struct session *session, const struct delivery *delivery)
{
        uint64_t hash = sender_hash(delivery);

        for (size_t i = 0; i < session->sender_count && i < SESSION_SENDERS; i++)
                if (session->senders[i] == hash)
                        return true;
        return false;
}

/* The latest are remembered. */
static void remember_sender(struct session *session, const struct delivery *delivery)
{
        if (!is_known_sender(session, delivery))
                session->senders[session->sender_count++ % SESSION_SENDERS] = sender_hash(delivery);
}

/*
 * Content leaves before the envelope is answered only where that is known to go well: the server has taken
 * BDAT on this session, from a sender of this domain (there are servers that fall over a chunk behind a MAIL
 * that they have refused), and was heard of just now.
 */
static bool may_ride(const struct pipeline *pipeline, const struct transaction *transaction)
{
        const struct session *session = pipeline->session;

        return transaction->next == STEP_CONTENT && transaction->plan.rides && pipeline->heard &&
               is_known_sender(session, transaction->delivery);
}

/* What is known of the session, and of the server, once a transaction is over. */
static void learn(struct pipeline *pipeline, const struct transaction *done)
{
        struct session *session = pipeline->session;

        /* What was begun behind it has seen to this itself. */
        if (!pipeline->count)
                session->wants_reset = !done->clean;
        if (done->went_back)
                atomic_store(&session->options->memory->avoids_chunking, true);
        if (!done->plan.by_chunks)
                return;
        if (done->clean)
                remember_sender(session, done->delivery);
        else
                channel_expect_strays(&session->channel);
}

/* The first transaction is over. */
static void complete(struct pipeline *pipeline)
{
        const struct transaction *done = head(pipeline);
        struct delivery *delivery = done->delivery;

        pipeline->octets_in_flight -= delivery->facts.size;
        pipeline->first = (pipeline->first + 1) % pipeline->depth;
        pipeline->count--;
        if (pipeline->count <= pipeline->depth / 2)
                pipeline->refilling = true;
        learn(pipeline, done);
        if (delivery->log.open)
                push_again(pipeline, delivery);
        else
                finish(pipeline, delivery);
        find_pending(pipeline);
}

static void complete_all(struct pipeline *pipeline)
{
        while (pipeline->count && transaction_is_done(head(pipeline)))
                complete(pipeline);
}

/* ---- The dialogue ---- */

static bool may_begin(const struct pipeline *pipeline)
{
        return pipeline->pending && !pipeline->broken && may_follow(pipeline) &&
               output_has_room(&pipeline->session->channel.output);
}

static bool may_go_on(const struct pipeline *pipeline)
{
        const struct transaction *last = tail(pipeline);

        return last && !pipeline->broken && transaction_may_write(last, may_ride(pipeline, last));
}

static void update_phase(struct pipeline *pipeline)
{
        const struct transaction *first = head(pipeline);

        pipeline->exchange.phase = first ? transaction_phase(first) : POSTEL_PHASE_MAIL;
        bool may_be_lost = first && first->plan.follows_data && !first->answered;
        pipeline->exchange.limit_ms =
                may_be_lost && pipeline->feed->may_try_elsewhere ? FOLLOWER_LIMIT_MS : 0;
}

/*
 * Of the message that failed nothing more leaves, not even what is queued: a chunk of wrong content could be
 * whole. It must not take those along that are written and wait for their replies.
 */
static void break_off(struct pipeline *pipeline, uint64_t queued_before, const postel_error *error)
{
        pipeline->broken = true;
        pipeline->fault = *error;
        output_cut(&pipeline->session->channel.output, queued_before);
}

static void write_one(struct pipeline *pipeline)
{
        uint64_t queued_before = pipeline->session->channel.output.queued;
        postel_error error;

        if (!may_go_on(pipeline)) {
                begin(pipeline);
                find_pending(pipeline);
        }
        if (transaction_write(tail(pipeline), &error) != POSTEL_OK)
                break_off(pipeline, queued_before, &error);
}

static postel_status pipeline_fill(struct exchange *exchange, postel_error *error)
{
        struct pipeline *pipeline = pipeline_of(exchange);
        const struct output *output = &pipeline->session->channel.output;

        while (may_go_on(pipeline) || may_begin(pipeline)) {
                uint64_t before = output->queued;
                write_one(pipeline);
                /* Content whose place is taken waits until that has been written. */
                if (output->queued == before)
                        break;
        }
        update_phase(pipeline);
        if (pipeline->broken && pipeline->count == 1)
                return error_copy(error, &pipeline->fault);
        return POSTEL_OK;
}

static void pipeline_wrote(struct exchange *exchange)
{
        struct pipeline *pipeline = pipeline_of(exchange);

        for (size_t i = 0; i < pipeline->count; i++) {
                struct transaction *transaction = transaction_at(pipeline, i);
                if (transaction_wrote(transaction))
                        session_audit(pipeline->session, POSTEL_AUDIT_CONTENT,
                                transaction->plan.by_chunks ? "BDAT" : "DATA",
                                (long long)transaction->content_octets);
        }
        update_phase(pipeline);
}

/* Whether messages are whole on their way whose envelopes were not answered. */
static bool is_end_in_doubt(const struct pipeline *pipeline)
{
        for (size_t i = head(pipeline)->due == STEP_CONTENT; i < pipeline->count; i++)
                if (transaction_at(pipeline, i)->end_told)
                        return true;
        return false;
}

/*
 * A 421 is about all that is on its way. Replies come in order: where it stands in place of an earlier one,
 * and the server then closes, as it must (RFC 5321 section 3.8), the end of a message behind it was not
 * taken, although it has been written. Of a server that goes on nobody knows what it takes.
 */
static postel_status closing(struct pipeline *pipeline, const struct reply *reply, postel_error *error)
{
        struct channel *channel = &pipeline->session->channel;
        struct deadline limit = deadline_earlier(pipeline->deadline, deadline_after_ms(CLOSING_LIMIT_MS));
        bool ignored = pipeline->count && is_end_in_doubt(pipeline) && channel_sees_end(channel, limit);

        for (size_t i = 0; i < pipeline->count; i++) {
                struct outcome_log *log = &transaction_at(pipeline, i)->delivery->log;
                if (ignored && (i > 0 || head(pipeline)->due != STEP_CONTENT))
                        outcome_end_ignored(log);
                outcome_closed(log, pipeline->exchange.phase, reply);
        }
        error_set(error, POSTEL_DEFERRED, pipeline->exchange.phase, "%s", reply->text);
        error->code = reply->code;
        return POSTEL_DEFERRED;
}

static bool is_stray(struct pipeline *pipeline, const struct reply *reply)
{
        struct channel *channel = &pipeline->session->channel;
        const struct transaction *first = head(pipeline);
        bool before_rset = !first || first->due == STEP_RSET;

        if (before_rset && channel_is_stray(channel, reply))
                return true;
        channel->strays = 0;
        return false;
}

static postel_status pipeline_take(struct exchange *exchange, const struct reply *reply, postel_error *error)
{
        struct pipeline *pipeline = pipeline_of(exchange);

        if (reply->code == 421)
                return closing(pipeline, reply, error);
        pipeline->heard = true;
        if (is_stray(pipeline, reply))
                return POSTEL_OK;
        struct transaction *first = head(pipeline);
        if (!first) {
                error_set(error, POSTEL_PROTOCOL, POSTEL_PHASE_MAIL, "a reply that nobody asked for: %d %s",
                        reply->code, reply_words(reply));
                error->code = reply->code;
                return POSTEL_PROTOCOL;
        }
        postel_status status = transaction_take(first, reply, error);
        if (status == POSTEL_OK)
                complete_all(pipeline);
        update_phase(pipeline);
        return status;
}

static bool pipeline_is_silence_due(const struct exchange *exchange)
{
        const struct transaction *first = head(pipeline_of(exchange));

        return !first || transaction_is_silence_due(first);
}

static bool pipeline_is_done(const struct exchange *exchange)
{
        const struct pipeline *pipeline = pipeline_of(exchange);

        return !pipeline->count && !pipeline->pending;
}

static bool pipeline_has_more(const struct exchange *exchange)
{
        const struct pipeline *pipeline = pipeline_of(exchange);

        return may_go_on(pipeline) || may_begin(pipeline);
}

/* ---- Its end ---- */

/* A server that announces an extension and then says nothing to what uses it is not asked for it again. True:
 * it was not the message's fault, and nothing of it was sent. */
static bool is_stall(const struct pipeline *pipeline)
{
        struct server_memory *memory = pipeline->session->options->memory;
        const struct transaction *first = head(pipeline);

        if (first->plan.follows_data && !first->answered) {
                atomic_store(&memory->avoids_following, true);
                return true;
        }
        if (first->plan.may_go_back && first->due == STEP_CONTENT && first->end_queued)
                atomic_store(&memory->avoids_chunking, true);
        return false;
}

/* What is wrong with one message is not wrong with the others: these only lose the session. */
static void turn_into_others(const struct pipeline *pipeline, postel_error *error)
{
        bool of_content = pipeline->broken && error->status != POSTEL_TIMEOUT &&
                          error->status != POSTEL_INTERRUPTED && error->status != POSTEL_MEMORY;
        bool of_reply =
                error->status == POSTEL_REJECTED || (error->status == POSTEL_DEFERRED && error->code != 421);

        if (of_content || of_reply)
                error_set(error, POSTEL_CLOSED, POSTEL_PHASE_MAIL, "the session ended over another message");
}

/* Whose fault it was is known by where the dialogue stood. */
static void blame(struct pipeline *pipeline, const postel_error *error)
{
        struct delivery *delivery = head(pipeline)->delivery;
        bool patient = error->status == POSTEL_TIMEOUT && !deadline_passed(pipeline->deadline);

        delivery->at_fault = !(patient && is_stall(pipeline));
        delivery->unsendable = pipeline->broken;
}

/* Tells everybody. The error becomes that of the messages behind the first one. */
static void lose_all(struct pipeline *pipeline, postel_error *error)
{
        struct delivery *delivery;

        if (pipeline->count)
                blame(pipeline, error);
        for (; pipeline->count; pipeline->count--) {
                delivery = head(pipeline)->delivery;
                pipeline->first = (pipeline->first + 1) % pipeline->depth;
                fail(pipeline, delivery, error);
                turn_into_others(pipeline, error);
        }
        while ((delivery = pop_again(pipeline)))
                fail(pipeline, delivery, error);
        if (pipeline->pending)
                fail(pipeline, pipeline->pending, error);
        pipeline->pending = NULL;
}

postel_status pipeline_run(struct session *session, struct feed *feed, struct transaction *room, size_t depth,
        struct deadline deadline, postel_error *error)
{
        struct pipeline pipeline = {
                .exchange = { POSTEL_PHASE_MAIL, 0, pipeline_fill, pipeline_wrote, pipeline_take,
                        pipeline_is_silence_due, pipeline_is_done, pipeline_has_more },
                .session = session,
                .feed = feed,
                .deadline = deadline,
                .ring = room,
                .depth = depth,
                .refilling = true,
                .heard = clock_ns() - session->channel.heard_at_ns < SILENCE_NS,
        };
        postel_status status = POSTEL_OK;

        pipeline.again_end = &pipeline.again;
        for (find_pending(&pipeline); status == POSTEL_OK && pipeline.pending; find_pending(&pipeline)) {
                pipeline.running = true;
                status = exchange_run(&session->channel, &pipeline.exchange, deadline, error);
                pipeline.running = false;
        }
        if (session->channel.dead && status == POSTEL_OK)
                status = error_copy(error, &session->channel.fault);
        if (status == POSTEL_OK)
                return status;
        lose_all(&pipeline, error);
        return error->status;
}
