/* SPDX-License-Identifier: MIT */
/*
 * Content by BDAT (RFC 3030), through the public interface: when it is chosen, what is on its way before the
 * first reply, that every announced size is the size that follows, and what a server may do to it.
 */

#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALWAYS   .chunking = POSTEL_CHUNKING_ALWAYS
#define NEVER    .chunking = POSTEL_CHUNKING_NEVER
#define LOCKSTEP .pipelining = POSTEL_PIPELINING_NEVER

#define PART_OCTETS 65536 /* of content that is streamed: what goes into one chunk */

/* ---- In one flight ---- */

static void add_text(char **text, const char *more)
{
        char *joined = text_of("%s%s", *text, more);

        free(*text);
        *text = joined;
}

static void sends_everything_in_one_flight(void)
{
        static const size_t crowds[] = { 1, 10, 1000 };

        for (size_t row = 0; row < COUNT(crowds); row++) {
                char *names = text_of("r0"), *flight = text_of(MAIL RCPT("r0")), *replies = text_of(OK OK);
                harness_row("%zu recipients", crowds[row]);
                for (size_t i = 1; i < crowds[row]; i++) {
                        char name[64];
                        snprintf(name, sizeof(name), " r%zu", i);
                        add_text(&names, name);
                        snprintf(name, sizeof(name), "RCPT TO:<r%zu@x.example>\r\n", i);
                        add_text(&flight, name);
                        add_text(&replies, OK);
                }
                add_text(&flight, BDAT);
                add_text(&replies, "250 2.0.0 Ok: queued as Q1\r\n");
                const struct exchange script[] = { HELLO(PIPELINING CHUNKING), WARM, { flight, replies },
                        { MAIL RCPT("a") BDAT, OK OK OK } };
                struct client client = MEET(script, 0);
                warm(&client);
                CHECK_INT(send_text(&client, names, BODY), POSTEL_OK);
                CHECK_INT(count_outcome(client.result, POSTEL_OUTCOME_ACCEPTED), crowds[row]);
                CHECK_STR(postel_result_recipient_queue_id(client.result, crowds[row] - 1), "Q1");
                CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
                part(&client);
                free(names);
                free(flight);
                free(replies);
        }
}

/* A line of that many octets, CRLF excluded; then more such lines up to `size` octets in all. */
static char *lines_of(size_t line, size_t size)
{
        char *text = malloc(size + 1);

        REQUIRE(text != NULL);
        memset(text, 'x', size);
        text[size] = '\0';
        for (size_t at = line; at + 2 < size; at += line + 2)
                memcpy(text + at, "\r\n", 2);
        memcpy(text + size - 2, "\r\n", 2);
        return text;
}

static void send_and_expect(const char *body, bool chunk)
{
        size_t size = strlen(body);
        char *one = text_of(MAIL RCPT("a") "BDAT %zu LAST\r\n%s", size, body), *two = text_of("%s" DOT, body);
        const struct exchange by_chunk[] = { HELLO(PIPELINING CHUNKING), WARM, { one, OK OK OK } };
        const struct exchange by_data[] = { HELLO(PIPELINING CHUNKING), WARM,
                { MAIL RCPT("a") DATA, OK OK GO }, { two, OK } };
        const struct script scripts[] = { SCRIPT(by_data), SCRIPT(by_chunk) };
        struct client client = meet_scripts(&scripts[chunk], 1, (struct manner){ 0 });

        warm(&client);
        CHECK_INT(send_text(&client, "a", body), POSTEL_OK);
        part(&client);
        free(one);
        free(two);
}

static void chooses_data_for_what_could_be_read_as_commands(void)
{
        static const struct {
                const char *body;
                bool chunk;
        } rows[] = {
                { "Subject: x\r\n\r\nQUIT\r\n", false },
                { "Subject: x\r\n\r\n \tquit now\r\n", false },
                { "MAIL FROM:<evil@x.example>\r\n", false },
                { "x\r\n\r\nrcpt to:<b@x.example>\r\n", false },
                { "x\r\nStartTLS\r\n", false },
                { "x\r\nbdat 7 last\r\n", false },
                { "x\r\nEHLO\r\n", false },
                { "x\r\nLHLO x\r\n", false },
                { "x\r\nrset\r\n", false },
                { "Help: is a header field\r\n", false },
                { "x\r\nMAILER-DAEMON\r\n", true },
                { "x\r\n*quit\r\n", true },
                { "x\r\n> QUIT\r\n", true },
                { "x\r\nquitting\r\n", true },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                harness_row("%s", rows[i].body);
                send_and_expect(rows[i].body, rows[i].chunk);
        }
}

static void chooses_data_for_what_is_too_long(void)
{
        static const struct {
                size_t line, size;
                bool chunk;
        } rows[] = {
                { 510, 4096, true },
                { 511, 4096, false },
                { 70, 262144, true },
                { 70, 262145, false },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                char *body = lines_of(rows[i].line, rows[i].size);
                harness_row("lines of %zu, %zu octets", rows[i].line, rows[i].size);
                send_and_expect(body, rows[i].chunk);
                free(body);
        }
}

static void announces_the_size_that_it_writes(void)
{
        static const struct {
                const char *body, *chunk;
        } rows[] = {
                { "", "BDAT 0 LAST\r\n" },
                { "a", "BDAT 3 LAST\r\na\r\n" },
                { "a\r\n", "BDAT 3 LAST\r\na\r\n" },
                { "a\nb\n\nc", "BDAT 11 LAST\r\na\r\nb\r\n\r\nc\r\n" },
                { "a\rb\r", "BDAT 6 LAST\r\na\r\nb\r\n" },
                { ".\r\n..\r\n.a", "BDAT 11 LAST\r\n.\r\n..\r\n.a\r\n" },
                { "a\n.\n", "BDAT 6 LAST\r\na\r\n.\r\n" },
                { "a\r\n.\r\n", "BDAT 6 LAST\r\na\r\n.\r\n" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                char *flight = text_of(MAIL RCPT("a") "%s", rows[i].chunk);
                const struct exchange script[] = { HELLO(PIPELINING CHUNKING), WARM, { flight, OK OK OK },
                        { "NOOP\r\n", OK } };
                struct client client = MEET(script, 0);
                harness_row("row %zu", i);
                warm(&client);
                CHECK_INT(send_text(&client, "a", rows[i].body), POSTEL_OK);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                free(flight);
        }
}

static void declares_the_size_with_mail(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING "250-SIZE\r\n"),
                { "MAIL FROM:<" FROM "> SIZE=6\r\n" RCPT("a"), OK OK }, { "BDAT 6 LAST\r\na\r\n.\r\n", OK } };
        struct client client = MEET(script, 0);

        CHECK_INT(send_text(&client, "a", "a\n.\n"), POSTEL_OK);
        part(&client);
}

static void waits_where_it_must(void)
{
        static const struct exchange lockstep[] = { HELLO(CHUNKING), { MAIL, OK }, { RCPT("a"), OK },
                { RCPT("b"), "550 b\r\n" }, { BDAT, OK }, { MAIL, OK }, { RCPT("a"), OK }, { BDAT, OK } };
        static const struct exchange all_or_none[] = { HELLO(PIPELINING CHUNKING), WARM,
                { MAIL RCPT("a") RCPT("b"), OK OK OK }, { BDAT, OK } };
        static const struct exchange forbidden[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO }, { BODY DOT, OK } };
        struct client client = MEET(lockstep, 0);

        CHECK_INT(send_text(&client, "a b", BODY), POSTEL_PARTIAL);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);

        client = MEET(all_or_none, 0);
        warm(&client);
        postel_envelope *envelope = envelope_to("a b");
        postel_message *message = postel_message_from_copy(BODY, strlen(BODY));
        postel_envelope_set_all_or_none(envelope, 1);
        CHECK_INT(send_envelope(&client, envelope, message), POSTEL_OK);
        postel_envelope_free(&envelope);
        postel_message_free(&message);
        part(&client);

        client = MEET(forbidden, NEVER);
        CHECK_INT(send_text(&client, "a b", BODY), POSTEL_OK);
        part(&client);
}

/* By choice also what `auto` would not, and then not before the recipients are answered. */
static void chunks_always_by_choice(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING), WARM, { MAIL RCPT("a"), OK OK },
                { "BDAT 9 LAST\r\nx\r\nQUIT\r\n", OK }, { MAIL RCPT("a") BDAT, OK OK OK } };
        static const struct exchange without[] = { HELLO(PIPELINING), { "NOOP\r\n", OK } };
        struct client client = MEET(script, ALWAYS);

        warm(&client);
        CHECK_INT(send_text(&client, "a", "x\r\nQUIT\r\n"), POSTEL_OK);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);

        client = MEET(without, ALWAYS);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_UNSUPPORTED);
        CHECK_ACCOUNT(&client, "UNSUPPORTED: NOT_SENT mail 0");
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        part(&client);
}

/* ---- Refusals with everything in flight ---- */

static void takes_refusals_of_all_that_was_in_flight(void)
{
        static const struct exchange script[] = {
                HELLO(ENHANCED PIPELINING CHUNKING),
                WARM,
                { MAIL RCPT("a") RCPT("b") BDAT, "550 5.7.1 no\r\n503 a\r\n503 b\r\n503 c\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") BDAT, OK "451 4.3.0 no\r\n503 a\r\n503 b\r\n503 c\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") BDAT, OK OK "550 5.1.1 a\r\n450 4.2.1 b\r\n503 5.5.1 c\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") BDAT, OK OK OK OK "554 5.6.0 spam\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") BDAT, OK OK OK OK "452 4.3.1 full\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") BDAT, OK OK "550 5.1.1 a\r\n" OK OK },
                { MAIL RCPT("a") BDAT, OK OK OK },
        };
        static const char *const accounts[] = {
                "REJECTED: REJECTED mail 550 5.7.1, REJECTED mail 550 5.7.1",
                "DEFERRED: DEFERRED mail 451 4.3.0, DEFERRED mail 451 4.3.0",
                "DEFERRED: REJECTED rcpt 550 5.1.1, DEFERRED rcpt 450 4.2.1",
                "REJECTED: REJECTED final 554 5.6.0, REJECTED final 554 5.6.0",
                "DEFERRED: DEFERRED final 452 4.3.1, DEFERRED final 452 4.3.1",
                "PARTIAL: REJECTED rcpt 550 5.1.1, ACCEPTED final 250",
        };
        struct client client = MEET(script, 0);

        warm(&client);
        for (size_t i = 0; i < COUNT(accounts); i++) {
                harness_row("message %zu", i + 1);
                send_text(&client, "a b", BODY);
                CHECK_ACCOUNT(&client, accounts[i]);
                CHECK_INT(postel_result_transactions(client.result), 1);
        }
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);
}

/* The chunk of a refused BDAT is read as commands: none of its lines is one, and each is refused. */
static void survives_a_chunk_that_is_read_as_commands(struct manner manner)
{
        static const char *const refusals[] = { "rcpt#2=550 5.1.1 no", "rcpt#2=450 4.2.1 no",
                "mail#2=550 5.7.1 no", "mail#2=451 4.3.0 no", "bdat#2=554 5.6.0 no", "bdat#2=451 4.3.0 later",
                "bdat#2=502 5.5.1 no", "bdat#1=554 5.6.0 no", "bdat#1=451 4.3.0 later",
                "bdat#1=502 5.5.1 no" };

        for (size_t i = 0; i < COUNT(refusals); i++) {
                bool by_data = strstr(refusals[i], "502"), rides = strstr(refusals[i], "#2");
                harness_row("%s", refusals[i]);
                struct client client =
                        meet_sink(OPTIONS("--bdat-keeps-refused-chunk", "--fault", refusals[i]), manner);
                postel_status refused = strstr(refusals[i], "=5") ? POSTEL_REJECTED : POSTEL_DEFERRED;
                if (rides)
                        warm(&client);
                CHECK_INT(send_text(&client, "a", BODY), by_data ? POSTEL_OK : refused);
                CHECK_INT(send_text(&client, "b", BODY), POSTEL_OK);
                CHECK_INT(send_text(&client, "c", BODY), POSTEL_OK);
                struct ledger *ledger = sink_ledger(client.sink);
                CHECK_INT(ledger->count, 2 + by_data + rides);
                CHECK_INT(times_accepted(ledger, NULL, "a@x.example"), by_data);
                CHECK_INT(times_accepted(ledger, NULL, "b@x.example"), 1);
                CHECK_INT(times_accepted(ledger, NULL, "c@x.example"), 1);
                ledger_free(&ledger);
                part(&client);
        }
}

static void a_pool_survives_a_chunk_that_is_read_as_commands(void)
{
        survives_a_chunk_that_is_read_as_commands((struct manner){ .pool_size = 1 });
}

static void a_connection_survives_a_chunk_that_is_read_as_commands(void)
{
        survives_a_chunk_that_is_read_as_commands((struct manner){ 0 });
}

/* Whatever is asked next, what was read as commands is answered first: a RSET shows where that ends. */
static void asks_rset_in_front_of_what_has_one_reply(void)
{
        static const char *const refusals[] = { "554 no\r\n", "554 no\r\n500 Subject?\r\n" };
        /* Behind RSET itself, what follows is a NOOP already. */
        static const char *const commands[] = { "NOOP\r\n", "VRFY a\r\n", "EHLO client.example\r\n",
                "NOOP\r\n" };

        for (size_t i = 0; i < 2 * COUNT(commands); i++) {
                bool reset = i / 2 == 3;
                const struct exchange script[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("a"), OK OK },
                        { BDAT, refusals[i % 2] }, { RSET, "500 ?\r\n500-hi\r\n500 ?\r\n" OK },
                        { commands[i / 2], reset ? "500 what?\r\n" : OK },
                        { "NOOP\r\n", reset ? OK : "500 what?\r\n" }, { "NOOP\r\n", OK } };
                struct client client = MEET(script, 0);
                postel_reply *reply = NULL;
                postel_status status = POSTEL_OK;
                harness_row("%s, %zu", commands[i / 2], i % 2);
                send_text(&client, "a", BODY);
                CHECK_ACCOUNT(&client, "REJECTED: REJECTED final 554");
                switch (i / 2) {
                case 0:
                        status = postel_connection_noop(client.connection, -1, NULL);
                        break;
                case 1:
                        status = postel_connection_vrfy(client.connection, "a", -1, &reply, NULL);
                        break;
                case 2:
                        status = postel_connection_rehlo(client.connection, -1, NULL);
                        break;
                default:
                        status = postel_connection_reset(client.connection, -1, NULL);
                }
                CHECK_INT(status, POSTEL_OK);
                postel_reply_free(&reply);
                /* No reply is a stray one from then on. */
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_REJECTED);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                if (reset)
                        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
        }
}

/* ---- Back to DATA ---- */

static void goes_back_to_data(void)
{
        static const char *const refusals[] = { "500 what?\r\n", "501 5.5.4 no\r\n", "502 5.5.1 no\r\n",
                "503 5.5.1 no\r\n", "504 no\r\n",
                "500 what?\r\n500 Subject?\r\n500 ?\r\n500 hi?\r\n" /* a line of the chunk each */ };

        for (size_t i = 0; i < 2 * COUNT(refusals); i++) {
                char *replies = text_of(OK OK "550 b\r\n%s", refusals[i / 2]);
                const struct exchange rides[] = { HELLO(PIPELINING CHUNKING), WARM,
                        { MAIL RCPT("a") RCPT("b") BDAT, replies }, { RSET MAIL RCPT("a") DATA, OK OK OK GO },
                        { BODY DOT, "250 2.0.0 Ok: queued as Q1\r\n" }, { MAIL RCPT("a") DATA, OK OK GO },
                        { BODY DOT, OK } };
                const struct exchange waits[] = { HELLO(PIPELINING CHUNKING),
                        { MAIL RCPT("a") RCPT("b"), OK OK "550 b\r\n" }, { BDAT, refusals[i / 2] },
                        { RSET MAIL RCPT("a") DATA, OK OK OK GO },
                        { BODY DOT, "250 2.0.0 Ok: queued as Q1\r\n" }, { MAIL RCPT("a") DATA, OK OK GO },
                        { BODY DOT, OK } };
                static const struct exchange second[] = { HELLO(PIPELINING CHUNKING),
                        { MAIL RCPT("a") DATA, OK OK GO }, { BODY DOT, OK } };
                const struct script rows[][2] = { { SCRIPT(waits), SCRIPT(second) },
                        { SCRIPT(rides), SCRIPT(second) } };
                struct client client = meet_scripts(rows[i % 2], 2, (struct manner){ .pool_size = 2 });
                harness_row("%s, %s", refusals[i / 2], i % 2 ? "rides" : "waits");
                if (i % 2)
                        warm(&client);
                send_text(&client, "a b", BODY);
                CHECK_ACCOUNT(&client, "PARTIAL: ACCEPTED final 250 Q1, REJECTED rcpt 550");
                CHECK_INT(postel_result_transactions(client.result), 2);
                CHECK_INT(postel_result_attempts(client.result), 1);
                CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
                postel_connection *held = NULL;
                REQUIRE(postel_pool_acquire(client.pool, -1, &held, NULL) == POSTEL_OK);
                CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
                postel_pool_release(client.pool, &held);
                part(&client);
                free(replies);
        }
}

/* By choice BDAT is all there is. */
static void does_not_go_back_by_choice(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("a"), OK OK },
                { BDAT, "502 no\r\n" }, { RSET MAIL RCPT("a"), OK OK OK }, { BDAT, OK } };
        struct client client = MEET(script, ALWAYS);

        send_text(&client, "a", BODY);
        CHECK_ACCOUNT(&client, "REJECTED: REJECTED final 502");
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);
}

static void remembers_a_stall(void)
{
        static const struct exchange stalls[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("a"), OK OK },
                { BDAT, NULL, DIALOGUE_AWAIT_CLOSE } };
        static const struct exchange works[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("a") DATA, OK OK GO }, { BODY DOT, OK } };
        static const struct script scripts[] = { SCRIPT(stalls), SCRIPT(works) };
        struct client client = meet_scripts(scripts, 2, (struct manner){ .pool_size = 1, .phase_ms = 300 });

        send_text(&client, "a", BODY);
        CHECK_ACCOUNT(&client, "UNKNOWN: UNKNOWN final 0");
        CHECK_INT(client.error.status, POSTEL_UNKNOWN);
        CHECK(strstr(client.error.message, "in time") != NULL);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);
}

static void a_stall_elsewhere_is_not_remembered(void)
{
        static const struct exchange stalls[] = { HELLO(PIPELINING CHUNKING), WARM,
                { MAIL RCPT("a") BDAT, OK, DIALOGUE_AWAIT_CLOSE } };
        static const struct exchange works[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("a"), OK OK },
                { BDAT, OK } };
        static const struct script scripts[] = { SCRIPT(stalls), SCRIPT(works) };
        struct client client = meet_scripts(scripts, 2, (struct manner){ .pool_size = 1, .phase_ms = 300 });

        warm(&client);
        send_text(&client, "a", BODY);
        CHECK_INT(count_outcome(client.result, POSTEL_OUTCOME_ACCEPTED), 0);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);
}

/* ---- Streams ---- */

/* What is on the wire for content that comes in parts of PART_OCTETS: an exchange for each chunk. */
struct stream {
        struct exchange exchanges[8];
        char *texts[4];
        size_t count;
};

static void add_chunk(struct stream *stream, const char *octets, size_t size, bool last, const char *reply)
{
        char *text = text_of("BDAT %zu%s\r\n%.*s", size, last ? " LAST" : "", (int)size, octets);

        stream->texts[stream->count - 3] = text;
        stream->exchanges[stream->count++] = (struct exchange){ text, reply };
}

static void begin_stream(struct stream *stream)
{
        static const struct exchange head[] = { HELLO(ENHANCED PIPELINING CHUNKING),
                { MAIL RCPT("a") RCPT("b"), OK OK "550 5.1.1 b\r\n" } };

        *stream = (struct stream){ .count = COUNT(head) };
        memcpy(stream->exchanges, head, sizeof(head));
}

static void end_stream(struct stream *stream)
{
        for (size_t i = 0; i < COUNT(stream->texts); i++)
                free(stream->texts[i]);
}

struct feeder {
        pthread_t thread;
        int fd;
        const char *octets;
};

static void *feed(void *data)
{
        struct feeder *feeder = data;
        size_t size = strlen(feeder->octets);

        for (size_t at = 0, part; at < size; at += part) {
                part = size - at < 5000 ? size - at : 5000;
                if (write(feeder->fd, feeder->octets + at, part) != (ssize_t)part)
                        break;
        }
        close(feeder->fd);
        return NULL;
}

/* By a callback, and by a pipe. */
static void send_stream(const struct stream *stream, const char *octets, bool pipe_it, const char *account)
{
        const struct script script = { stream->exchanges, stream->count };
        struct client client = meet_scripts(&script, 1, (struct manner){ ALWAYS });
        struct parts parts = { &octets, 1, 0, 0, false };
        struct feeder feeder = { .octets = octets };
        postel_message *message = NULL;
        int ends[2] = { -1, -1 };

        if (pipe_it) {
                REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
                feeder.fd = ends[1];
                REQUIRE(pthread_create(&feeder.thread, NULL, feed, &feeder) == 0);
        }
        message = pipe_it ? postel_message_from_fd(ends[0]) : message_of_parts(&parts);
        send_message(&client, "a b", message);
        postel_message_free(&message);
        if (pipe_it) {
                pthread_join(feeder.thread, NULL);
                close(ends[0]);
        }
        CHECK_ACCOUNT(&client, account);
        CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_READY);
        part(&client);
}

static void streams_in_chunks(void)
{
        static const size_t sizes[] = { 0, 20, PART_OCTETS - 2, PART_OCTETS, PART_OCTETS + 9, 2 * PART_OCTETS,
                2 * PART_OCTETS + 300 };

        for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
                size_t size = sizes[i / 2], at = 0;
                char *octets = size ? lines_of(80, size) : text_of("%s", "");
                struct stream stream;
                harness_row("%zu octets by %s", size, i % 2 ? "a pipe" : "a callback");
                begin_stream(&stream);
                for (; size - at >= PART_OCTETS; at += PART_OCTETS)
                        add_chunk(&stream, octets + at, PART_OCTETS, false, "250 2.0.0 go on\r\n");
                add_chunk(&stream, octets + at, size - at, true, "250 2.0.0 Ok: queued as Q1\r\n");
                send_stream(&stream, octets, i % 2,
                        "PARTIAL: ACCEPTED final 250 2.0.0 Q1, REJECTED rcpt 550 5.1.1");
                end_stream(&stream);
                free(octets);
        }
}

/* What the sink has stored as the first message; to be freed. */
static char *stored(const struct client *client, size_t *size)
{
        char *path = text_of("%s/000001.eml", sink_store(client->sink)), *octets = calloc(1, 4 * PART_OCTETS);
        FILE *file = fopen(path, "re");

        REQUIRE(file != NULL && octets != NULL);
        *size = fread(octets, 1, 4 * PART_OCTETS, file);
        fclose(file);
        free(path);
        return octets;
}

/* A CR and its LF in two parts, newlines that are mended, a final one that is missing behind a full part. */
static void streams_newlines_across_chunks(void)
{
        static const struct {
                const char *name;
                size_t size;
                const char *before, *after; /* the end of the first part, and what follows it */
                const char *wanted; /* instead of both */
        } rows[] = {
                { "CR and LF in two parts", PART_OCTETS + 3, "\r", "\nab", "\r\nab\r\n" },
                { "a lone CR at the end of a part", PART_OCTETS + 2, "\r", "ab", "\r\nab\r\n" },
                { "lone LFs at both sides", PART_OCTETS + 3, "\n", "\na\n", "\r\n\r\na\r\n" },
                { "a CR at the very end", PART_OCTETS, "a\r", "", "a\r\n" },
                { "no newline at the very end", PART_OCTETS, "ab", "", "ab\r\n" },
                { "dots", PART_OCTETS + 4, "\r\n", ".\r\n.", "\r\n.\r\n.\r\n" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                char *octets = lines_of(80, PART_OCTETS + 5);
                const char *given = octets;
                size_t head = PART_OCTETS - strlen(rows[i].before), size;
                harness_row("%s", rows[i].name);
                octets[head - 1] = 'y';
                octets[head - 2] = 'y';
                strcpy(octets + head, rows[i].before);
                strcpy(octets + PART_OCTETS, rows[i].after);
                CHECK_INT(strlen(octets), rows[i].size);
                struct client client = meet_sink(NULL, (struct manner){ ALWAYS });
                struct parts parts = { &given, 1, 0, 0, false };
                postel_message *message = message_of_parts(&parts);
                CHECK_INT(send_message(&client, "a", message), POSTEL_OK);
                char *got = stored(&client, &size);
                CHECK_OCTETS(got, head, octets, head);
                CHECK_OCTETS(got + head, size - head, rows[i].wanted, strlen(rows[i].wanted));
                postel_message_free(&message);
                free(got);
                free(octets);
                part(&client);
        }
}

static void a_refused_chunk_is_the_last(void)
{
        static const struct {
                const char *reply, *account;
        } rows[] = {
                { "552 5.3.4 too big\r\n", "REJECTED: REJECTED body 552 5.3.4, REJECTED rcpt 550 5.1.1" },
                { "451 4.3.0 later\r\n", "DEFERRED: DEFERRED body 451 4.3.0, REJECTED rcpt 550 5.1.1" },
                { "502 5.5.1 no\r\n", "REJECTED: REJECTED body 502 5.5.1, REJECTED rcpt 550 5.1.1" },
        };

        for (size_t i = 0; i < 2 * COUNT(rows); i++) {
                char *octets = lines_of(80, 3 * PART_OCTETS);
                const char *parts_octets = octets;
                bool first = i % 2;
                struct stream stream;
                harness_row("%s, %s", rows[i / 2].reply, first ? "the first" : "the second");
                begin_stream(&stream);
                if (!first)
                        add_chunk(&stream, octets, PART_OCTETS, false, OK);
                add_chunk(&stream, octets + (first ? 0 : PART_OCTETS), PART_OCTETS, false, rows[i / 2].reply);
                stream.exchanges[stream.count++] = (struct exchange){ RSET MAIL RCPT("a"), OK OK OK };
                stream.exchanges[stream.count++] = (struct exchange){ BDAT, "250 2.0.0 ok\r\n" };
                const struct script script = { stream.exchanges, stream.count };
                struct client client = meet_scripts(&script, 1, (struct manner){ ALWAYS });
                struct parts parts = { &parts_octets, 1, 0, 0, false };
                postel_message *message = message_of_parts(&parts);
                send_message(&client, "a b", message);
                CHECK_ACCOUNT(&client, rows[i / 2].account);
                postel_message_free(&message);
                CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
                part(&client);
                end_stream(&stream);
                free(octets);
        }
}

static void streams_nothing_for_nobody(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("a") RCPT("b"), OK "550 a\r\n450 b\r\n" },
                { RSET MAIL RCPT("a"), OK "550 no\r\n503 a\r\n" }, { RSET MAIL RCPT("a"), OK OK OK },
                { BDAT, OK } };
        static const char *const octets = BODY;
        struct client client = MEET(script, ALWAYS);
        static const char *const accounts[] = { "DEFERRED: REJECTED rcpt 550, DEFERRED rcpt 450",
                "REJECTED: REJECTED mail 550", "OK: ACCEPTED final 250" };

        for (size_t i = 0; i < COUNT(accounts); i++) {
                struct parts parts = { &octets, 1, 0, 0, false };
                postel_message *message = message_of_parts(&parts);
                send_message(&client, i ? "a" : "a b", message);
                CHECK_ACCOUNT(&client, accounts[i]);
                CHECK(i == 2 || (parts.next == 0 && parts.offset == 0));
                postel_message_free(&message);
        }
        part(&client);
}

/* Content that breaks a rule, or fails, behind some chunks: the message never ends. */
static void a_stream_that_fails_never_ends(void)
{
        for (int nul = 0; nul < 2; nul++) {
                char *octets = lines_of(80, 2 * PART_OCTETS + 300);
                const char *given = octets;
                harness_row(nul ? "a NUL" : "a reader that fails");
                struct client client = meet_sink(NULL, (struct manner){ ALWAYS });
                struct parts parts = { &given, 1, 0, 0, true };
                postel_message *message = message_of_parts(&parts);
                if (nul)
                        octets[2 * PART_OCTETS - 7] = '\0';
                CHECK_INT(send_message(&client, "a", message), POSTEL_IO);
                CHECK_INT(count_outcome(client.result, POSTEL_OUTCOME_NOT_SENT), 1);
                CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_CLOSED);
                CHECK_INT(sink_stats(client.sink, "messages"), 0);
                postel_message_free(&message);
                part(&client);
                free(octets);
        }
}

/* ---- BINARYMIME ---- */

#define BINARY "250-8BITMIME\r\n250-BINARYMIME\r\n"

static postel_status send_binary(struct client *client, const void *octets, size_t size)
{
        postel_envelope *envelope = envelope_to("a");
        postel_message *message = postel_message_from_memory(octets, size);

        postel_envelope_set_body(envelope, POSTEL_BODY_BINARYMIME);
        postel_status status = send_envelope(client, envelope, message);
        postel_envelope_free(&envelope);
        postel_message_free(&message);
        return status;
}

static void sends_binary_as_it_is(void)
{
        static const char octets[] = "a\0b\nc\rd\r\n.\r\n\xff\r\nQUIT\r\n\r";
        static const char chunk[] = "BDAT 22 LAST\r\na\0b\nc\rd\r\n.\r\n\xff\r\nQUIT\r\n\r";
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING BINARY),
                { "MAIL FROM:<" FROM "> BODY=BINARYMIME\r\n" RCPT("a"), OK OK },
                { chunk, OK, 0, sizeof(chunk) - 1 },
                { "MAIL FROM:<" FROM "> BODY=BINARYMIME\r\n" RCPT("a"), OK OK }, { "BDAT 0 LAST\r\n", OK } };
        struct client client = MEET(script, 0);

        CHECK_INT(sizeof(octets) - 1, 22);
        CHECK_INT(send_binary(&client, octets, sizeof(octets) - 1), POSTEL_OK);
        CHECK_INT(send_binary(&client, "", 0), POSTEL_OK);
        part(&client);
}

static void needs_a_server_that_takes_binary(void)
{
        static const struct exchange neither[] = { HELLO(PIPELINING "250-8BITMIME\r\n"), { "NOOP\r\n", OK } };
        static const struct exchange chunking[] = { HELLO(PIPELINING CHUNKING "250-8BITMIME\r\n"),
                { "NOOP\r\n", OK } };
        static const struct exchange binary[] = { HELLO(PIPELINING BINARY), { "NOOP\r\n", OK } };
        static const struct exchange both[] = { HELLO(PIPELINING CHUNKING BINARY), { "NOOP\r\n", OK } };
        static const struct script scripts[] = { SCRIPT(neither), SCRIPT(chunking), SCRIPT(binary),
                SCRIPT(both) };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                harness_row("script %zu", i);
                struct client client = meet_scripts(&scripts[i], 1,
                        (struct manner){ .chunking = i == 3 ? POSTEL_CHUNKING_NEVER : POSTEL_CHUNKING_AUTO });
                send_binary(&client, "a\0b", 3);
                CHECK_ACCOUNT(&client, "UNSUPPORTED: NOT_SENT mail 0");
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
        }
}

/* ---- What changes meanwhile ---- */

/* Content that the file has once MAIL was written: behind the look at it, before it is sent. */
struct change {
        const char *name;
        size_t size; /* of the file, in lines of 80; before it was `before` */
        size_t before;
        char newline; /* instead of each CR; 0: none is changed; '*': there is nothing else */
        bool whole; /* what was looked at is still there, and may be sent */
};

static void change_file(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        const struct change *change = user_data;

        (void)session;
        (void)size;
        if (kind != POSTEL_TRACE_SENT || strncmp(text, "MAIL", 4) != 0)
                return;
        char *octets = lines_of(80, change->size);
        for (char *at = octets; change->newline && *at; at++)
                if (*at == '\r')
                        *at = change->newline;
        if (change->newline == '*')
                memset(octets, '\n', change->size);
        temporary_file(octets, change->size);
        free(octets);
}

static void check_change(struct change *change, postel_chunking chunking)
{
        char *octets = lines_of(80, change->before);
        const char *path = temporary_file(octets, change->before);
        postel_message *message = postel_message_from_path(path);
        struct client client = meet_sink(
                NULL, (struct manner){ .chunking = chunking, .trace = change_file, .trace_data = change });

        harness_row("%s, %zu octets, way %d", change->name, change->before, (int)chunking);
        send_message(&client, "a", message);
        struct ledger *ledger = sink_ledger(client.sink);
        size_t accepted = count_outcome(client.result, POSTEL_OUTCOME_ACCEPTED);
        CHECK_INT(ledger->count, accepted);
        CHECK(!change->whole || accepted);
        CHECK(change->size >= change->before || !accepted);
        if (!accepted) {
                CHECK_INT(count_outcome(client.result, POSTEL_OUTCOME_NOT_SENT), 1);
                CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_CLOSED);
        }
        /* By DATA it is then the whole of what the file has become. */
        if (accepted && ledger->count && (change->whole || strstr(ledger->entries[0].line, "BDAT")))
                CHECK_INT(ledger->entries[0].size, change->before);
        ledger_free(&ledger);
        part(&client);
        postel_message_free(&message);
        remove_temporary_file();
        free(octets);
}

static void a_file_that_changes_is_never_half_a_message(void)
{
        static struct change changes[] = {
                { "does not change", 1000, 1000, 0, true },
                { "is shorter", 500, 1000 },
                { "is empty", 2, 1000 },
                { "is longer", 2000, 1000 },
                { "has LFs", 1000, 1000, 'x' },
                { "has more newlines", 1000, 1000, '\n' },
                { "does not change", 300000, 300000, 0, true },
                { "is shorter", 200000, 300000 },
                { "is longer", 400000, 300000 },
                { "has LFs", 300000, 300000, 'x' },
                { "has more newlines", 300000, 300000, '\n' },
                { "is all newlines", 300000, 300000, '*' },
        };

        for (size_t i = 0; i < COUNT(changes); i++)
                for (postel_chunking way = POSTEL_CHUNKING_AUTO; way <= POSTEL_CHUNKING_ALWAYS; way++)
                        check_change(&changes[i], way);
}

static const struct test tests[] = {
        { "sends everything in one flight", sends_everything_in_one_flight },
        { "chooses DATA for what could be read as commands",
                chooses_data_for_what_could_be_read_as_commands },
        { "chooses DATA for what is too long", chooses_data_for_what_is_too_long },
        { "announces the size that it writes", announces_the_size_that_it_writes },
        { "declares the size with MAIL", declares_the_size_with_mail },
        { "waits where it must", waits_where_it_must },
        { "chunks always, by choice", chunks_always_by_choice },
        { "takes refusals of all that was in flight", takes_refusals_of_all_that_was_in_flight },
        { "a pool survives a chunk that is read as commands",
                a_pool_survives_a_chunk_that_is_read_as_commands },
        { "a connection survives a chunk that is read as commands",
                a_connection_survives_a_chunk_that_is_read_as_commands },
        { "asks RSET in front of what has one reply", asks_rset_in_front_of_what_has_one_reply },
        { "goes back to DATA", goes_back_to_data },
        { "does not go back by choice", does_not_go_back_by_choice },
        { "remembers a stall", remembers_a_stall },
        { "a stall elsewhere is not remembered", a_stall_elsewhere_is_not_remembered },
        { "streams in chunks", streams_in_chunks },
        { "streams newlines across chunks", streams_newlines_across_chunks },
        { "a refused chunk is the last", a_refused_chunk_is_the_last },
        { "streams nothing for nobody", streams_nothing_for_nobody },
        { "a stream that fails never ends", a_stream_that_fails_never_ends },
        { "sends binary as it is", sends_binary_as_it_is },
        { "needs a server that takes binary", needs_a_server_that_takes_binary },
        { "a file that changes is never half a message", a_file_that_changes_is_never_half_a_message },
};

int main(void)
{
        return harness_run("chunking", tests, COUNT(tests));
}
