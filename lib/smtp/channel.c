/* SPDX-License-Identifier: MIT */
/* Commands out, replies in, and how long each phase may take (RFC 5321 section 4.5.3.2). Not what they mean.
 */

#include "smtp/channel.h"

#include "base/secret.h"
#include "base/status.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000
#define MINUTE (60 * SECOND)

/* What an idle session keeps: enough for the commands and replies of a usual message. */
#define CHANNEL_KEEP_OCTETS 1024

/* Refusals of what a server took for commands, before it is clear that it makes no sense. */
#define MAX_STRAYS 10000

/* More than these many records without content are no silence. */
#define MAX_SILENT_READS 64

postel_status channel_init(struct channel *channel, postel_error *error)
{
        memset(channel, 0, sizeof(*channel));
        output_init(&channel->output);
        reply_parser_init(&channel->parser);
        channel->phase_timeout_ms = -1;
        return stream_init(&channel->stream, error);
}

void channel_deinit(struct channel *channel)
{
        stream_deinit(&channel->stream);
        reply_parser_deinit(&channel->parser);
        output_deinit(&channel->output);
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

struct buffer *channel_scratch(struct channel *channel)
{
        return &channel->output.scratch;
}

void channel_queue_command(struct channel *channel, size_t from, const char *shown)
{
        const struct buffer *scratch = &channel->output.scratch;

        output_queue_scratch(&channel->output, from);
        if (shown)
                channel_trace(channel, POSTEL_TRACE_SENT, shown, strlen(shown));
        else
                channel_trace(channel, POSTEL_TRACE_SENT, scratch->data + from, scratch->size - from - 2);
}

void channel_flush(struct channel *channel)
{
        postel_error error;

        while (!channel->dead && !output_is_empty(&channel->output)) {
                ssize_t written = output_write(&channel->output, &channel->stream, &error);
                if (written == STREAM_FAULT)
                        channel_poison(channel, &error);
                if (written <= 0)
                        return;
        }
}

/* ---- Replies ---- */

#define WITHHELD "(a text that held a secret)"

bool channel_holds_secret(const struct channel *channel, const char *text)
{
        for (int i = 0; i < CHANNEL_SECRETS; i++)
                if (secret_is_in(text, channel->secrets[i]))
                        return true;
        return false;
}

static void trace_line(struct channel *channel, char separator, const char *line, int size)
{
        char text[REPLY_LINE_MAX_OCTETS + 8];
        int written = snprintf(text, sizeof(text), "%d%c%.*s", channel->parser.code, separator, size, line);

        channel_trace(channel, POSTEL_TRACE_RECEIVED, text, (size_t)written);
}

static void trace_reply(struct channel *channel)
{
        const char *line = channel->trace ? reply_parser_text(&channel->parser) : NULL;
        bool withheld = line && (channel->parser.code == 334 || channel_holds_secret(channel, line));

        for (const char *end; line; line = end ? end + 1 : NULL) {
                end = strchr(line, '\n');
                int size = end ? (int)(end - line) : (int)strlen(line);
                trace_line(channel, end ? '-' : ' ', withheld ? "***" : line, withheld ? 3 : size);
        }
}

/*
 * A server that repeats a secret must not make us tell it to a trace or an error, and refusals are what
 * errors are made of. Blanking the place alone would show the secret by what is missing.
 */
static void withhold_secrets(struct channel *channel)
{
        struct buffer *text = &channel->parser.text;

        if (channel->parser.code < 400 || !channel_holds_secret(channel, text->data))
                return;
        buffer_wipe(text);
        if (!buffer_append(text, WITHHELD, sizeof(WITHHELD)))
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
enum reply_event channel_next_reply(struct channel *channel, struct reply *reply, postel_error *error)
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
        trace_reply(channel);
        withhold_secrets(channel);
        reply->code = parser->code;
        reply->text = reply_parser_text(parser);
        reply->text_size = reply_parser_text_size(parser);
        reply->holds_secret = channel_holds_secret(channel, reply->text);
        reply->enhanced[0] = '\0';
        if (channel->enhanced)
                reply_enhanced(reply->code, reply->text, reply->enhanced);
        return REPLY_READY;
}

postel_status channel_read(struct channel *channel, postel_error *error)
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
        channel->heard_at_ns = clock_ns();
        return POSTEL_OK;
}

const char *reply_words(const struct reply *reply)
{
        return reply->holds_secret ? WITHHELD : reply->text;
}

/* A 421 is the end, whatever it is about (RFC 5321 section 3.8). */
postel_status channel_closing(
        struct channel *channel, postel_phase phase, const struct reply *reply, postel_error *error)
{
        channel->shutting_down = true;
        error_set(error, POSTEL_DEFERRED, phase, "the server is closing: 421 %s", reply->text);
        error->code = 421;
        return POSTEL_DEFERRED;
}

void channel_expect_strays(struct channel *channel)
{
        channel->strays = MAX_STRAYS;
}

bool channel_is_stray(struct channel *channel, const struct reply *reply)
{
        if (!channel->strays || reply->code < 500)
                return false;
        channel->strays--;
        return true;
}

/* Reads what has come unasked. Within TLS, records that say nothing (tickets, key updates) may stand in front
 * of one that does. */
static postel_status read_unasked(struct channel *channel, postel_phase phase, postel_error *error)
{
        postel_status status = POSTEL_OK;

        for (int reads = 0; status == POSTEL_OK && !channel_unasked_octets(channel) &&
                            stream_is_readable(&channel->stream);
                reads++) {
                if (reads > MAX_SILENT_READS)
                        return error_set(
                                error, POSTEL_PROTOCOL, phase, "the server sends records without end");
                status = channel_read(channel, error);
        }
        return status;
}

postel_status channel_hear_unasked(
        struct channel *channel, postel_phase phase, struct reply *reply, postel_error *error)
{
        enum reply_event event;

        do {
                postel_status status = read_unasked(channel, phase, error);
                if (status != POSTEL_OK || !channel_unasked_octets(channel))
                        return status;
                event = channel_next_reply(channel, reply, error);
        } while (event == REPLY_READY && channel_is_stray(channel, reply));
        if (event == REPLY_FAULT)
                return error->status;
        if (event == REPLY_READY && reply->code == 421)
                return channel_closing(channel, phase, reply, error);
        /* The rest of a stray one comes before the reply to RSET does. */
        if (event != REPLY_READY && channel->strays)
                return POSTEL_OK;
        if (event != REPLY_READY)
                return error_set(error, POSTEL_PROTOCOL, phase,
                        "the server said something that nobody asked for: no whole reply");
        return error_set(error, POSTEL_PROTOCOL, phase,
                "the server said something that nobody asked for: %d %s", reply->code, reply_words(reply));
}

/* ---- Ending ---- */

postel_status channel_poison(struct channel *channel, const postel_error *fault)
{
        if (!channel->dead) {
                channel->dead = true;
                channel->fault = *fault;
                output_clear(&channel->output);
        }
        return fault->status;
}

bool channel_is_silent(struct channel *channel)
{
        postel_error error;
        struct reply reply;

        if (channel->dead)
                return false;
        if (channel_hear_unasked(channel, POSTEL_PHASE_NONE, &reply, &error) == POSTEL_OK)
                return true;
        channel_poison(channel, &error);
        return false;
}

bool channel_sees_end(struct channel *channel, struct deadline deadline)
{
        postel_error error;

        while (!channel_unasked_octets(channel)) {
                if (channel_read(channel, &error) != POSTEL_OK)
                        return true;
                if (!channel_unasked_octets(channel) &&
                        stream_wait(&channel->stream, false, deadline, &error) != POSTEL_OK)
                        return false;
        }
        return false;
}

void channel_trim(struct channel *channel)
{
        output_trim(&channel->output, CHANNEL_KEEP_OCTETS);
        if (!reply_parser_is_within(&channel->parser)) {
                reply_parser_reset(&channel->parser);
                buffer_trim(&channel->parser.text, CHANNEL_KEEP_OCTETS);
        }
}
