/* SPDX-License-Identifier: MIT */
/*
 * Messages to a scripted server, through the public interface: what is on the wire, in which flights, and
 * what becomes of each recipient. The server gives a reply only when all of a flight has arrived, so that a
 * script is also the proof of how often a message waits.
 */

#include "dialogue.h"
#include "harness.h"

#include <postel/postel.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TIMEOUT_MS 8000
#define SLACK_MS   2500 /* what a busy machine under a sanitizer may be late */

#define HELLO(keywords)                                                                     \
        { NULL, "220 ready\r\n" },                                                          \
        {                                                                                   \
                "EHLO client.example\r\n", "250-server.example\r\n" keywords "250 HELP\r\n" \
        }
#define PIPELINING "250-PIPELINING\r\n"
#define ENHANCED   "250-ENHANCEDSTATUSCODES\r\n"

#define MAIL       "MAIL FROM:<s@x.example>\r\n"
#define RCPT(name) "RCPT TO:<" name "@x.example>\r\n"
#define DATA       "DATA\r\n"
#define BODY       "Subject: x\r\n\r\nhi\r\n"
#define DOT        ".\r\n"
#define OK         "250 ok\r\n"
#define GO         "354 go\r\n"

/* A message for one recipient, to be sent and accepted. */
#define FLIGHT_A MAIL RCPT("a") DATA
#define GO_A     OK OK GO

static const char *const names[] = { "a@x.example", "b@x.example", "c@x.example" };

struct client {
        struct dialogue *dialogue;
        postel_connection *connection;
        postel_result *result;
        postel_status status;
        postel_error error;
};

struct tuning {
        int socket_octets; /* on both sides; 0: the system's */
        int phase_ms; /* 0: the default */
        bool unconnected;
        postel_trace_function trace;
        void *trace_data;
};

static void connect_to(struct client *client, struct tuning tuning)
{
        postel_config *config = postel_config_new();
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, dialogue_port(client->dialogue));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        postel_config_set_socket_buffer(config, tuning.socket_octets);
        postel_config_set_trace(config, tuning.trace, tuning.trace_data);
        if (tuning.phase_ms)
                postel_config_set_phase_timeout_ms(config, tuning.phase_ms);
        REQUIRE(postel_connection_new(config, &client->connection, &client->error) == POSTEL_OK);
        postel_config_free(&config);
        if (!tuning.unconnected)
                CHECK_INT(postel_connect(client->connection, TIMEOUT_MS, &client->error), POSTEL_OK);
}

static struct client meet(const struct script *script, struct tuning tuning)
{
        struct client client = { .dialogue = dialogue_start_many(script, 1, tuning.socket_octets) };
        connect_to(&client, tuning);
        return client;
}

#define MEET(exchanges) meet(&(struct script)SCRIPT(exchanges), (struct tuning){ 0 })

static void part(struct client *client)
{
        postel_result_free(&client->result);
        postel_connection_free(&client->connection);
        CHECK_STR(dialogue_finish(&client->dialogue), NULL);
}

static postel_status send_octets(
        struct client *client, size_t recipients, const char *body, size_t size, int timeout_ms)
{
        postel_result_free(&client->result);
        client->status = postel_send(client->connection, "s@x.example", names, recipients, body, size,
                timeout_ms, &client->result, &client->error);
        if (client->result)
                CHECK_INT(postel_result_status(client->result), client->status);
        return client->status;
}

static postel_status send_to(struct client *client, size_t recipients)
{
        return send_octets(client, recipients, BODY, strlen(BODY), TIMEOUT_MS);
}

static postel_status send_envelope(struct client *client, const postel_envelope *envelope, const char *body)
{
        postel_message *message = postel_message_from_memory(body, strlen(body));
        postel_result_free(&client->result);
        client->status = postel_send_with_params(
                client->connection, envelope, message, TIMEOUT_MS, &client->result, &client->error);
        postel_message_free(&message);
        return client->status;
}

static bool has(const char *text, const char *part)
{
        return text && strstr(text, part);
}

static void check_recipient(const struct client *client, size_t recipient, postel_outcome outcome, int code)
{
        CHECK_STR(postel_outcome_name(postel_result_recipient_outcome(client->result, recipient)),
                postel_outcome_name(outcome));
        CHECK_INT(postel_result_recipient_code(client->result, recipient), code);
}

static void check_everybody(const struct client *client, postel_outcome outcome, int code)
{
        REQUIRE(client->result != NULL);
        for (size_t i = 0; i < postel_result_recipient_count(client->result); i++)
                check_recipient(client, i, outcome, code);
}

/* The session has ended: nothing more is written, which the script checks, and every call says so. */
static void check_closed(struct client *client)
{
        postel_error error;
        CHECK_INT(postel_connection_state(client->connection), POSTEL_STATE_CLOSED);
        CHECK_INT(postel_connection_noop(client->connection, TIMEOUT_MS, &error), POSTEL_CLOSED);
        CHECK(has(error.message, "the connection is closed since: "));
        CHECK_INT(send_to(client, 2), POSTEL_CLOSED);
        check_everybody(client, POSTEL_OUTCOME_NOT_SENT, error.code);
}

static long long now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_elapsed(long long since_ms, int limit_ms)
{
        long long elapsed_ms = now_ms() - since_ms;
        CHECK(elapsed_ms >= limit_ms);
        CHECK(elapsed_ms < limit_ms + SLACK_MS);
}

/* ---- Scripts made of rows ---- */

struct step {
        const char *command;
        const char *reply; /* NULL: none */
};

#define EXCHANGES_MAX 20

struct maker {
        struct exchange exchanges[EXCHANGES_MAX];
        struct script script;
        char texts[65536];
        size_t used;
};

static const char *keep_text(struct maker *maker, const char *format, ...)
{
        char *text = maker->texts + maker->used;
        va_list arguments;
        va_start(arguments, format);
        int size = vsnprintf(text, sizeof(maker->texts) - maker->used, format, arguments);
        va_end(arguments);
        maker->used += (size_t)size + 1;
        REQUIRE(maker->used < sizeof(maker->texts));
        return text;
}

static void add_exchange(struct maker *maker, const char *expect, const char *reply, unsigned how)
{
        REQUIRE(maker->script.count < EXCHANGES_MAX);
        maker->exchanges[maker->script.count++] =
                (struct exchange){ .expect = expect, .reply = reply, .how = how };
        maker->script.exchanges = maker->exchanges;
}

static void begin_script(struct maker *maker, bool pipelining)
{
        static const struct exchange plain[] = { HELLO(ENHANCED) };
        static const struct exchange pipelined[] = { HELLO(ENHANCED PIPELINING) };
        maker->script.count = maker->used = 0;
        for (size_t i = 0; i < COUNT(plain); i++)
                add_exchange(maker, (pipelining ? pipelined : plain)[i].expect,
                        (pipelining ? pipelined : plain)[i].reply, 0);
}

/* Steps in one exchange, or in one each. */
static void add_steps(struct maker *maker, const struct step *steps, size_t count, bool together)
{
        const char *commands = "", *replies = "";
        for (size_t i = 0; i < count; i++) {
                const char *reply = steps[i].reply ? steps[i].reply : "";
                commands = keep_text(maker, "%s%s", together ? commands : "", steps[i].command);
                replies = keep_text(maker, "%s%s", together ? replies : "", reply);
                if (!together || i + 1 == count)
                        add_exchange(maker, commands, *replies ? replies : NULL, 0);
        }
}

/* ---- What replies mean ---- */

#define ACCEPTED POSTEL_OUTCOME_ACCEPTED
#define REJECTED POSTEL_OUTCOME_REJECTED
#define DEFERRED POSTEL_OUTCOME_DEFERRED
#define NOT_SENT POSTEL_OUTCOME_NOT_SENT

/* A message for three, and what becomes of it. */
struct course {
        const char *name;
        const char *mail, *rcpt[3], *data;
        const char *content; /* what is sent for it; NULL: nothing */
        const char *final;
        postel_status status;
        int code;
        struct {
                postel_outcome outcome;
                postel_phase phase;
                int code;
        } want[3];
        bool reset; /* RSET rides in front of the next message */
        bool lockstep_stops_at_mail, lockstep_stops_at_data;
};

#define ALL(outcome, phase, code)                                                                 \
        {                                                                                         \
                { outcome, POSTEL_PHASE_##phase, code }, { outcome, POSTEL_PHASE_##phase, code }, \
                {                                                                                 \
                        outcome, POSTEL_PHASE_##phase, code                                       \
                }                                                                                 \
        }
#define RCPTS(one, two, three) one "\r\n", two "\r\n", three "\r\n"

static const struct course courses[] = {
        { "all is accepted", OK, { OK, OK, OK }, GO, BODY DOT, "250 2.0.0 Ok: queued as 4ABC\r\n", POSTEL_OK,
                250, ALL(ACCEPTED, FINAL, 250) },
        { "251 and 252 accept", OK, { "251 forwarded\r\n", "252 shall try\r\n", OK }, GO, BODY DOT, OK,
                POSTEL_OK, 250, ALL(ACCEPTED, FINAL, 250) },
        { "MAIL refused for good", "550 5.7.1 no\r\n", { "503 5.5.1 a\r\n", "503 b\r\n", "503 c\r\n" },
                "503 d\r\n", NULL, NULL, POSTEL_REJECTED, 550, ALL(REJECTED, MAIL, 550), .reset = true,
                .lockstep_stops_at_mail = true },
        { "MAIL refused for now", "451 4.3.0 later\r\n", { "503 a\r\n", "503 b\r\n", "503 c\r\n" },
                "554 d\r\n", NULL, NULL, POSTEL_DEFERRED, 451, ALL(DEFERRED, MAIL, 451), .reset = true,
                .lockstep_stops_at_mail = true },
        { "MAIL refused, and the server goes on as if not", "550 no\r\n", { OK, OK, OK }, GO, DOT, OK,
                POSTEL_REJECTED, 550, ALL(REJECTED, MAIL, 550), .reset = true,
                .lockstep_stops_at_mail = true },
        { "one of three is refused for good", OK, { OK, "550 5.1.1 who?\r\n", OK }, GO, BODY DOT, OK,
                POSTEL_PARTIAL, 250,
                { { ACCEPTED, POSTEL_PHASE_FINAL, 250 }, { REJECTED, POSTEL_PHASE_RCPT, 550 },
                        { ACCEPTED, POSTEL_PHASE_FINAL, 250 } } },
        { "450 and 452 defer", OK, { "450 4.2.1 busy\r\n", "452 4.2.2 full\r\n", OK }, GO, BODY DOT, OK,
                POSTEL_PARTIAL, 250,
                { { DEFERRED, POSTEL_PHASE_RCPT, 450 }, { DEFERRED, POSTEL_PHASE_RCPT, 452 },
                        { ACCEPTED, POSTEL_PHASE_FINAL, 250 } } },
        { "552 to RCPT counts as 452", OK, { "552 5.2.2 full\r\n", "552 full\r\n", OK }, GO, BODY DOT, OK,
                POSTEL_PARTIAL, 250,
                { { DEFERRED, POSTEL_PHASE_RCPT, 552 }, { DEFERRED, POSTEL_PHASE_RCPT, 552 },
                        { ACCEPTED, POSTEL_PHASE_FINAL, 250 } } },
        { "all refused, and DATA too", OK, { "550 a\r\n", "551 b\r\n", "553 c\r\n" },
                "503 5.5.1 no valid recipients\r\n", NULL, NULL, POSTEL_REJECTED, 550,
                { { REJECTED, POSTEL_PHASE_RCPT, 550 }, { REJECTED, POSTEL_PHASE_RCPT, 551 },
                        { REJECTED, POSTEL_PHASE_RCPT, 553 } },
                .reset = true, .lockstep_stops_at_data = true },
        { "all refused, some for now, and DATA with 554", OK, { "550 a\r\n", "450 b\r\n", "550 c\r\n" },
                "554 no valid recipients\r\n", NULL, NULL, POSTEL_DEFERRED, 450,
                { { REJECTED, POSTEL_PHASE_RCPT, 550 }, { DEFERRED, POSTEL_PHASE_RCPT, 450 },
                        { REJECTED, POSTEL_PHASE_RCPT, 550 } },
                .reset = true, .lockstep_stops_at_data = true },
        { "all refused, and content is asked for", OK, { "550 a\r\n", "550 b\r\n", "550 c\r\n" }, GO, DOT,
                "250 2.0.0 queued as NOBODY\r\n", POSTEL_REJECTED, 550, ALL(REJECTED, RCPT, 550),
                .reset = true, .lockstep_stops_at_data = true },
        { "all refused, content asked for and refused", OK, { "452 a\r\n", "452 b\r\n", "452 c\r\n" }, GO,
                DOT, "554 no valid recipients\r\n", POSTEL_DEFERRED, 452, ALL(DEFERRED, RCPT, 452),
                .reset = true, .lockstep_stops_at_data = true },
        { "DATA refused for good", OK, { OK, OK, "550 c\r\n" }, "554 5.7.1 no\r\n", NULL, NULL,
                POSTEL_REJECTED, 554,
                { { REJECTED, POSTEL_PHASE_DATA, 554 }, { REJECTED, POSTEL_PHASE_DATA, 554 },
                        { REJECTED, POSTEL_PHASE_RCPT, 550 } },
                .reset = true },
        { "DATA refused for now", OK, { OK, "550 b\r\n", OK }, "451 later\r\n", NULL, NULL, POSTEL_DEFERRED,
                451,
                { { DEFERRED, POSTEL_PHASE_DATA, 451 }, { REJECTED, POSTEL_PHASE_RCPT, 550 },
                        { DEFERRED, POSTEL_PHASE_DATA, 451 } },
                .reset = true },
        { "content refused for good", OK, { OK, "450 b\r\n", OK }, GO, BODY DOT, "554 5.6.0 spam\r\n",
                POSTEL_DEFERRED, 450,
                { { REJECTED, POSTEL_PHASE_FINAL, 554 }, { DEFERRED, POSTEL_PHASE_RCPT, 450 },
                        { REJECTED, POSTEL_PHASE_FINAL, 554 } },
                .reset = true },
        { "content with 552 is refused for good", OK, { OK, OK, OK }, GO, BODY DOT, "552 5.3.4 too big\r\n",
                POSTEL_REJECTED, 552, ALL(REJECTED, FINAL, 552), .reset = true },
        { "content refused for now", OK, { OK, OK, OK }, GO, BODY DOT, "452 4.3.1 full\r\n", POSTEL_DEFERRED,
                452, ALL(DEFERRED, FINAL, 452), .reset = true },
};

static void make_course(struct maker *maker, const struct course *course, bool pipelining)
{
        const struct step steps[] = { { MAIL, course->mail }, { RCPT("a"), course->rcpt[0] },
                { RCPT("b"), course->rcpt[1] }, { RCPT("c"), course->rcpt[2] }, { DATA, course->data } };
        const struct step next[] = { { "RSET\r\n", OK }, { MAIL, OK }, { RCPT("a"), OK }, { DATA, GO } };
        size_t count = COUNT(steps);
        bool content = course->content;

        if (!pipelining && course->lockstep_stops_at_mail)
                count = 1;
        else if (!pipelining && course->lockstep_stops_at_data)
                count = 4;
        begin_script(maker, pipelining);
        add_steps(maker, steps, count, pipelining);
        if (content && count == COUNT(steps))
                add_exchange(maker, course->content, course->final, 0);
        add_steps(maker, next + !course->reset, COUNT(next) - !course->reset, pipelining);
        add_exchange(maker, BODY DOT, OK, 0);
}

static void run_course(const struct course *course, bool pipelining)
{
        static struct maker maker;
        make_course(&maker, course, pipelining);
        struct client client = meet(&maker.script, (struct tuning){ 0 });

        harness_row("%s, %s", course->name, pipelining ? "pipelined" : "in lockstep");
        CHECK_INT(send_to(&client, 3), course->status);
        REQUIRE(client.result != NULL);
        CHECK_INT(postel_result_code(client.result), course->code);
        for (size_t i = 0; i < 3; i++) {
                check_recipient(&client, i, course->want[i].outcome, course->want[i].code);
                CHECK_INT(postel_result_recipient_phase(client.result, i), course->want[i].phase);
        }
        CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_READY);
        CHECK_INT(send_to(&client, 1), POSTEL_OK);
        part(&client);
}

static void decides_by_replies(void)
{
        for (size_t i = 0; i < 2 * COUNT(courses); i++)
                run_course(&courses[i / 2], i % 2);
}

/* ---- Flights ---- */

static void pipelines_all_but_the_content(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING),
                { MAIL RCPT("a") RCPT("b") RCPT("c") DATA, OK OK OK OK GO },
                { BODY DOT, OK },
                { MAIL RCPT("a") DATA, OK OK GO },
                { BODY DOT, "550 no\r\n" },
                { "RSET\r\n" MAIL RCPT("a") RCPT("b") DATA, OK OK OK OK GO },
                { BODY DOT, OK },
                { "QUIT\r\n", "221 bye\r\n" },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 3), POSTEL_OK);
        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        CHECK_INT(send_to(&client, 2), POSTEL_OK);
        CHECK_INT(postel_connection_close(client.connection, TIMEOUT_MS, NULL), POSTEL_OK);
        part(&client);
}

static void waits_for_each_reply_without_pipelining(void)
{
        static const struct exchange script[] = {
                HELLO(""),
                { MAIL, OK },
                { RCPT("a"), "550 no\r\n" },
                { RCPT("b"), OK },
                { DATA, GO },
                { BODY DOT, "451 later\r\n" },
                { "RSET\r\n", OK },
                { MAIL, "550 no\r\n" },
                { "RSET\r\n", OK },
                { MAIL, OK },
                { RCPT("a"), OK },
                { DATA, GO },
                { BODY DOT, OK },
                { "NOOP\r\n", OK },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 2), POSTEL_DEFERRED);
        CHECK_INT(send_to(&client, 2), POSTEL_REJECTED);
        CHECK_INT(send_to(&client, 1), POSTEL_OK);
        CHECK_INT(postel_connection_noop(client.connection, TIMEOUT_MS, NULL), POSTEL_OK);
        part(&client);
}

/* A script for that many recipients; see below for what its parts are. */
struct crowd {
        struct exchange *exchanges;
        struct script script;
        const char **addresses;
        char *texts;
        size_t used, size;
};

static const char *crowd_text(struct crowd *crowd, const char *text, size_t size)
{
        char *kept = crowd->texts + crowd->used;
        REQUIRE(size < crowd->size - crowd->used);
        memcpy(kept, text, size);
        kept[size] = '\0';
        crowd->used += size + 1;
        return kept;
}

static struct crowd crowd_new(size_t recipients, size_t octets_each)
{
        struct crowd crowd = { .size = (recipients + 10) * octets_each };
        crowd.exchanges = calloc(recipients + 10, sizeof(*crowd.exchanges));
        crowd.addresses = calloc(recipients, sizeof(*crowd.addresses));
        crowd.texts = malloc(crowd.size);
        REQUIRE(crowd.exchanges && crowd.addresses && crowd.texts);
        crowd.script.exchanges = crowd.exchanges;
        for (size_t i = 0; i < recipients; i++) {
                char address[40];
                int size = snprintf(address, sizeof(address), "r%05zu@x.example", i);
                crowd.addresses[i] = crowd_text(&crowd, address, (size_t)size);
        }
        return crowd;
}

static void crowd_add(struct crowd *crowd, struct exchange exchange)
{
        crowd->exchanges[crowd->script.count++] = exchange;
}

static void crowd_free(struct crowd *crowd)
{
        free(crowd->exchanges);
        free(crowd->addresses);
        free(crowd->texts);
}

/* The server is silent until the last of the thousand has arrived, and until the end of the content. */
static void takes_two_round_trips_for_a_thousand(void)
{
        enum { RECIPIENTS = 1000 };
        static const struct exchange hello[] = { HELLO(PIPELINING) };
        struct crowd crowd = crowd_new(RECIPIENTS, 200);
        char *commands = NULL, *replies = NULL;
        size_t commands_size, replies_size;
        FILE *out = open_memstream(&commands, &commands_size);
        FILE *back = open_memstream(&replies, &replies_size);

        fputs(MAIL, out);
        for (size_t i = 0; i < RECIPIENTS; i++) {
                fprintf(out, "RCPT TO:<%s>\r\n", crowd.addresses[i]);
                fputs(OK, back);
        }
        fputs(DATA, out);
        fputs(OK GO, back);
        fclose(out);
        fclose(back);
        crowd_add(&crowd, hello[0]);
        crowd_add(&crowd, hello[1]);
        crowd_add(&crowd, (struct exchange){ commands, replies });
        crowd_add(&crowd, (struct exchange){ BODY DOT, OK });

        struct client client = meet(&crowd.script, (struct tuning){ 0 });
        client.status = postel_send(client.connection, "s@x.example", crowd.addresses, RECIPIENTS, BODY,
                strlen(BODY), TIMEOUT_MS, &client.result, &client.error);
        CHECK_INT(client.status, POSTEL_OK);
        check_everybody(&client, ACCEPTED, 250);
        part(&client);
        free(commands);
        free(replies);
        crowd_free(&crowd);
}

/*
 * Every recipient's reply is long, is written as soon as the command was read, and nothing is read before it
 * is written: between buffers of 4 KiB, a client that does not read while it writes waits for ever.
 */
#define CROWD          20000
#define LONG_OCTETS    400
#define IS_REFUSED(i)  ((i) % 10 == 3)
#define IS_DEFERRED(i) ((i) % 10 == 7)

static void add_long_reply(struct crowd *crowd, size_t i)
{
        char line[LONG_OCTETS + 20], command[60];
        int code = IS_REFUSED(i) ? 550 : IS_DEFERRED(i) ? 452 : 250;
        int size = snprintf(line, sizeof(line), "%d recipient %zu ", code, i);
        while (size < LONG_OCTETS)
                line[size++] = 'x';
        memcpy(line + size, "\r\n", 2);
        const char *reply = crowd_text(crowd, line, (size_t)size + 2);
        int command_size = snprintf(command, sizeof(command), "RCPT TO:<%s>\r\n", crowd->addresses[i]);
        crowd_add(crowd,
                (struct exchange){ crowd_text(crowd, command, (size_t)command_size), reply, DIALOGUE_EARLY });
}

static void check_crowd(const struct client *client)
{
        size_t wrong = 0, texts_wrong = 0;
        for (size_t i = 0; i < CROWD; i++) {
                char begin[40];
                int code = postel_result_recipient_code(client->result, i);
                postel_outcome outcome = postel_result_recipient_outcome(client->result, i);
                const char *text = postel_result_recipient_text(client->result, i);
                bool taken = !IS_REFUSED(i) && !IS_DEFERRED(i);
                snprintf(begin, sizeof(begin), "recipient %zu x", i);
                if (taken)
                        wrong += outcome != ACCEPTED || code != 250;
                else
                        wrong += outcome != (IS_REFUSED(i) ? REJECTED : DEFERRED) ||
                                 code != (IS_REFUSED(i) ? 550 : 452);
                texts_wrong += strncmp(text, taken ? "queued" : begin, strlen(taken ? "queued" : begin)) != 0;
        }
        CHECK_INT(wrong, 0);
        CHECK_INT(texts_wrong, 0);
}

static void sends_to_twenty_thousand_through_small_buffers(void)
{
        static const struct exchange hello[] = { HELLO(PIPELINING) };
        struct crowd crowd = crowd_new(CROWD, LONG_OCTETS + 120);

        crowd_add(&crowd, hello[0]);
        crowd_add(&crowd, hello[1]);
        crowd_add(&crowd, (struct exchange){ MAIL, OK, DIALOGUE_EARLY });
        for (size_t i = 0; i < CROWD; i++)
                add_long_reply(&crowd, i);
        crowd_add(&crowd, (struct exchange){ DATA, GO });
        crowd_add(&crowd, (struct exchange){ BODY DOT, "250 queued\r\n" });

        struct client client = meet(&crowd.script, (struct tuning){ .socket_octets = 4096 });
        client.status = postel_send(client.connection, "s@x.example", crowd.addresses, CROWD, BODY,
                strlen(BODY), 60000, &client.result, &client.error);
        CHECK_INT(client.status, POSTEL_PARTIAL);
        REQUIRE(client.result != NULL);
        check_crowd(&client);
        part(&client);
        crowd_free(&crowd);
}

/* ---- Faults at each step ---- */

static const struct step steps_of_two[] = { { MAIL, OK }, { RCPT("a"), OK }, { RCPT("b"), OK }, { DATA, GO },
        { BODY DOT, OK } };
static const postel_phase phases_of_two[] = { POSTEL_PHASE_MAIL, POSTEL_PHASE_RCPT, POSTEL_PHASE_RCPT,
        POSTEL_PHASE_DATA, POSTEL_PHASE_FINAL };

struct step_fault {
        const char *name;
        const char *reply; /* instead of the one that is due */
        unsigned how;
        postel_status status; /* before the end of the message */
        int code;
        const char *text;
        bool never_final; /* as a final reply it is no fault */
};

static char endless_line[4096];
static char endless_lines[200 * 8 + 1];

static const struct step_fault step_faults[] = {
        { "421", "421 4.3.2 going down\r\n", DIALOGUE_AWAIT_CLOSE, POSTEL_DEFERRED, 421, "going down" },
        { "421 and the end", "421 4.3.2 going down\r\n", DIALOGUE_CLOSE, POSTEL_DEFERRED, 421, "going down" },
        { "421 and a reset", "421 4.3.2 going down\r\n", DIALOGUE_RESET, POSTEL_DEFERRED, 421, "going down" },
        { "the end", NULL, DIALOGUE_CLOSE, POSTEL_IO, 0, "the server closed the connection" },
        { "a reset", NULL, DIALOGUE_RESET, POSTEL_IO, 0, "the connection was lost" },
        { "half of a reply", "25", DIALOGUE_CLOSE, POSTEL_IO, 0, "the server closed the connection" },
        { "garbage", "HTTP/1.0 400 what?\r\n", DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL, 0, "200 to 599" },
        { "codes that differ", "250-a\r\n251 b\r\n", DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL, 0, "different" },
        { "an endless line", endless_line, DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL, 0, "2048" },
        { "endless lines", endless_lines, DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL, 0, "128 lines" },
        { "a reply of the wrong kind", "334 VXNlcm5hbWU6\r\n", DIALOGUE_AWAIT_CLOSE, POSTEL_PROTOCOL, 334,
                "wrong kind" },
};

static void make_endless(void)
{
        memset(endless_line, 'x', sizeof(endless_line) - 1);
        memcpy(endless_line, "250 ", 4);
        for (size_t i = 0; i + 8 < sizeof(endless_lines); i += 8)
                memcpy(endless_lines + i, "250-abc\n", 8);
}

static void run_step_fault(const struct step_fault *fault, size_t at, bool pipelining)
{
        static struct maker maker;
        struct step steps[COUNT(steps_of_two)];
        bool final = at + 1 == COUNT(steps);

        memcpy(steps, steps_of_two, sizeof(steps));
        steps[at].reply = fault->reply;
        for (size_t i = at + 1; i < COUNT(steps); i++)
                steps[i].reply = NULL;
        begin_script(&maker, pipelining);
        add_steps(&maker, steps, pipelining ? 4 : at + !final, pipelining);
        if (final)
                add_steps(&maker, steps + at, 1, false);
        maker.exchanges[maker.script.count - 1].how = fault->how;

        struct client client = meet(&maker.script, (struct tuning){ 0 });
        harness_row("%s for a reply to step %zu, %s", fault->name, at, pipelining ? "pipelined" : "lockstep");
        bool wrong_kind_is_right = fault->code == 334 && phases_of_two[at] == POSTEL_PHASE_DATA;
        if (!wrong_kind_is_right) {
                send_to(&client, 2);
                CHECK_STR(postel_status_name(client.status),
                        postel_status_name(final ? POSTEL_UNKNOWN : fault->status));
                check_everybody(&client, final ? POSTEL_OUTCOME_UNKNOWN : NOT_SENT, fault->code);
                CHECK(has(postel_result_text(client.result), fault->text));
                CHECK(has(client.error.message, fault->text));
                CHECK_INT(postel_result_phase(client.result), phases_of_two[at]);
                CHECK_INT(client.error.code, fault->code);
                CHECK_INT(postel_connection_is_shutting_down(client.connection), fault->code == 421);
                check_closed(&client);
                part(&client);
                return;
        }
        postel_connection_free(&client.connection);
        dialogue_finish(&client.dialogue);
}

static void faults_before_the_end_leave_it_unsent(void)
{
        make_endless();
        for (size_t i = 0; i < COUNT(step_faults); i++)
                for (size_t at = 0; at < COUNT(steps_of_two); at++)
                        for (int pipelining = 0; pipelining < 2; pipelining++)
                                run_step_fault(&step_faults[i], at, pipelining);
}

static void a_fault_leaves_refusals_as_they_are(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING),
                { MAIL RCPT("a") RCPT("b") RCPT("c") DATA, OK "550 no\r\n" OK "421 bye\r\n",
                        DIALOGUE_AWAIT_CLOSE },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 3), POSTEL_DEFERRED);
        check_recipient(&client, 0, REJECTED, 550);
        check_recipient(&client, 1, NOT_SENT, 421);
        check_recipient(&client, 2, NOT_SENT, 421);
        CHECK_INT(postel_result_code(client.result), 421);
        check_closed(&client);
        part(&client);
}

static void a_fault_of_rset_leaves_it_unsent(void)
{
        static const struct {
                const char *reply;
                postel_status status;
                int code;
        } rows[] = {
                { "421 bye\r\n", POSTEL_DEFERRED, 421 },
                { "500 what?\r\n", POSTEL_PROTOCOL, 500 },
                { "354 go\r\n", POSTEL_PROTOCOL, 354 },
        };
        for (size_t i = 0; i < 2 * COUNT(rows); i++) {
                const char *expect = i % 2 ? "RSET\r\n" MAIL RCPT("a") RCPT("b") DATA : "RSET\r\n";
                const struct exchange pipelined[] = {
                        HELLO(PIPELINING),
                        { MAIL RCPT("a") DATA, "550 no\r\n503 a\r\n503 b\r\n" },
                        { expect, rows[i / 2].reply, DIALOGUE_AWAIT_CLOSE },
                };
                const struct exchange lockstep[] = { HELLO(""), { MAIL, "550 no\r\n" },
                        { expect, rows[i / 2].reply, DIALOGUE_AWAIT_CLOSE } };
                struct client client = i % 2 ? MEET(pipelined) : MEET(lockstep);
                harness_row("%s", rows[i / 2].reply);
                CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
                CHECK_INT(send_to(&client, 2), rows[i / 2].status);
                check_everybody(&client, NOT_SENT, rows[i / 2].code);
                CHECK_INT(postel_result_phase(client.result), POSTEL_PHASE_RSET);
                check_closed(&client);
                part(&client);
        }
}

/* ---- Replies that nobody asked for ---- */

static void check_unasked(struct client *client, postel_status status, int code)
{
        CHECK_INT(send_to(client, 2), status);
        check_everybody(client, NOT_SENT, code);
        check_closed(client);
}

static void refuses_replies_before_a_command(void)
{
        static const struct {
                const char *unasked;
                postel_status status;
                int code;
        } rows[] = {
                { "250 more\r\n", POSTEL_PROTOCOL, 0 },
                { "25", POSTEL_PROTOCOL, 0 },
                { "421 idle for too long\r\n", POSTEL_DEFERRED, 421 },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                char glued[60];
                snprintf(glued, sizeof(glued), OK "%s", rows[i].unasked);
                const struct exchange together[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A },
                        { BODY DOT, glued, DIALOGUE_AWAIT_CLOSE } };
                const struct exchange apart[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A },
                        { BODY DOT, OK, DIALOGUE_HOLD },
                        { NULL, rows[i].unasked, DIALOGUE_HOLD | DIALOGUE_AWAIT_CLOSE } };

                harness_row("%s behind a reply", rows[i].unasked);
                struct client client = MEET(together);
                CHECK_INT(send_to(&client, 1), POSTEL_OK);
                check_unasked(&client, rows[i].status, rows[i].code);
                part(&client);

                harness_row("%s after a while", rows[i].unasked);
                client = MEET(apart);
                dialogue_release(client.dialogue);
                CHECK_INT(send_to(&client, 1), POSTEL_OK);
                CHECK(dialogue_await_hold(client.dialogue));
                dialogue_release(client.dialogue);
                CHECK(dialogue_await_end(client.dialogue, 0));
                check_unasked(&client, rows[i].status, rows[i].code);
                part(&client);
        }
}

static void refuses_a_reply_before_the_content(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING),
                { FLIGHT_A, OK OK GO "250 have it\r\n", DIALOGUE_AWAIT_CLOSE } };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 1), POSTEL_PROTOCOL);
        check_everybody(&client, NOT_SENT, 250);
        check_closed(&client);
        part(&client);
}

/* Replies that fill what is read at once to its last octet: what stands behind them is still in the socket.
 */
static void hears_a_reply_in_the_socket_before_the_content(void)
{
        static const struct {
                const char *early;
                postel_status status;
                postel_outcome outcome;
                int code;
        } rows[] = {
                { "250 have it\r\n", POSTEL_PROTOCOL, NOT_SENT, 250 },
                { "550 no\r\n", POSTEL_PROTOCOL, NOT_SENT, 550 },
                { "421 bye\r\n", POSTEL_DEFERRED, NOT_SENT, 421 },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                char replies[2048 + 32];
                const int rest = 2048 - (int)strlen("250 \r\n" OK GO);
                snprintf(replies, sizeof(replies), "250 %0*d\r\n" OK GO "%s", rest, 0, rows[i].early);
                const struct exchange script[] = { HELLO(PIPELINING),
                        { FLIGHT_A, replies, DIALOGUE_AWAIT_CLOSE } };
                struct client client = MEET(script);
                harness_row("%s", rows[i].early);
                CHECK_INT(send_to(&client, 1), rows[i].status);
                check_everybody(&client, rows[i].outcome, rows[i].code);
                check_closed(&client);
                part(&client);
        }
}

/* ---- A server that speaks while a big message is sent ---- */

#define BIG_OCTETS (4u << 20)

static const char *big_body(void)
{
        static char body[BIG_OCTETS];
        for (size_t i = 0; i < BIG_OCTETS; i += 64) {
                memset(body + i, 'm', 62);
                memcpy(body + i + 62, "\r\n", 2);
        }
        return body;
}

static void stops_a_body_that_is_refused(void)
{
        static const struct {
                const char *reply;
                postel_status status;
                postel_outcome outcome;
                int code;
                const char *enhanced;
                unsigned how;
        } rows[] = {
                { "552 5.3.4 too big\r\n", POSTEL_REJECTED, REJECTED, 552, "5.3.4" },
                { "552 5.3.4 too big\r\n", POSTEL_REJECTED, REJECTED, 552, "5.3.4", DIALOGUE_CLOSE },
                { "451 4.3.0 virus scanner died\r\n", POSTEL_DEFERRED, DEFERRED, 451, "4.3.0" },
                { "421 4.3.2 going down\r\n", POSTEL_DEFERRED, NOT_SENT, 421, "4.3.2" },
                { "421 4.3.2 going down\r\n", POSTEL_DEFERRED, NOT_SENT, 421, "4.3.2", DIALOGUE_CLOSE },
                { "250 thanks, enough\r\n", POSTEL_PROTOCOL, NOT_SENT, 250, "" },
                { "354 more\r\n", POSTEL_PROTOCOL, NOT_SENT, 354, "" },
                { "what?\r\n", POSTEL_PROTOCOL, NOT_SENT, 0, "" },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange script[] = { HELLO(PIPELINING ENHANCED),
                        { MAIL RCPT("a") RCPT("b") DATA, OK OK "550 no\r\n" GO },
                        { "mm", rows[i].reply, DIALOGUE_EARLY | rows[i].how } };
                struct client client =
                        meet(&(struct script)SCRIPT(script), (struct tuning){ .socket_octets = 4096 });
                size_t size;
                harness_row("%s", rows[i].reply);
                CHECK_INT(send_octets(&client, 2, big_body(), BIG_OCTETS, TIMEOUT_MS), rows[i].status);
                REQUIRE(client.result != NULL);
                check_recipient(&client, 0, rows[i].outcome, rows[i].code);
                CHECK_STR(postel_result_recipient_enhanced(client.result, 0), rows[i].enhanced);
                check_recipient(&client, 1, REJECTED, 550);
                CHECK_INT(postel_result_recipient_phase(client.result, 0), POSTEL_PHASE_BODY);
                check_closed(&client);
                CHECK(dialogue_await_end(client.dialogue, 0));
                char *received = dialogue_received(client.dialogue, 0, &size);
                CHECK(size < BIG_OCTETS / 2);
                CHECK(!has(received, "\r\n.\r\n"));
                free(received);
                part(&client);
        }
}

/* ---- What is on the wire ---- */

static void writes_the_parameters_of_dsn(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING "250-DSN\r\n"),
                { "MAIL FROM:<s@x.example> RET=HDRS ENVID=run+2B7+3Da+20b\r\n"
                  "RCPT TO:<a@x.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@x.example\r\n"
                  "RCPT TO:<b@x.example> NOTIFY=NEVER\r\n"
                  "RCPT TO:<c@x.example>\r\n" DATA,
                        OK OK OK OK GO },
                { BODY DOT, OK },
                { "MAIL FROM:<> RET=FULL\r\n" RCPT("a") DATA, GO_A },
                { BODY DOT, OK },
        };
        struct client client = MEET(script);
        postel_envelope *envelope = postel_envelope_new("s@x.example");
        postel_envelope_set_ret(envelope, POSTEL_RET_HDRS);
        postel_envelope_set_envid(envelope, "run+7=a b");
        for (size_t i = 0; i < COUNT(names); i++)
                CHECK_INT(postel_envelope_add_recipient(envelope, names[i]), i);
        postel_envelope_set_notify(
                envelope, 0, POSTEL_NOTIFY_SUCCESS | POSTEL_NOTIFY_FAILURE | POSTEL_NOTIFY_DELAY);
        postel_envelope_set_orcpt(envelope, 0, "rfc822;a+b@x.example");
        postel_envelope_set_notify(envelope, 1, POSTEL_NOTIFY_NEVER);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        postel_envelope_free(&envelope);

        envelope = postel_envelope_new("");
        postel_envelope_set_ret(envelope, POSTEL_RET_FULL);
        postel_envelope_add_recipient(envelope, names[0]);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        postel_envelope_free(&envelope);
        part(&client);
}

static void declares_size_and_eight_bits(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING "250-SIZE 100\r\n250-8BITMIME\r\n"),
                { "MAIL FROM:<s@x.example> SIZE=18\r\n" RCPT("a") DATA, GO_A },
                { BODY DOT, OK },
                { "MAIL FROM:<s@x.example> SIZE=14 BODY=8BITMIME\r\n" RCPT("a") DATA, GO_A },
                { "..\r\ngr\xc3\xbc\xc3\x9f"
                  "e\r\n\r\n" DOT,
                        OK },
                { "MAIL FROM:<s@x.example> SIZE=18 BODY=7BIT\r\n" RCPT("a") DATA, GO_A },
                { BODY DOT, OK },
                { "MAIL FROM:<s@x.example> SIZE=18 BODY=8BITMIME\r\n" RCPT("a") DATA, GO_A },
                { BODY DOT, OK },
                { "NOOP\r\n", OK },
        };
        struct client client = MEET(script);
        char long_body[120];
        postel_envelope *envelope = postel_envelope_new("s@x.example");
        postel_envelope_add_recipient(envelope, names[0]);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        CHECK_INT(send_envelope(&client, envelope,
                          ".\ngr\xc3\xbc\xc3\x9f"
                          "e\n\r"),
                POSTEL_OK);
        postel_envelope_set_body(envelope, POSTEL_BODY_7BIT);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        CHECK_INT(send_envelope(&client, envelope, "\xff"), POSTEL_INVALID);
        postel_envelope_set_body(envelope, POSTEL_BODY_8BITMIME);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        memset(long_body, 'x', sizeof(long_body) - 1);
        long_body[sizeof(long_body) - 1] = '\0';
        CHECK_INT(send_envelope(&client, envelope, long_body), POSTEL_UNSUPPORTED);
        check_everybody(&client, NOT_SENT, 0);
        CHECK(has(client.error.message, "SIZE"));
        CHECK_INT(postel_connection_noop(client.connection, TIMEOUT_MS, NULL), POSTEL_OK);
        postel_envelope_free(&envelope);
        part(&client);
}

static void refuses_what_the_server_does_not_offer(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { "NOOP\r\n", OK } };
        struct client client = MEET(script);
        postel_envelope *envelope = postel_envelope_new("s@x.example");
        postel_envelope_add_recipient(envelope, names[0]);
        CHECK_INT(send_envelope(&client, envelope, "\xff"), POSTEL_UNSUPPORTED);
        CHECK(has(client.error.message, "8BITMIME"));
        check_everybody(&client, NOT_SENT, 0);
        postel_envelope_set_notify(envelope, 0, POSTEL_NOTIFY_NEVER);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_UNSUPPORTED);
        CHECK(has(client.error.message, "DSN"));
        CHECK_INT(postel_connection_noop(client.connection, TIMEOUT_MS, NULL), POSTEL_OK);
        postel_envelope_free(&envelope);
        part(&client);
}

static void stuffs_dots(void)
{
        static const struct {
                const char *body, *wire;
        } rows[] = {
                { "", DOT },
                { ".", "..\r\n" DOT },
                { ".\r\n", "..\r\n" DOT },
                { "a\n.\nb", "a\r\n..\r\nb\r\n" DOT },
                { "a\r.\rb\r", "a\r\n..\r\nb\r\n" DOT },
                { "a\r\n.\r\nMAIL FROM:<evil@x.example>\r\n",
                        "a\r\n..\r\nMAIL FROM:<evil@x.example>\r\n" DOT },
                { "a\n.\r\nb", "a\r\n..\r\nb\r\n" DOT },
                { "a\r.\nb", "a\r\n..\r\nb\r\n" DOT },
                { "..a\r\n.b.\r\nc.\r\n", "...a\r\n..b.\r\nc.\r\n" DOT },
                { "\r\n\r\n", "\r\n\r\n" DOT },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange script[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A },
                        { rows[i].wire, OK } };
                struct client client = MEET(script);
                harness_row("%s", rows[i].body);
                CHECK_INT(send_octets(&client, 1, rows[i].body, strlen(rows[i].body), TIMEOUT_MS), POSTEL_OK);
                part(&client);
        }
}

/* ---- Words of the server ---- */

static void returns_words_codes_and_the_queue_id(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING ENHANCED),
                { MAIL RCPT("a") RCPT("b") RCPT("c") DATA,
                        "250 2.1.0 ok\r\n250 2.1.5 ok\r\n550-5.1.1 no such\r\n550 5.1.1 user\r\n"
                        "450 5.2.2 wrong class\r\n" GO },
                { BODY DOT, "250-2.6.0 thank you\r\n250 2.0.0 Ok: queued as 4XyZ01\r\n" },
                { MAIL RCPT("a") DATA, "550 5.7.1 \tno \x1b[2J\r\n503 a\r\n503 b\r\n" },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 3), POSTEL_PARTIAL);
        REQUIRE(client.result != NULL);
        CHECK_STR(postel_result_text(client.result), "2.6.0 thank you\n2.0.0 Ok: queued as 4XyZ01");
        CHECK_STR(postel_result_enhanced(client.result), "2.6.0");
        CHECK_STR(postel_result_queue_id(client.result), "4XyZ01");
        CHECK_INT(postel_result_attempts(client.result), 1);
        CHECK_STR(postel_result_recipient_address(client.result, 1), "b@x.example");
        CHECK_STR(postel_result_recipient_text(client.result, 1), "5.1.1 no such\n5.1.1 user");
        CHECK_STR(postel_result_recipient_enhanced(client.result, 1), "5.1.1");
        CHECK_STR(postel_result_recipient_enhanced(client.result, 2), "");
        CHECK(has(client.error.message, "2 of 3 recipients were not accepted: 550 5.1.1 no such"));

        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        CHECK_STR(postel_result_queue_id(client.result), "");
        CHECK_STR(postel_result_enhanced(client.result), "5.7.1");
        CHECK(has(client.error.message, "550 5.7.1 \\x09no \\x1b[2J"));
        part(&client);
}

static void knows_no_enhanced_codes_where_none_are_announced(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A },
                { BODY DOT, "550 5.7.1 no\r\n" } };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        CHECK_STR(postel_result_enhanced(client.result), "");
        CHECK_STR(postel_result_text(client.result), "5.7.1 no");
        part(&client);
}

static void keeps_so_many_octets_of_a_text(void)
{
        static char reply[2040], text[1025];
        memset(reply, 'x', sizeof(reply) - 1);
        memcpy(reply, "250 ", 4);
        memcpy(reply + sizeof(reply) - 3, "\r\n", 2);
        memset(text, 'x', sizeof(text) - 1);
        const struct exchange script[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A }, { BODY DOT, reply } };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 1), POSTEL_OK);
        CHECK_STR(postel_result_text(client.result), text);
        part(&client);
}

/* ---- Arguments that are refused ---- */

static char octets_255[256];

struct bad_input {
        const char *from, *to, *envid, *orcpt; /* NULL: a good one, or none */
        const char *field, *rule;
};

static const struct bad_input bad_inputs[] = {
        { .from = "s@x.example>\r\nRCPT TO:<evil@x.example", .field = "from: ", .rule = "CR or LF" },
        { .from = "s@x.example\r", .field = "from: ", .rule = "CR or LF" },
        { .from = "s@x.example\n", .field = "from: ", .rule = "CR or LF" },
        { .from = "s", .field = "from: ", .rule = "no domain" },
        { .from = "s@", .field = "from: ", .rule = "no domain" },
        { .from = octets_255, .field = "from: ", .rule = "longer than 254 octets" },
        { .to = "b@x.example>\r\nDATA", .field = "to 2: ", .rule = "CR or LF" },
        { .to = "b@x.example\r", .field = "to 2: ", .rule = "CR or LF" },
        { .to = "\nb@x.example", .field = "to 2: ", .rule = "CR or LF" },
        { .to = "\"b\n\"@x.example", .field = "to 2: ", .rule = "CR or LF" },
        { .to = "b", .field = "to 2: ", .rule = "no domain" },
        { .to = "", .field = "to 2: ", .rule = "empty" },
        { .to = octets_255, .field = "to 2: ", .rule = "longer than 254 octets" },
        { .envid = "7\r\nDATA", .field = "envid: ", .rule = "CR or LF" },
        { .envid = "7\r", .field = "envid: ", .rule = "CR or LF" },
        { .envid = "7\n", .field = "envid: ", .rule = "CR or LF" },
        { .orcpt = "rfc822;b@x.example\r\nDATA", .field = "orcpt of to 2: ", .rule = "CR or LF" },
        { .orcpt = "rfc822;b@x.example\n", .field = "orcpt of to 2: ", .rule = "CR or LF" },
        { .orcpt = "rfc822\r;b@x.example", .field = "orcpt of to 2: ", .rule = "CR or LF" },
        { .envid = "7\x80", .field = "envid: ", .rule = "printable ASCII" },
        { .orcpt = "rfc822;b@x.example\x80", .field = "orcpt of to 2: ", .rule = "printable ASCII" },
};

static void refuse_input(struct client *client, const struct bad_input *row)
{
        postel_envelope *envelope = postel_envelope_new(row->from ? row->from : "s@x.example");
        postel_envelope_add_recipient(envelope, "a@x.example");
        postel_envelope_add_recipient(envelope, row->to ? row->to : "b@x.example");
        postel_envelope_add_recipient(envelope, "c@x.example");
        postel_envelope_set_envid(envelope, row->envid);
        postel_envelope_set_orcpt(envelope, 1, row->orcpt);
        CHECK_INT(send_envelope(client, envelope, BODY), POSTEL_INVALID);
        CHECK(client->result == NULL);
        CHECK(strncmp(client->error.message, row->field, strlen(row->field)) == 0);
        CHECK(has(client->error.message, row->rule));
        CHECK(!strpbrk(client->error.message, "\r\n"));
        postel_envelope_free(&envelope);
}

static void refuse_without_recipients(struct client *client)
{
        postel_envelope *envelope = postel_envelope_new("s@x.example");
        harness_row("no recipients");
        CHECK_INT(send_to(client, 0), POSTEL_INVALID);
        CHECK(has(client->error.message, "to: at least one recipient is needed"));
        CHECK(client->result == NULL);
        CHECK_INT(send_envelope(client, envelope, BODY), POSTEL_INVALID);
        CHECK(has(client->error.message, "to: at least one recipient is needed"));
        postel_envelope_free(&envelope);
}

static void refuses_bad_input_before_anything_is_written(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING "250-DSN\r\n"),
                { MAIL RCPT("a") RCPT("b") RCPT("c") DATA, OK OK OK OK GO }, { BODY DOT, OK } };
        struct client client = MEET(script);
        memset(octets_255, 'x', 255);
        octets_255[20] = '@';
        for (size_t i = 80; i < 250; i += 60)
                octets_255[i] = '.';
        for (size_t i = 0; i < COUNT(bad_inputs); i++) {
                const struct bad_input *row = &bad_inputs[i];
                harness_row("row %zu: %s %s", i, row->field, row->rule);
                refuse_input(&client, row);
                CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_READY);
        }
        refuse_without_recipients(&client);
        CHECK_INT(send_to(&client, 3), POSTEL_OK);
        part(&client);
}

/* ---- Time ---- */

#define DEADLINE_MS 200

/* Many times what the sockets hold, and soon looked through. */
#define MUCH_OCTETS 1048576

struct slow_row {
        const char *name;
        struct exchange slow; /* behind the greeting and EHLO */
        bool before_content; /* a flight that is answered goes before it */
        bool big;
        postel_phase phase;
        postel_outcome outcome;
};

static const struct slow_row slow_rows[] = {
        { "silent to the flight", { FLIGHT_A, NULL, DIALOGUE_AWAIT_CLOSE }, .phase = POSTEL_PHASE_MAIL,
                .outcome = NOT_SENT },
        { "silent to DATA", { FLIGHT_A, OK OK, DIALOGUE_AWAIT_CLOSE }, .phase = POSTEL_PHASE_DATA,
                .outcome = NOT_SENT },
        { "drips a reply",
                { FLIGHT_A, "250-a line as long as it takes\r\n250 ok\r\n" OK GO, DIALOGUE_DRIP,
                        .pause_ms = 30 },
                .phase = POSTEL_PHASE_MAIL, .outcome = NOT_SENT },
        { "drips replies",
                { FLIGHT_A, "250 o\r\n250-one that takes longer than there is time\r\n250 o\r\n" GO,
                        DIALOGUE_DRIP, .pause_ms = 8 },
                .phase = POSTEL_PHASE_RCPT, .outcome = NOT_SENT },
        { "silent to the content", { BODY DOT, NULL, DIALOGUE_AWAIT_CLOSE }, .before_content = true,
                .phase = POSTEL_PHASE_FINAL, .outcome = POSTEL_OUTCOME_UNKNOWN },
        { "drips the final reply", { BODY DOT, "250 o, so slow\r\n", DIALOGUE_DRIP, .pause_ms = 30 },
                .before_content = true, .phase = POSTEL_PHASE_FINAL, .outcome = POSTEL_OUTCOME_UNKNOWN },
        { "reads no more", { "mm", NULL, DIALOGUE_HOLD | DIALOGUE_EARLY }, .before_content = true,
                .big = true, .phase = POSTEL_PHASE_BODY, .outcome = NOT_SENT },
};

static void run_slow(const struct slow_row *row, bool by_phase)
{
        static const struct exchange hello[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A } };
        struct exchange exchanges[4];
        struct script script = { exchanges, 2 };
        memcpy(exchanges, hello, sizeof(hello));
        script.count += row->before_content;
        exchanges[script.count++] = row->slow;
        struct client client = meet(&script, (struct tuning){ .socket_octets = row->big ? 4096 : 0,
                                                     .phase_ms = by_phase ? DEADLINE_MS : 0 });

        harness_row("%s, %s", row->name, by_phase ? "by phase" : "by call");
        long long since_ms = now_ms();
        CHECK_INT(send_octets(&client, 1, row->big ? big_body() : BODY, row->big ? MUCH_OCTETS : strlen(BODY),
                          by_phase ? TIMEOUT_MS : DEADLINE_MS),
                row->outcome == NOT_SENT ? POSTEL_TIMEOUT : POSTEL_UNKNOWN);
        check_elapsed(since_ms, DEADLINE_MS);
        check_everybody(&client, row->outcome, 0);
        CHECK_INT(postel_result_phase(client.result), row->phase);
        CHECK(has(postel_result_text(client.result), "in time"));
        check_closed(&client);
        postel_result_free(&client.result);
        postel_connection_free(&client.connection);
        const char *fault = dialogue_finish(&client.dialogue);
        /* Who drips is found in the middle of it. */
        if (!(row->slow.how & DIALOGUE_DRIP))
                CHECK_STR(fault, NULL);
}

static void ends_at_the_deadline(void)
{
        for (size_t i = 0; i < COUNT(slow_rows); i++)
                run_slow(&slow_rows[i], false);
}

static void ends_at_the_limit_of_a_phase(void)
{
        for (size_t i = 0; i < COUNT(slow_rows); i++)
                if (slow_rows[i].phase != POSTEL_PHASE_RCPT)
                        run_slow(&slow_rows[i], true);
}

/* Each reply takes less than the limit, all of them more. */
static void a_reply_begins_a_new_phase(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING),
                { FLIGHT_A, "250 o\r\n250 o\r\n354 o\r\n", DIALOGUE_DRIP, .pause_ms = 45 },
                { BODY DOT, OK },
        };
        struct client client = meet(&(struct script)SCRIPT(script), (struct tuning){ .phase_ms = 800 });
        long long since_ms = now_ms();
        CHECK_INT(send_to(&client, 1), POSTEL_OK);
        CHECK(now_ms() - since_ms > 800);
        part(&client);
}

static void a_deadline_of_zero_waits_for_nothing(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING) };
        struct client client = MEET(script);
        long long since_ms = now_ms();
        CHECK_INT(send_octets(&client, 1, BODY, strlen(BODY), 0), POSTEL_TIMEOUT);
        check_elapsed(since_ms, 0);
        check_everybody(&client, NOT_SENT, 0);
        CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_READY);
        part(&client);
}

/* A client that is held up at the moment when the trace says `at`, until the deadline has passed. */
struct hold_up {
        struct dialogue *dialogue;
        const char *at;
        long long until_ms;
        bool ended; /* by then the server had said all of its script */
};

static void hold_up(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        struct hold_up *held = user_data;
        (void)session;
        (void)kind;
        (void)size;
        if (strcmp(text, held->at) != 0)
                return;
        held->ended = dialogue_await_end(held->dialogue, 0);
        struct timespec until = { .tv_sec = held->until_ms / 1000,
                .tv_nsec = held->until_ms % 1000 * 1000000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void writes_nothing_past_the_deadline(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING),
                { FLIGHT_A, GO_A, DIALOGUE_AWAIT_CLOSE } };
        struct hold_up held = { .at = "354 go" };
        struct client client = { .dialogue = dialogue_start(script, COUNT(script)) };
        held.dialogue = client.dialogue;
        connect_to(&client, (struct tuning){ .trace = hold_up, .trace_data = &held });
        held.until_ms = now_ms() + DEADLINE_MS + 1;
        CHECK_INT(send_octets(&client, 1, BODY, strlen(BODY), DEADLINE_MS), POSTEL_TIMEOUT);
        CHECK(held.ended);
        check_everybody(&client, NOT_SENT, 0);
        check_closed(&client);
        part(&client);
}

static void counts_what_came_by_the_deadline(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A }, { BODY DOT, OK } };
        struct hold_up held = { .at = "21 octets of content" };
        struct client client = { .dialogue = dialogue_start(script, COUNT(script)) };
        held.dialogue = client.dialogue;
        connect_to(&client, (struct tuning){ .trace = hold_up, .trace_data = &held });
        held.until_ms = now_ms() + DEADLINE_MS + 1;
        CHECK_INT(send_octets(&client, 1, BODY, strlen(BODY), DEADLINE_MS), POSTEL_OK);
        CHECK(held.ended);
        check_everybody(&client, ACCEPTED, 250);
        part(&client);
}

/* ---- Threads ---- */

struct sender {
        struct client *client;
        const char *body;
        size_t size;
        postel_result *result;
        postel_error error;
        postel_status status;
        pthread_t thread;
};

static void *sender_run(void *argument)
{
        struct sender *sender = argument;
        sender->status = postel_send(sender->client->connection, "s@x.example", names, 1, sender->body,
                sender->size, TIMEOUT_MS, &sender->result, &sender->error);
        return NULL;
}

static void sender_start(struct sender *sender, struct client *client)
{
        sender->client = client;
        if (!sender->body) {
                sender->body = BODY;
                sender->size = strlen(BODY);
        }
        REQUIRE(pthread_create(&sender->thread, NULL, sender_run, sender) == 0);
}

static void waits_for_another_call_until_the_deadline(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A, DIALOGUE_HOLD },
                { BODY DOT, OK }, { "NOOP\r\n", OK } };
        struct client client = MEET(script);
        struct sender sender = { 0 };
        sender_start(&sender, &client);
        CHECK(dialogue_await_hold(client.dialogue));

        long long since_ms = now_ms();
        CHECK_INT(postel_connection_noop(client.connection, DEADLINE_MS, &client.error), POSTEL_TIMEOUT);
        check_elapsed(since_ms, DEADLINE_MS);
        CHECK_INT(client.error.phase, POSTEL_PHASE_POOL);
        since_ms = now_ms();
        CHECK_INT(send_octets(&client, 2, BODY, strlen(BODY), DEADLINE_MS), POSTEL_TIMEOUT);
        check_elapsed(since_ms, DEADLINE_MS);
        check_everybody(&client, NOT_SENT, 0);
        CHECK_INT(postel_result_attempts(client.result), 0);
        CHECK_INT(postel_result_phase(client.result), POSTEL_PHASE_POOL);

        dialogue_release(client.dialogue);
        pthread_join(sender.thread, NULL);
        CHECK_INT(sender.status, POSTEL_OK);
        postel_result_free(&sender.result);
        CHECK_INT(postel_connection_noop(client.connection, TIMEOUT_MS, &client.error), POSTEL_OK);
        part(&client);
}

static void sends_of_two_threads_follow_each_other(void)
{
        enum { MESSAGES = 6 };
        static struct maker maker;
        struct sender senders[MESSAGES] = { 0 };
        begin_script(&maker, true);
        for (size_t i = 0; i < MESSAGES; i++) {
                add_exchange(&maker, FLIGHT_A, GO_A, i == 0 ? DIALOGUE_HOLD : 0);
                add_exchange(&maker, BODY DOT, OK, 0);
        }
        struct client client = meet(&maker.script, (struct tuning){ 0 });
        sender_start(&senders[0], &client);
        CHECK(dialogue_await_hold(client.dialogue));
        for (size_t i = 1; i < MESSAGES; i++)
                sender_start(&senders[i], &client);
        dialogue_release(client.dialogue);
        for (size_t i = 0; i < MESSAGES; i++) {
                pthread_join(senders[i].thread, NULL);
                CHECK_INT(senders[i].status, POSTEL_OK);
                postel_result_free(&senders[i].result);
        }
        part(&client);
}

static void an_interrupt_wakes_a_blocked_send(void)
{
        static const struct {
                const char *name;
                struct exchange held;
                bool before_content, big;
                postel_outcome outcome;
                postel_status status;
        } rows[] = {
                { "waiting for MAIL", { FLIGHT_A, NULL, DIALOGUE_HOLD }, false, false, NOT_SENT,
                        POSTEL_INTERRUPTED },
                { "waiting for the final reply", { BODY DOT, NULL, DIALOGUE_HOLD }, true, false,
                        POSTEL_OUTCOME_UNKNOWN, POSTEL_UNKNOWN },
                { "writing a body", { "mm", NULL, DIALOGUE_HOLD | DIALOGUE_EARLY }, true, true, NOT_SENT,
                        POSTEL_INTERRUPTED },
        };
        static const struct exchange hello[] = { HELLO(PIPELINING), { FLIGHT_A, GO_A } };
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct exchange exchanges[4];
                struct script script = { exchanges, 2 };
                memcpy(exchanges, hello, sizeof(hello));
                script.count += rows[i].before_content;
                exchanges[script.count++] = rows[i].held;
                struct client client =
                        meet(&script, (struct tuning){ .socket_octets = rows[i].big ? 4096 : 0 });
                struct sender sender = { .body = rows[i].big ? big_body() : NULL, .size = BIG_OCTETS };
                harness_row("%s", rows[i].name);
                sender_start(&sender, &client);
                CHECK(dialogue_await_hold(client.dialogue));
                long long since_ms = now_ms();
                postel_connection_interrupt(client.connection);
                pthread_join(sender.thread, NULL);
                CHECK(now_ms() - since_ms < SLACK_MS);
                CHECK_INT(sender.status, rows[i].status);
                CHECK_INT(postel_result_recipient_outcome(sender.result, 0), rows[i].outcome);
                CHECK(has(sender.error.message, "interrupted"));
                postel_result_free(&sender.result);
                check_closed(&client);
                part(&client);
        }
}

static void an_interrupt_before_a_call_stays(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING) };
        struct client client = MEET(script);
        postel_connection_interrupt(client.connection);
        CHECK_INT(send_to(&client, 1), POSTEL_INTERRUPTED);
        check_everybody(&client, NOT_SENT, 0);
        check_closed(&client);
        part(&client);
}

static void an_interrupt_before_connecting_stays(void)
{
        static const struct exchange script[] = { { NULL, NULL } };
        struct client client = meet(&(struct script)SCRIPT(script), (struct tuning){ .unconnected = true });
        postel_connection_interrupt(client.connection);
        CHECK_INT(postel_connect(client.connection, TIMEOUT_MS, &client.error), POSTEL_INTERRUPTED);
        check_closed(&client);
        part(&client);
}

/* ---- Content by BDAT, and more than one transaction ---- */

#define CHUNKING PIPELINING "250-CHUNKING\r\n"
#define BDAT     "BDAT 18 LAST\r\n" BODY

/* The first message on a session shows that the server takes BDAT: only then does content ride. */
#define WARM                       \
        { MAIL RCPT("a"), OK OK }, \
        {                          \
                BDAT, OK           \
        }

static void warm(struct client *client)
{
        CHECK_INT(send_to(client, 1), POSTEL_OK);
}

static void content_rides_with_its_envelope(void)
{
        static const struct exchange script[] = {
                HELLO(CHUNKING),
                WARM,
                { MAIL RCPT("a") RCPT("b") BDAT, OK OK OK OK },
                { MAIL RCPT("a") BDAT, OK OK "550 no\r\n" },
                { "RSET\r\n" MAIL RCPT("a") RCPT("b") BDAT, OK OK "550 a\r\n" OK OK },
                { MAIL RCPT("a") BDAT, OK "550 a\r\n503 no recipients\r\n" },
                { "RSET\r\n" MAIL RCPT("a") BDAT, OK "550 no\r\n503 a\r\n503 b\r\n" },
                { "RSET\r\n" MAIL RCPT("a") BDAT, OK OK OK OK },
        };
        struct client client = MEET(script);
        warm(&client);
        CHECK_INT(send_to(&client, 2), POSTEL_OK);
        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        check_recipient(&client, 0, REJECTED, 550);
        CHECK_INT(send_to(&client, 2), POSTEL_PARTIAL);
        check_recipient(&client, 0, REJECTED, 550);
        check_recipient(&client, 1, ACCEPTED, 250);
        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        CHECK_INT(postel_result_recipient_phase(client.result, 0), POSTEL_PHASE_RCPT);
        CHECK_INT(send_to(&client, 1), POSTEL_REJECTED);
        CHECK_INT(postel_result_recipient_phase(client.result, 0), POSTEL_PHASE_MAIL);
        CHECK_INT(send_to(&client, 1), POSTEL_OK);
        CHECK_INT(postel_result_transactions(client.result), 1);
        part(&client);
}

/* A server that refuses a sender may fall over the chunk behind it: a new domain is tried first. */
static void content_of_a_new_sender_does_not_ride(void)
{
        static const struct exchange script[] = {
                HELLO(CHUNKING),
                WARM,
                { "MAIL FROM:<s@other.example>\r\n" RCPT("a"), OK OK },
                { BDAT, OK },
                { "MAIL FROM:<t@OTHER.example>\r\n" RCPT("a") BDAT, OK OK OK },
                { MAIL RCPT("a") BDAT, "550 no\r\n503 a\r\n503 b\r\n" },
                { "RSET\r\n" MAIL RCPT("a") BDAT, OK OK OK OK },
        };
        static const char *const from[] = { "s@x.example", "s@other.example", "t@OTHER.example",
                "s@x.example", "s@x.example" };
        struct client client = MEET(script);
        for (size_t i = 0; i < COUNT(from); i++) {
                postel_envelope *envelope = postel_envelope_new(from[i]);
                harness_row("%zu", i);
                postel_envelope_add_recipient(envelope, "a@x.example");
                CHECK_INT(send_envelope(&client, envelope, BODY), i == 3 ? POSTEL_REJECTED : POSTEL_OK);
                postel_envelope_free(&envelope);
        }
        part(&client);
}

/* What some server might take for commands, and what need not be hurried, goes by DATA. */
static void content_like_commands_does_not_ride(void)
{
        static const struct exchange script[] = {
                HELLO(CHUNKING),
                WARM,
                { FLIGHT_A, GO_A },
                { "a\r\n quit it\r\n" DOT, OK },
                { MAIL RCPT("a") "BDAT 16 LAST\r\na\r\nquitting it\r\n", OK OK OK },
        };
        struct client client = MEET(script);
        warm(&client);
        CHECK_INT(send_octets(&client, 1, "a\r\n quit it\r\n", 13, TIMEOUT_MS), POSTEL_OK);
        CHECK_INT(send_octets(&client, 1, "a\r\nquitting it\r\n", 16, TIMEOUT_MS), POSTEL_OK);
        part(&client);
}

/* What it cannot know: the content may have been taken for commands, none of which is one. */
static void goes_back_to_data_where_bdat_is_unknown(void)
{
        static const char *const replies[] = { "500 what?\r\n", "502 not here\r\n", "503 bad sequence\r\n",
                "500 what?\r\n500 Subject: x?\r\n500 ?\r\n500 hi?\r\n" };
        for (size_t i = 0; i < COUNT(replies); i++) {
                const struct exchange script[] = {
                        HELLO(CHUNKING),
                        { MAIL RCPT("a"), OK OK },
                        { BDAT, replies[i] },
                        { "RSET\r\n" MAIL RCPT("a") DATA, OK OK OK GO },
                        { BODY DOT, OK },
                        { FLIGHT_A, GO_A },
                        { BODY DOT, OK },
                };
                struct client client = MEET(script);
                harness_row("%zu", i);
                CHECK_INT(send_to(&client, 1), POSTEL_OK);
                CHECK_INT(postel_result_transactions(client.result), 2);
                CHECK_INT(postel_result_attempts(client.result), 1);
                CHECK_INT(send_to(&client, 1), POSTEL_OK);
                CHECK_INT(postel_result_transactions(client.result), 1);
                part(&client);
        }
}

static void a_421_before_the_final_reply_leaves_it_unsent(void)
{
        static const struct {
                const char *reply;
                postel_status status;
                postel_outcome outcome;
                postel_phase phase;
        } rows[] = {
                { "421 no more\r\n", POSTEL_DEFERRED, NOT_SENT, POSTEL_PHASE_MAIL },
                { OK "421 no more\r\n", POSTEL_DEFERRED, NOT_SENT, POSTEL_PHASE_RCPT },
                { OK OK "421 no more\r\n", POSTEL_UNKNOWN, POSTEL_OUTCOME_UNKNOWN, POSTEL_PHASE_FINAL },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange script[] = { HELLO(CHUNKING), WARM,
                        { MAIL RCPT("a") BDAT, rows[i].reply, DIALOGUE_CLOSE } };
                struct client client = MEET(script);
                harness_row("%zu", i);
                warm(&client);
                CHECK_INT(send_to(&client, 1), rows[i].status);
                check_everybody(&client, rows[i].outcome, 421);
                CHECK_INT(postel_result_phase(client.result), rows[i].phase);
                CHECK(postel_connection_is_shutting_down(client.connection));
                part(&client);
        }
}

static void too_many_recipients_go_into_another_transaction(void)
{
        static const char *const rows[][2] = {
                { "452 4.5.3 too many\r\n", "452 4.5.3 too many\r\n" },
                { "552 5.5.3 too many\r\n", "452 4.5.3 too many\r\n" },
                { "452 too many\r\n", "452 too many\r\n" },
                { "552 too many\r\n", "452 too many\r\n" },
        };
        for (size_t i = 0; i < 2 * COUNT(rows); i++) {
                char *replies = NULL;
                REQUIRE(asprintf(&replies, OK OK "%s%s" GO, rows[i / 2][0], rows[i / 2][1]) > 0);
                const struct exchange script[] = {
                        HELLO(PIPELINING ENHANCED),
                        { MAIL RCPT("a") RCPT("b") RCPT("c") DATA, replies },
                        { BODY DOT, "250 2.0.0 Ok: queued as 4AAA1\r\n" },
                        { MAIL RCPT("b") DATA, OK OK GO },
                        { BODY DOT, "250 2.0.0 Ok: queued as 4BBB2\r\n" },
                        { MAIL RCPT("c") DATA, i % 2 ? OK "550 5.1.1 who?\r\n503 a\r\n" : OK OK GO },
                        { i % 2 ? "NOOP\r\n" : BODY DOT, "250 2.0.0 Ok: queued as 4CCC3\r\n" },
                };
                struct client client = MEET(script);
                harness_row("%zu", i);
                CHECK_INT(send_to(&client, 3), i % 2 ? POSTEL_PARTIAL : POSTEL_OK);
                check_recipient(&client, 2, i % 2 ? REJECTED : ACCEPTED, i % 2 ? 550 : 250);
                CHECK_INT(postel_result_transactions(client.result), 3);
                CHECK_STR(postel_result_queue_id(client.result), "4AAA1");
                CHECK_STR(postel_result_recipient_queue_id(client.result, 1), "4BBB2");
                CHECK_STR(postel_result_recipient_queue_id(client.result, 2), i % 2 ? "" : "4CCC3");
                if (i % 2)
                        CHECK_INT(postel_connection_noop(client.connection, TIMEOUT_MS, NULL), POSTEL_OK);
                part(&client);
                free(replies);
        }
}

/* Who takes nobody has no room for anybody: that is no reason to ask again and again. */
static void too_many_without_any_taken_is_deferred(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING ENHANCED),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK "452 4.5.3 too many\r\n" GO },
                { BODY DOT, OK },
                { MAIL RCPT("b") DATA, OK "452 4.5.3 too many\r\n503 5.5.1 a\r\n" },
                { "RSET\r\n" MAIL RCPT("a") RCPT("b") DATA, OK OK "452 4.5.3 a\r\n452 4.5.3 b\r\n503 c\r\n" },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 2), POSTEL_PARTIAL);
        check_recipient(&client, 1, DEFERRED, 452);
        CHECK_INT(send_to(&client, 2), POSTEL_DEFERRED);
        check_everybody(&client, DEFERRED, 452);
        part(&client);
}

static void keeps_to_the_limits_of_the_server(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING "250-LIMITS RCPTMAX=2\r\n"),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO },
                { BODY DOT, "554 no\r\n" },
                { "RSET\r\n" MAIL RCPT("c") DATA, OK OK OK GO },
                { BODY DOT, OK },
        };
        struct client client = MEET(script);
        CHECK_INT(send_to(&client, 3), POSTEL_PARTIAL);
        check_recipient(&client, 0, REJECTED, 554);
        check_recipient(&client, 1, REJECTED, 554);
        check_recipient(&client, 2, ACCEPTED, 250);
        CHECK_INT(postel_result_transactions(client.result), 2);
        part(&client);
}

static void sends_to_all_or_to_none(void)
{
        static const struct exchange script[] = {
                HELLO(CHUNKING),
                { MAIL RCPT("a") RCPT("b"), OK OK "550 b\r\n" },
                { "RSET\r\n" MAIL RCPT("a") RCPT("b"), OK OK OK OK },
                { BDAT, OK },
        };
        struct client client = MEET(script);
        postel_envelope *envelope = postel_envelope_new("s@x.example");
        postel_envelope_add_recipient(envelope, "a@x.example");
        postel_envelope_add_recipient(envelope, "b@x.example");
        postel_envelope_set_all_or_none(envelope, 1);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_REJECTED);
        check_recipient(&client, 0, NOT_SENT, 0);
        check_recipient(&client, 1, REJECTED, 550);
        CHECK_INT(send_envelope(&client, envelope, BODY), POSTEL_OK);
        postel_envelope_free(&envelope);
        part(&client);
}

static const struct test tests[] = {
        { "decides each recipient by what the server says", decides_by_replies },
        { "pipelines all but the content", pipelines_all_but_the_content },
        { "waits for each reply without PIPELINING", waits_for_each_reply_without_pipelining },
        { "takes two round trips for a thousand recipients", takes_two_round_trips_for_a_thousand },
        { "sends to twenty thousand through small buffers", sends_to_twenty_thousand_through_small_buffers },
        { "content by BDAT rides with its envelope", content_rides_with_its_envelope },
        { "content of a new sender does not ride", content_of_a_new_sender_does_not_ride },
        { "content like commands does not ride", content_like_commands_does_not_ride },
        { "goes back to DATA where BDAT is unknown", goes_back_to_data_where_bdat_is_unknown },
        { "a 421 before the final reply leaves it unsent", a_421_before_the_final_reply_leaves_it_unsent },
        { "too many recipients go into another transaction",
                too_many_recipients_go_into_another_transaction },
        { "too many recipients, and nobody taken, is DEFERRED", too_many_without_any_taken_is_deferred },
        { "keeps to the limits of the server", keeps_to_the_limits_of_the_server },
        { "sends to all or to none", sends_to_all_or_to_none },
        { "a fault before the end leaves it unsent, behind it unknown",
                faults_before_the_end_leave_it_unsent },
        { "a fault leaves refusals as they are", a_fault_leaves_refusals_as_they_are },
        { "a fault of RSET leaves it unsent", a_fault_of_rset_leaves_it_unsent },
        { "refuses replies before a command", refuses_replies_before_a_command },
        { "refuses a final reply before the content", refuses_a_reply_before_the_content },
        { "hears a reply in the socket before the content", hears_a_reply_in_the_socket_before_the_content },
        { "stops a body that is refused", stops_a_body_that_is_refused },
        { "writes the parameters of DSN", writes_the_parameters_of_dsn },
        { "declares SIZE and BODY", declares_size_and_eight_bits },
        { "refuses what the server does not offer", refuses_what_the_server_does_not_offer },
        { "stuffs dots, mends newlines, ends the content", stuffs_dots },
        { "returns words, enhanced codes and the queue id", returns_words_codes_and_the_queue_id },
        { "knows no enhanced codes where none are announced",
                knows_no_enhanced_codes_where_none_are_announced },
        { "keeps 1,024 octets of a text", keeps_so_many_octets_of_a_text },
        { "refuses bad input before anything is written", refuses_bad_input_before_anything_is_written },
        { "ends at the deadline, whatever the server does", ends_at_the_deadline },
        { "ends at the limit of a phase", ends_at_the_limit_of_a_phase },
        { "a reply begins a new phase", a_reply_begins_a_new_phase },
        { "a deadline of 0 waits for nothing", a_deadline_of_zero_waits_for_nothing },
        { "writes nothing past the deadline", writes_nothing_past_the_deadline },
        { "counts what came by the deadline", counts_what_came_by_the_deadline },
        { "waits for another call until the deadline", waits_for_another_call_until_the_deadline },
        { "sends of several threads follow each other", sends_of_two_threads_follow_each_other },
        { "an interrupt wakes a send that blocks", an_interrupt_wakes_a_blocked_send },
        { "an interrupt before a call stays", an_interrupt_before_a_call_stays },
        { "an interrupt before connecting stays", an_interrupt_before_connecting_stays },
};

int main(void)
{
        return harness_run("transaction", tests, COUNT(tests));
}
