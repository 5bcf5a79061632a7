/* SPDX-License-Identifier: MIT */
/*
 * The loop that interleaves writing and reading, so that neither side can wait for the other for ever. It
 * knows when octets move and how long that may take, not what they mean.
 */

#include "smtp/exchange.h"

#include "base/status.h"

/* What is written, against a server that takes it as fast as it comes, before we look whether it has spoken,
 * and at the time. */
#define BURST_OCTETS 262144

/* Who sends more than this without being asked is not listened to before the next write. */
#define MAX_READS 64

struct run {
        struct channel *channel;
        struct exchange *exchange;
        struct deadline deadline; /* of the call */
        struct deadline limit; /* of the phase, moved on by progress */
        bool awaiting; /* nothing was written since the last round trip was counted */
};

static void progress(struct run *run)
{
        int limit_ms = channel_limit_ms(run->channel, run->exchange->phase);
        int less_ms = run->exchange->limit_ms;

        run->limit = deadline_after_ms(less_ms && less_ms < limit_ms ? less_ms : limit_ms);
}

/* Hands over every reply that is complete. */
static postel_status take_replies(struct run *run, postel_error *error)
{
        struct channel *channel = run->channel;
        enum reply_event event = REPLY_READY;
        struct reply reply;

        while (!run->exchange->is_done(run->exchange)) {
                event = channel_next_reply(channel, &reply, error);
                if (event != REPLY_READY)
                        break;
                channel->replies += reply.code != 421;
                postel_status status = run->exchange->take(run->exchange, &reply, error);
                if (reply.code == 421)
                        return channel_closing(channel, run->exchange->phase, &reply, error);
                if (status != POSTEL_OK)
                        return status;
                progress(run);
        }
        return event == REPLY_FAULT ? error->status : POSTEL_OK;
}

/*
 * Writing has failed: what the server said before it closed tells more than the broken pipe does, and may be
 * there already.
 */
static postel_status last_words(struct run *run, postel_error *error)
{
        postel_error words;
        postel_status status;

        do {
                status = channel_read(run->channel, &words);
                if (status == POSTEL_OK && !channel_unasked_octets(run->channel))
                        break;
                if (status == POSTEL_OK)
                        status = take_replies(run, &words);
        } while (status == POSTEL_OK && !run->exchange->is_done(run->exchange));
        bool said_more = status != POSTEL_OK && status != POSTEL_IO && status != POSTEL_TLS;
        return said_more ? error_copy(error, &words) : error->status;
}

/* Writes until all is written, the socket is full, or it is time to look up. */
static postel_status write_some(struct run *run, postel_error *error)
{
        ssize_t written = 0;

        for (size_t burst = 0; !output_is_empty(&run->channel->output) && burst < BURST_OCTETS;
                burst += (size_t)written) {
                written = output_write(&run->channel->output, &run->channel->stream, error);
                if (written == STREAM_AGAIN)
                        return POSTEL_OK;
                if (written == STREAM_FAULT)
                        return last_words(run, error);
                run->awaiting = false;
                run->exchange->wrote(run->exchange);
                progress(run);
        }
        return POSTEL_OK;
}

static struct deadline until(const struct run *run)
{
        return deadline_earlier(run->deadline, run->limit);
}

static postel_status timed_out(const struct run *run, postel_error *error)
{
        return error_set(error, POSTEL_TIMEOUT, POSTEL_PHASE_NONE, "the server %s in time",
                !output_is_empty(&run->channel->output) ? "took nothing" : "did not reply");
}

static postel_status wait_and_read(struct run *run, postel_error *error)
{
        bool writing = !output_is_empty(&run->channel->output);

        if (!writing && !run->awaiting) {
                run->awaiting = true;
                run->channel->round_trips++;
        }
        if (!run->channel->stream.tls || !tls_has_pending(run->channel->stream.tls)) {
                postel_status status = stream_wait(&run->channel->stream, writing, until(run), error);
                if (status == POSTEL_TIMEOUT)
                        return timed_out(run, error);
                if (status != POSTEL_OK)
                        return status;
        }
        return channel_read(run->channel, error);
}

static postel_status fill(struct run *run, postel_error *error)
{
        if (!output_is_empty(&run->channel->output))
                return POSTEL_OK;
        postel_status status = run->exchange->fill(run->exchange, error);
        /* Where content comes from may be slow: that is not the server's time. */
        if (!output_is_empty(&run->channel->output))
                progress(run);
        return status;
}

/* While no reply is due, what has come all the same is heard before anything more is written. */
static postel_status hear(struct run *run, postel_error *error)
{
        struct exchange *exchange = run->exchange;
        postel_status status = POSTEL_OK;

        for (int i = 0; i < MAX_READS && status == POSTEL_OK && !exchange->is_done(exchange) &&
                        exchange->is_silence_due(exchange) && stream_is_readable(&run->channel->stream);
                i++) {
                status = channel_read(run->channel, error);
                if (status == POSTEL_OK)
                        status = take_replies(run, error);
        }
        return status;
}

/*
 * Hears, then writes. A refusal that is already here must not be followed by the end mark, and reading
 * content may have taken long: therefore twice. Once the time has run out nothing more is written, but what
 * had come by then has counted.
 */
static postel_status hear_and_write(struct run *run, postel_error *error)
{
        postel_status status = hear(run, error);

        if (status == POSTEL_OK && deadline_passed(until(run)))
                return timed_out(run, error);
        if (status == POSTEL_OK)
                status = fill(run, error);
        if (status == POSTEL_OK)
                status = hear(run, error);
        if (status == POSTEL_OK)
                status = stream_check(&run->channel->stream, run->deadline, error);
        return status == POSTEL_OK ? write_some(run, error) : status;
}

static postel_status turn(struct run *run, postel_error *error)
{
        struct exchange *exchange = run->exchange;
        postel_status status = take_replies(run, error);

        if (status == POSTEL_OK && !exchange->is_done(exchange))
                status = hear_and_write(run, error);
        if (status != POSTEL_OK || exchange->is_done(exchange))
                return status;
        /* A long body is not written to its end against a server that has refused it. */
        bool more = output_is_empty(&run->channel->output) && exchange->has_more(exchange);
        if (!more)
                return wait_and_read(run, error);
        return stream_is_readable(&run->channel->stream) ? channel_read(run->channel, error) : POSTEL_OK;
}

/* Whoever is about to speak looks first whether the server has. */
static postel_status check_silence(struct run *run, postel_error *error)
{
        struct reply reply;
        postel_error ignored;

        if (output_is_empty(&run->channel->output) && !run->exchange->has_more(run->exchange))
                return POSTEL_OK;
        postel_status status = channel_hear_unasked(run->channel, run->exchange->phase, &reply, error);
        if (status == POSTEL_DEFERRED)
                run->exchange->take(run->exchange, &reply, &ignored);
        return status;
}

postel_status exchange_run(
        struct channel *channel, struct exchange *exchange, struct deadline deadline, postel_error *error)
{
        struct run run = { .channel = channel, .exchange = exchange, .deadline = deadline };

        if (channel->dead)
                return error_copy(error, &channel->fault);
        postel_status status = check_silence(&run, error);
        progress(&run);
        while (status == POSTEL_OK && !exchange->is_done(exchange))
                status = turn(&run, error);
        if (status == POSTEL_OK)
                return POSTEL_OK;
        if (error->phase == POSTEL_PHASE_NONE || error->phase == POSTEL_PHASE_TLS)
                error->phase = exchange->phase;
        return channel_poison(channel, error);
}

/* ---- One command, one reply ---- */

struct question {
        struct exchange exchange;
        struct channel *channel;
        struct reply *reply;
        bool answered;
};

static postel_status question_fill(struct exchange *exchange, postel_error *error)
{
        (void)exchange;
        (void)error;
        return POSTEL_OK;
}

static void question_wrote(struct exchange *exchange)
{
        (void)exchange;
}

static postel_status question_take(struct exchange *exchange, const struct reply *reply, postel_error *error)
{
        struct question *question = (struct question *)exchange;

        (void)error;
        if (exchange->phase == POSTEL_PHASE_RSET && channel_is_stray(question->channel, reply))
                return POSTEL_OK;
        question->channel->strays = 0;
        *question->reply = *reply;
        question->answered = true;
        return POSTEL_OK;
}

static bool question_is_silence_due(const struct exchange *exchange)
{
        (void)exchange;
        return false;
}

static bool question_is_done(const struct exchange *exchange)
{
        return ((const struct question *)exchange)->answered;
}

static bool question_has_more(const struct exchange *exchange)
{
        (void)exchange;
        return false;
}

postel_status exchange_ask(struct channel *channel, postel_phase phase, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        struct question question = {
                .exchange = { phase, 0, question_fill, question_wrote, question_take, question_is_silence_due,
                        question_is_done, question_has_more },
                .channel = channel,
                .reply = reply,
        };

        return exchange_run(channel, &question.exchange, deadline, error);
}
