/* SPDX-License-Identifier: MIT */
/*
 * Commands out, replies in. Knows when octets move and how long that may take (RFC 5321 section 4.5.3.2), not
 * what they mean.
 */

#include "smtp/channel.h"

#include "base/secret.h"
#include "base/status.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)

/* What an idle session keeps: enough for the commands and replies of a usual message. */
#define CHANNEL_KEEP_OCTETS 1024

/* What is written, against a server that takes it as fast as it comes, before we look whether it has spoken,
 * and at the time. */
#define CHANNEL_BURST_OCTETS 262144

postel_status channel_init(struct channel *channel, postel_error *error)
{
        memset(channel, 0, sizeof(*channel));
        buffer_init(&channel->scratch, CHANNEL_SCRATCH_OCTETS);
        reply_parser_init(&channel->parser);
        channel->phase_timeout_ms = -1;
        return stream_init(&channel->stream, error);
}

void channel_deinit(struct channel *channel)
{
        stream_deinit(&channel->stream);
        reply_parser_deinit(&channel->parser);
        buffer_wipe(&channel->scratch);
        buffer_deinit(&channel->scratch);
}

int channel_limit_ms(const struct channel *channel, postel_phase phase)
{
        if (channel->phase_timeout_ms >= 0)
                return channel->phase_timeout_ms;
        switch (phase) {
        case POSTEL_PHASE_CONNECT:
                return 30 * SECOND;
        case POSTEL_PHASE_TLS:
                return MINUTE;
        case POSTEL_PHASE_DATA:
                return 2 * MINUTE; /* RFC 5321 section 4.5.3.2.4 */
        case POSTEL_PHASE_BODY:
                return 3 * MINUTE; /* section 4.5.3.2.5 */
        case POSTEL_PHASE_FINAL:
                return 10 * MINUTE; /* section 4.5.3.2.6 */
        default:
                return 5 * MINUTE; /* sections 4.5.3.2.1 to 4.5.3.2.3 */
        }
}

void channel_trace(struct channel *channel, postel_trace_kind kind, const char *text, size_t size)
{
        char shown[2 * REPLY_LINE_MAX_OCTETS];

        if (!channel->trace)
                return;
        size_t shown_size = text_escape(shown, sizeof(shown), text, size);
        channel->trace(channel->trace_data, channel->number, kind, shown, shown_size);
}

/* ---- Output ---- */

struct buffer *channel_scratch(struct channel *channel)
{
        return &channel->scratch;
}

bool channel_has_output(const struct channel *channel)
{
        return channel->slice_from < channel->slice_to;
}

bool channel_has_room(const struct channel *channel)
{
        /* The longest command there is, an AUTH line excepted, which is written alone. */
        return channel->slice_to < CHANNEL_SLICES &&
               channel->scratch.size <= CHANNEL_SCRATCH_OCTETS - 4 * CHANNEL_COPY_MAX_OCTETS;
}

static void queue_scratch(struct channel *channel, size_t from)
{
        struct slice *last = channel_has_output(channel) ? &channel->slices[channel->slice_to - 1] : NULL;

        if (last && !last->data && last->offset + last->size == from)
                last->size = channel->scratch.size - last->offset;
        else
                channel->slices[channel->slice_to++] =
                        (struct slice){ .offset = from, .size = channel->scratch.size - from };
}

void channel_queue_command(struct channel *channel, size_t from, const char *shown)
{
        assert(channel->slice_to < CHANNEL_SLICES);
        queue_scratch(channel, from);
        if (shown)
                channel_trace(channel, POSTEL_TRACE_SENT, shown, strlen(shown));
        else
                channel_trace(channel, POSTEL_TRACE_SENT, channel->scratch.data + from,
                        channel->scratch.size - from - 2);
}

bool channel_queue_octets(struct channel *channel, const char *data, size_t size)
{
        size_t from = channel->scratch.size;

        if (!channel_has_room(channel))
                return false;
        if (size > CHANNEL_COPY_MAX_OCTETS || !buffer_append(&channel->scratch, data, size))
                channel->slices[channel->slice_to++] = (struct slice){ .data = data, .size = size };
        else if (size)
                queue_scratch(channel, from);
        return true;
}

static void output_clear(struct channel *channel)
{
        channel->slice_from = channel->slice_to = 0;
        buffer_truncate(&channel->scratch, 0);
}

static void output_advance(struct channel *channel, size_t written)
{
        while (written) {
                struct slice *slice = &channel->slices[channel->slice_from];
                size_t part = written < slice->size ? written : slice->size;
                if (slice->data)
                        slice->data += part;
                slice->offset += part;
                slice->size -= part;
                written -= part;
                if (!slice->size)
                        channel->slice_from++;
        }
        if (!channel_has_output(channel))
                output_clear(channel);
}

/* Writes what goes now. >0: some octets went; STREAM_AGAIN; STREAM_FAULT. */
static ssize_t output_write(struct channel *channel, postel_error *error)
{
        struct iovec vector[CHANNEL_SLICES];
        int count = 0;

        for (unsigned i = channel->slice_from; i < channel->slice_to; i++) {
                const struct slice *slice = &channel->slices[i];
                const char *data = slice->data ? slice->data : channel->scratch.data + slice->offset;
                vector[count++] = (struct iovec){ .iov_base = (char *)data, .iov_len = slice->size };
        }
        ssize_t written = stream_write(&channel->stream, vector, count, error);
        if (written > 0)
                output_advance(channel, (size_t)written);
        return written;
}

void channel_flush(struct channel *channel)
{
        postel_error error;

        while (!channel->dead && channel_has_output(channel)) {
                ssize_t written = output_write(channel, &error);
                if (written == STREAM_FAULT)
                        channel_poison(channel, &error);
                if (written <= 0)
                        return;
        }
}

/* ---- Replies ---- */

static void trace_reply(struct channel *channel)
{
        const char *line = reply_parser_text(&channel->parser);

        if (!channel->trace)
                return;
        if (channel->parser.code == 334) {
                channel_trace(channel, POSTEL_TRACE_RECEIVED, "334 ***", 7);
                return;
        }
        for (const char *end; line; line = end ? end + 1 : NULL) {
                char text[REPLY_LINE_MAX_OCTETS + 8];
                end = strchr(line, '\n');
                int size = end ? (int)(end - line) : (int)strlen(line);
                int written = snprintf(
                        text, sizeof(text), "%d%c%.*s", channel->parser.code, end ? '-' : ' ', size, line);
                channel_trace(channel, POSTEL_TRACE_RECEIVED, text, (size_t)written);
        }
}

/*
 * A server that repeats a secret must not make us tell it to a trace or an error. Blanking the place alone
 * would show the secret by what is missing. The challenges of AUTH stay as they are for the mechanism, and
 * are not traced.
 */
static void withhold_secrets(struct channel *channel)
{
        struct buffer *text = &channel->parser.text;
        static const char withheld[] = "(a text that held a secret)";
        bool found = false;

        for (int i = 0; i < CHANNEL_SECRETS; i++)
                found = found || secret_is_in(text->data, channel->secrets[i]);
        if (!found || channel->parser.code == 334)
                return;
        buffer_wipe(text);
        if (!buffer_append(text, withheld, sizeof(withheld)))
                text->data[0] = '\0';
}

size_t channel_unasked_octets(const struct channel *channel)
{
        return channel->in_to - channel->in_from;
}

/* Room for the text of the next octets is made before they are parsed: memory that ran out is no fault of the
 * server. */
static bool reserve_text(struct channel *channel)
{
        struct buffer *text = &channel->parser.text;
        size_t octets = channel_unasked_octets(channel), most = text->max - text->size;

        return buffer_reserve(text, octets < most ? octets : most);
}

/* The next reply of what has been read. REPLY_FAULT: the error says why. */
static enum reply_event next_reply(struct channel *channel, struct reply *reply, postel_error *error)
{
        struct reply_parser *parser = &channel->parser;
        size_t used;

        if (channel->in_from == channel->in_to)
                return REPLY_MORE;
        if (!reply_parser_is_within(parser))
                reply_parser_reset(parser);
        if (!reserve_text(channel)) {
                error_set(error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
                return REPLY_FAULT;
        }
        enum reply_event event = reply_parser_feed(
                parser, channel->in + channel->in_from, channel->in_to - channel->in_from, &used);
        channel->in_from += used;
        if (event == REPLY_FAULT)
                error_set(error, POSTEL_PROTOCOL, POSTEL_PHASE_NONE, "the server's reply %s", parser->fault);
        if (event != REPLY_READY)
                return event;
        withhold_secrets(channel);
        reply->code = parser->code;
        reply->text = reply_parser_text(parser);
        reply->text_size = reply_parser_text_size(parser);
        reply->enhanced[0] = '\0';
        if (channel->enhanced)
                reply_enhanced(reply->code, reply->text, reply->enhanced);
        trace_reply(channel);
        return REPLY_READY;
}

static postel_status input_read(struct channel *channel, postel_error *error)
{
        if (channel->in_from == channel->in_to)
                channel->in_from = channel->in_to = 0;
        ssize_t got = stream_read(
                &channel->stream, channel->in + channel->in_to, sizeof(channel->in) - channel->in_to, error);
        if (got == STREAM_AGAIN)
                return POSTEL_OK;
        if (got == STREAM_FAULT)
                return error->status;
        if (got == 0)
                return error_set(error, POSTEL_IO, POSTEL_PHASE_NONE, "the server closed the connection");
        channel->in_to += (size_t)got;
        return POSTEL_OK;
}

/* A 421 is the end, whatever it is about (RFC 5321 section 3.8). */
static postel_status closing(
        struct channel *channel, postel_phase phase, const struct reply *reply, postel_error *error)
{
        channel->shutting_down = true;
        error_set(error, POSTEL_DEFERRED, phase, "the server is closing: 421 %s", reply->text);
        error->code = 421;
        return POSTEL_DEFERRED;
}

/*
 * Looks, between two commands, whether the server has spoken or gone: what it said before a command is no
 * reply to it. POSTEL_OK: it is silent. POSTEL_DEFERRED: *reply is a 421.
 */
static postel_status hear_unasked(
        struct channel *channel, postel_phase phase, struct reply *reply, postel_error *error)
{
        postel_status status = POSTEL_OK;

        if (!channel_unasked_octets(channel) && stream_is_readable(&channel->stream))
                status = input_read(channel, error);
        if (status != POSTEL_OK || !channel_unasked_octets(channel))
                return status;
        enum reply_event event = next_reply(channel, reply, error);
        if (event == REPLY_FAULT)
                return error->status;
        if (event == REPLY_READY && reply->code == 421)
                return closing(channel, phase, reply, error);
        return error_set(error, POSTEL_PROTOCOL, phase, "the server said something that nobody asked for: %s",
                event == REPLY_READY ? reply->text : "no whole reply");
}

/* ---- The loop ---- */

struct run {
        struct channel *channel;
        struct exchange *exchange;
        struct deadline deadline; /* of the call */
        struct deadline limit; /* of the phase, moved on by progress */
        bool awaiting; /* nothing was written since the last round trip was counted */
};

static void progress(struct run *run)
{
        run->limit = deadline_after_ms(channel_limit_ms(run->channel, run->exchange->phase));
}

/* Hands over every reply that is complete. */
static postel_status take_replies(struct run *run, postel_error *error)
{
        struct channel *channel = run->channel;
        enum reply_event event = REPLY_READY;
        struct reply reply;

        while (!run->exchange->is_done(run->exchange)) {
                event = next_reply(channel, &reply, error);
                if (event != REPLY_READY)
                        break;
                channel->replies += reply.code != 421;
                postel_status status = run->exchange->take(run->exchange, &reply, error);
                if (reply.code == 421)
                        return closing(channel, run->exchange->phase, &reply, error);
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
                size_t before = run->channel->in_to;
                status = input_read(run->channel, &words);
                if (status == POSTEL_OK && run->channel->in_to == before)
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

        for (size_t burst = 0; channel_has_output(run->channel) && burst < CHANNEL_BURST_OCTETS;
                burst += (size_t)written) {
                written = output_write(run->channel, error);
                if (written == STREAM_AGAIN)
                        return POSTEL_OK;
                if (written == STREAM_FAULT)
                        return last_words(run, error);
                run->awaiting = false;
                if (!channel_has_output(run->channel))
                        run->exchange->flushed(run->exchange);
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
                channel_has_output(run->channel) ? "took nothing" : "did not reply");
}

static postel_status wait_and_read(struct run *run, postel_error *error)
{
        bool writing = channel_has_output(run->channel);

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
        return input_read(run->channel, error);
}

static postel_status fill(struct run *run, postel_error *error)
{
        if (channel_has_output(run->channel))
                return POSTEL_OK;
        postel_status status = run->exchange->fill(run->exchange, error);
        /* Where content comes from may be slow: that is not the server's time. */
        if (channel_has_output(run->channel))
                progress(run);
        return status;
}

/* Once the time has run out nothing more is written, or an end mark would go out that nobody waits for; what
 * has come by then still counts. */
static postel_status turn(struct run *run, postel_error *error)
{
        struct exchange *exchange = run->exchange;
        bool late = deadline_passed(until(run));
        postel_status status = late ? POSTEL_OK : fill(run, error);

        if (status == POSTEL_OK && !late)
                status = write_some(run, error);
        if (status == POSTEL_OK)
                status = take_replies(run, error);
        if (status != POSTEL_OK || exchange->is_done(exchange))
                return status;
        if (late)
                return timed_out(run, error);
        /* A long body is not written to its end against a server that has refused it. */
        bool more = !channel_has_output(run->channel) && exchange->has_more(exchange);
        if (!more)
                return wait_and_read(run, error);
        if (stream_is_interrupted(&run->channel->stream))
                return error_set(
                        error, POSTEL_INTERRUPTED, POSTEL_PHASE_NONE, "interrupted by another thread");
        return stream_is_readable(&run->channel->stream) ? input_read(run->channel, error) : POSTEL_OK;
}

/* Whoever is about to speak looks first whether the server has. */
static postel_status check_silence(struct run *run, postel_error *error)
{
        struct reply reply;
        postel_error ignored;

        if (!channel_has_output(run->channel) && !run->exchange->has_more(run->exchange))
                return POSTEL_OK;
        postel_status status = hear_unasked(run->channel, run->exchange->phase, &reply, error);
        if (status == POSTEL_DEFERRED)
                run->exchange->take(run->exchange, &reply, &ignored);
        return status;
}

postel_status channel_run(
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
        struct reply *reply;
        bool answered;
};

static postel_status question_fill(struct exchange *exchange, postel_error *error)
{
        (void)exchange;
        (void)error;
        return POSTEL_OK;
}

static void question_flushed(struct exchange *exchange)
{
        (void)exchange;
}

static postel_status question_take(struct exchange *exchange, const struct reply *reply, postel_error *error)
{
        struct question *question = (struct question *)exchange;

        (void)error;
        *question->reply = *reply;
        question->answered = true;
        return POSTEL_OK;
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

postel_status channel_ask(struct channel *channel, postel_phase phase, struct deadline deadline,
        struct reply *reply, postel_error *error)
{
        struct question question = {
                .exchange = { phase, question_fill, question_flushed, question_take, question_is_done,
                        question_has_more },
                .reply = reply,
        };

        return channel_run(channel, &question.exchange, deadline, error);
}

/* ---- Ending ---- */

postel_status channel_poison(struct channel *channel, const postel_error *fault)
{
        if (!channel->dead) {
                channel->dead = true;
                channel->fault = *fault;
                output_clear(channel);
        }
        return fault->status;
}

bool channel_is_silent(struct channel *channel)
{
        postel_error error;
        struct reply reply;

        if (channel->dead)
                return false;
        if (hear_unasked(channel, POSTEL_PHASE_NONE, &reply, &error) == POSTEL_OK)
                return true;
        channel_poison(channel, &error);
        return false;
}

void channel_trim(struct channel *channel)
{
        if (!channel_has_output(channel))
                buffer_trim(&channel->scratch, CHANNEL_KEEP_OCTETS);
        if (!reply_parser_is_within(&channel->parser)) {
                reply_parser_reset(&channel->parser);
                buffer_trim(&channel->parser.text, CHANNEL_KEEP_OCTETS);
        }
}
