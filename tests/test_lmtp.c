/* SPDX-License-Identifier: MIT */
/*
 * LMTP (RFC 2033), through the public interface: behind the content every recipient that was accepted has a
 * reply of its own, and an outcome by it.
 */

#include "client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LMTP    .protocol = POSTEL_PROTOCOL_LMTP
#define CHUNKED .chunking = POSTEL_CHUNKING_ALWAYS

/* ---- One dialogue, three ways ---- */

/* A message to three, and what comes of it. */
struct course {
        const char *name, *names;
        const char *rcpt[3]; /* replies; NULL: there is no such recipient */
        const char *data; /* reply to DATA */
        const char *final; /* replies to the content; NULL: it is not asked for */
        const char *account;
        bool no_chunks; /* the course is one of DATA alone */
        bool closes; /* the final replies end with a loss */
        unsigned how;
};

static const struct course courses[] = {
        { "all is accepted", "a b c", { OK, OK, OK }, GO,
                "250 2.0.0 Ok: queued as QA1\r\n250 2.0.0 Ok: queued as QB2\r\n"
                "250 2.0.0 Ok: queued as QC3\r\n",
                "OK: ACCEPTED final 250 2.0.0 QA1, ACCEPTED final 250 2.0.0 QB2, ACCEPTED final 250 2.0.0 "
                "QC3" },
        { "any mix behind the content", "a b c", { OK, OK, OK }, GO,
                "550 5.2.1 disabled\r\n250 2.0.0 Ok: queued as QB2\r\n452 4.2.2 full\r\n",
                "PARTIAL: REJECTED final 550 5.2.1, ACCEPTED final 250 2.0.0 QB2, DEFERRED final 452 4.2.2" },
        { "the other way about", "a b c", { OK, OK, OK }, GO,
                "250-2.1.5 two\r\n250 2.1.5 lines\r\n451 4.3.0 later\r\n550 5.7.1 spam\r\n",
                "PARTIAL: ACCEPTED final 250 2.1.5, DEFERRED final 451 4.3.0, REJECTED final 550 5.7.1" },
        { "nobody behind the content", "a b c", { OK, OK, OK }, GO,
                "550 5.2.1 a\r\n452 4.2.2 b\r\n550 5.2.1 c\r\n",
                "DEFERRED: REJECTED final 550 5.2.1, DEFERRED final 452 4.2.2, REJECTED final 550 5.2.1" },
        { "552 behind the content is for good", "a", { OK }, GO, "552 5.2.2 full\r\n",
                "REJECTED: REJECTED final 552 5.2.2" },
        { "one is refused at RCPT", "a b c", { OK, "550 5.1.1 who?\r\n", OK }, GO,
                "250 2.0.0 Ok: queued as QA1\r\n550 5.2.1 no\r\n",
                "PARTIAL: ACCEPTED final 250 2.0.0 QA1, REJECTED rcpt 550 5.1.1, REJECTED final 550 5.2.1" },
        { "two are refused at RCPT", "a b c", { "450 4.2.1 a\r\n", "550 5.1.1 b\r\n", OK }, GO,
                "250 2.0.0 Ok: queued as QC3\r\n",
                "PARTIAL: DEFERRED rcpt 450 4.2.1, REJECTED rcpt 550 5.1.1, ACCEPTED final 250 2.0.0 QC3" },
        { "one recipient twice", "a b a", { OK, OK, OK }, GO,
                "250 2.0.0 Ok: queued as QA1\r\n550 5.2.1 b\r\n452 4.2.2 a\r\n",
                "PARTIAL: ACCEPTED final 250 2.0.0 QA1, REJECTED final 550 5.2.1, DEFERRED final 452 4.2.2" },
        { "DATA is refused", "a b c", { OK, OK, OK }, "451 4.3.0 later\r\n", NULL,
                "DEFERRED: DEFERRED data 451 4.3.0, DEFERRED data 451 4.3.0, DEFERRED data 451 4.3.0",
                .no_chunks = true },
        { "421 behind the first of three", "a b c", { OK, OK, OK }, GO,
                "250 2.0.0 Ok: queued as QA1\r\n421 4.3.2 going down\r\n",
                "PARTIAL: ACCEPTED final 250 2.0.0 QA1, UNKNOWN final 421 4.3.2, UNKNOWN final 421 4.3.2",
                .closes = true, .how = DIALOGUE_CLOSE },
        { "the end behind the first of three", "a b c", { OK, OK, OK }, GO, "550 5.2.1 no\r\n",
                "UNKNOWN: REJECTED final 550 5.2.1, UNKNOWN final 0, UNKNOWN final 0", .closes = true,
                .how = DIALOGUE_CLOSE },
        { "a reset behind the first of three", "a b c", { OK, "550 5.1.1 b\r\n", OK }, GO,
                "250 2.0.0 Ok: queued as QA1\r\n",
                "PARTIAL: ACCEPTED final 250 2.0.0 QA1, REJECTED rcpt 550 5.1.1, UNKNOWN final 0",
                .closes = true, .how = DIALOGUE_RESET },
        { "a reply of the wrong kind", "a b", { OK, OK }, GO, "250 2.0.0 Ok: queued as QA1\r\n354 more\r\n",
                "PARTIAL: ACCEPTED final 250 2.0.0 QA1, UNKNOWN final 354", .closes = true,
                .how = DIALOGUE_AWAIT_CLOSE },
};

static const char *const rcpts[] = { RCPT("a"), RCPT("b"), RCPT("c") };
static const char *const duplicates[] = { RCPT("a"), RCPT("b"), RCPT("a") };

enum way { LOCKSTEP, PIPELINED, IN_CHUNKS, WAYS };

struct maker {
        struct exchange exchanges[16];
        struct script script;
        char texts[4096];
        size_t used;
};

static void add(struct maker *maker, const char *expect, const char *reply, unsigned how)
{
        REQUIRE(maker->script.count < COUNT(maker->exchanges));
        maker->exchanges[maker->script.count++] = (struct exchange){ expect, reply, how };
        maker->script.exchanges = maker->exchanges;
}

static char *join(struct maker *maker, const char *const *texts, size_t count)
{
        char *joined = maker->texts + maker->used, *end = joined;

        for (size_t i = 0; i < count; i++)
                end = stpcpy(end, texts[i] ? texts[i] : "");
        maker->used = (size_t)(end + 1 - maker->texts);
        REQUIRE(maker->used < sizeof(maker->texts));
        return joined;
}

/* Commands and their replies: one exchange each, or one for all. */
static void add_flight(struct maker *maker, const char *const *commands, const char *const *replies,
        size_t count, bool together)
{
        for (size_t i = 0; !together && i < count; i++)
                add(maker, commands[i], replies[i], 0);
        if (together)
                add(maker, join(maker, commands, count), join(maker, replies, count), 0);
}

static void make_course(struct maker *maker, const struct course *course, enum way way)
{
        static const struct exchange openings[WAYS][2] = { { LHELLO(ENHANCED) },
                { LHELLO(ENHANCED PIPELINING) }, { LHELLO(ENHANCED PIPELINING CHUNKING) } };
        static const struct exchange warming[] = { WARM };
        bool twice = strcmp(course->names, "a b a") == 0, chunks = way == IN_CHUNKS;
        const char *commands[6] = { MAIL }, *replies[6] = { OK };
        size_t count = 1;

        *maker = (struct maker){ 0 };
        for (size_t i = 0; i < 2; i++)
                add(maker, openings[way][i].expect, openings[way][i].reply, 0);
        for (size_t i = 0; chunks && i < COUNT(warming); i++)
                add(maker, warming[i].expect, warming[i].reply, 0);
        for (size_t i = 0; i < 3 && course->rcpt[i]; i++, count++) {
                commands[count] = (twice ? duplicates : rcpts)[i];
                replies[count] = course->rcpt[i];
        }
        commands[count] = chunks ? BDAT : DATA;
        replies[count] = chunks ? course->final : course->data;
        add_flight(maker, commands, replies, count + 1, way != LOCKSTEP);
        if (course->final && !chunks)
                add(maker, BODY DOT, course->final, 0);
        maker->exchanges[maker->script.count - 1].how = course->how;
}

/* The second message on a session works like the first, behind RSET where nobody was accepted. */
static void add_another(struct maker *maker, const struct course *course, enum way way)
{
        bool reset = !strstr(course->account, "ACCEPTED"), chunks = way == IN_CHUNKS;
        const char *const commands[] = { RSET, MAIL, RCPT("c"), RCPT("a"), chunks ? BDAT : DATA };
        const char *final = "550 5.2.1 c\r\n250 2.0.0 Ok: queued as QA9\r\n";
        const char *const replies[] = { OK, OK, OK, OK, chunks ? final : GO };

        add_flight(maker, commands + !reset, replies + !reset, 5 - !reset, way != LOCKSTEP);
        if (!chunks)
                add(maker, BODY DOT, final, 0);
        add(maker, "NOOP\r\n", OK, 0);
}

static void run_course(const struct course *course, enum way way)
{
        static struct maker maker;
        static const char *const ways[] = { "in lockstep", "pipelined", "in chunks" };

        if (way == IN_CHUNKS && course->no_chunks)
                return;
        make_course(&maker, course, way);
        if (!course->closes)
                add_another(&maker, course, way);
        harness_row("%s, %s", course->name, ways[way]);
        struct client client = meet_scripts(&maker.script, 1, (struct manner){ LMTP });
        if (way == IN_CHUNKS)
                warm(&client);
        send_text(&client, course->names, BODY);
        CHECK_ACCOUNT(&client, course->account);
        if (course->closes) {
                CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_CLOSED);
        } else {
                send_text(&client, "c a", BODY);
                CHECK_ACCOUNT(&client, "PARTIAL: REJECTED final 550 5.2.1, ACCEPTED final 250 2.0.0 QA9");
                CHECK_STR(postel_result_queue_id(client.result), "QA9");
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        }
        part(&client);
}

static void gives_each_recipient_its_own_final_reply(void)
{
        for (size_t i = 0; i < COUNT(courses); i++)
                for (enum way way = 0; way < WAYS; way++)
                        run_course(&courses[i], way);
}

/* ---- Content for nobody ---- */

#define NO_A_NO_B   "550 5.1.1 a\r\n450 4.2.1 b\r\n"
#define REFUSED_A_B "DEFERRED: REJECTED rcpt 550 5.1.1, DEFERRED rcpt 450 4.2.1"

static void has_no_final_reply_for_nobody(void)
{
        static const struct exchange lockstep[] = { LHELLO(ENHANCED), { MAIL, OK },
                { RCPT("a"), "550 5.1.1 a\r\n" }, { RCPT("b"), "450 4.2.1 b\r\n" }, { RSET, OK },
                { MAIL, OK }, { RCPT("c"), OK }, { DATA, GO }, { BODY DOT, OK } };
        static const struct exchange pipelined[] = { LHELLO(ENHANCED PIPELINING),
                { MAIL RCPT("a") RCPT("b") DATA, OK NO_A_NO_B "503 5.5.1 nobody\r\n" },
                { RSET MAIL RCPT("c") DATA, OK OK OK GO }, { BODY DOT, OK } };
        /* RFC 3030 has one reply to each BDAT, RFC 2033 one to each recipient: none is one. */
        static const struct exchange chunked[] = { LHELLO(ENHANCED PIPELINING CHUNKING), WARM,
                { MAIL RCPT("a") RCPT("b") BDAT, OK NO_A_NO_B "503 5.5.1 nobody\r\n" },
                { RSET MAIL RCPT("c") BDAT, OK OK OK OK } };
        static const struct exchange taken[] = { LHELLO(ENHANCED PIPELINING CHUNKING), WARM,
                { MAIL RCPT("a") RCPT("b") BDAT, OK NO_A_NO_B "250 2.0.0 Ok: queued as NOBODY1\r\n" },
                { RSET MAIL RCPT("c") BDAT, OK OK OK OK } };
        static const struct script scripts[] = { SCRIPT(lockstep), SCRIPT(pipelined), SCRIPT(chunked),
                SCRIPT(taken) };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                harness_row("script %zu", i);
                struct client client = meet_scripts(&scripts[i], 1, (struct manner){ LMTP });
                if (i >= 2)
                        warm(&client);
                send_text(&client, "a b", BODY);
                CHECK_ACCOUNT(&client, REFUSED_A_B);
                CHECK_STR(postel_result_queue_id(client.result), "");
                send_text(&client, "c", BODY);
                CHECK_ACCOUNT(&client, "OK: ACCEPTED final 250");
                part(&client);
        }
}

/* No reply to content for nobody, or one: nobody could tell what the next is to. */
static void ends_the_session_when_content_is_asked_for_nobody(void)
{
        static const struct exchange script[] = { LHELLO(ENHANCED PIPELINING),
                { MAIL RCPT("a") RCPT("b") DATA, OK NO_A_NO_B GO, DIALOGUE_AWAIT_CLOSE } };
        struct client client = MEET(script, LMTP);

        send_text(&client, "a b", BODY);
        CHECK_ACCOUNT(&client, REFUSED_A_B);
        CHECK_INT(postel_connection_state(client.connection), POSTEL_STATE_CLOSED);
        part(&client);
}

static void refuses_one_reply_too_many(void)
{
        static const struct exchange script[] = { LHELLO(PIPELINING),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO },
                { BODY DOT, OK OK OK, DIALOGUE_AWAIT_CLOSE } };
        struct client client = MEET(script, LMTP);

        send_text(&client, "a b", BODY);
        CHECK_ACCOUNT(&client, "OK: ACCEPTED final 250, ACCEPTED final 250");
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_PROTOCOL);
        part(&client);
}

/* The first of several final replies is one that an unknown command has, too: it is that recipient's, and the
 * next one is the next one's. */
static void a_final_reply_of_the_500s_is_its_recipients(void)
{
#define QUEUED_B "250 2.0.0 Ok: queued as QB2\r\n"
        static const struct {
                const char *reply, *account;
        } rows[] = {
                { "500 2.0.0 mailbox broken\r\n",
                        "PARTIAL: REJECTED final 500, ACCEPTED final 250 2.0.0 QB2" },
                { "500 5.5.1 a\r\n", "PARTIAL: REJECTED final 500 5.5.1, ACCEPTED final 250 2.0.0 QB2" },
                { "501 5.1.3 a\r\n", "PARTIAL: REJECTED final 501 5.1.3, ACCEPTED final 250 2.0.0 QB2" },
                { "503 no\r\n", "PARTIAL: REJECTED final 503, ACCEPTED final 250 2.0.0 QB2" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                char *replies = text_of(OK OK OK "%s" QUEUED_B, rows[i].reply);
                const struct exchange script[] = { LHELLO(ENHANCED PIPELINING CHUNKING), WARM,
                        { MAIL RCPT("a") RCPT("b") BDAT, replies }, { "NOOP\r\n", OK } };
                struct client client = MEET(script, LMTP);
                harness_row("%zu", i);
                warm(&client);
                send_text(&client, "a b", BODY);
                CHECK_ACCOUNT(&client, rows[i].account);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                free(replies);
        }
}

/* A refusal of BDAT itself can only be told where there is one recipient; for several it is not tried first.
 */
static void goes_back_to_data(void)
{
        static const struct exchange one[] = { LHELLO(ENHANCED PIPELINING CHUNKING),
                { MAIL RCPT("a"), OK OK }, { BDAT, "500 what?\r\n" },
                { RSET MAIL RCPT("a") DATA, OK OK OK GO }, { BODY DOT, "450 4.2.1 a\r\n" },
                { "NOOP\r\n", OK } };
        static const struct exchange several[] = { LHELLO(ENHANCED PIPELINING CHUNKING),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO }, { BODY DOT, OK "450 4.2.1 b\r\n" },
                { "NOOP\r\n", OK } };
        static const struct script scripts[] = { SCRIPT(one), SCRIPT(several) };
        static const char *const to[] = { "a", "a b" };
        static const char *const accounts[] = { "DEFERRED: DEFERRED final 450 4.2.1",
                "PARTIAL: ACCEPTED final 250, DEFERRED final 450 4.2.1" };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                struct client client = meet_scripts(&scripts[i], 1, (struct manner){ LMTP });
                harness_row("script %zu", i);
                send_text(&client, to[i], BODY);
                CHECK_ACCOUNT(&client, accounts[i]);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
        }
}

/* ---- Against the sink ---- */

/* Recipients r0 to r99 of whom some are refused at RCPT, and some behind the content. */
static char *hundred(void)
{
        char *names = text_of("r0");

        for (int i = 1; i < 100; i++) {
                char *more = text_of("%s r%d", names, i);
                free(names);
                names = more;
        }
        return names;
}

static postel_outcome wanted(size_t i)
{
        if (i % 10 == 1 || i % 10 == 2)
                return i % 10 == 1 ? POSTEL_OUTCOME_REJECTED : POSTEL_OUTCOME_DEFERRED;
        if (i % 10 == 3 || i % 10 == 4)
                return i % 10 == 3 ? POSTEL_OUTCOME_REJECTED : POSTEL_OUTCOME_DEFERRED;
        return POSTEL_OUTCOME_ACCEPTED;
}

static void check_hundred(const struct client *client, size_t messages)
{
        struct ledger *ledger = sink_ledger(client->sink);
        char queue_id[32];

        CHECK_INT(ledger->count, messages);
        snprintf(queue_id, sizeof(queue_id), "%08zX", messages);
        for (size_t i = 0; i < 100; i++) {
                const char *address = postel_result_recipient_address(client->result, i);
                bool accepted = wanted(i) == POSTEL_OUTCOME_ACCEPTED;
                harness_row("%s", address);
                CHECK_INT(postel_result_recipient_outcome(client->result, i), wanted(i));
                CHECK_INT(times_accepted(ledger, NULL, address), accepted ? messages : 0);
                CHECK_STR(postel_result_recipient_queue_id(client->result, i), accepted ? queue_id : "");
                CHECK(i % 10 < 1 || i % 10 > 2 ||
                        postel_result_recipient_phase(client->result, i) == POSTEL_PHASE_RCPT);
                CHECK(i % 10 < 3 || i % 10 > 4 ||
                        postel_result_recipient_phase(client->result, i) == POSTEL_PHASE_FINAL);
        }
        ledger_free(&ledger);
}

static void sends_to_a_hundred(const struct manner manner)
{
        struct client client = meet_sink(
                OPTIONS("--refuse-rcpt", "r*1@x.example=550 5.1.1 no", "--refuse-rcpt",
                        "r*2@x.example=450 4.2.1 later", "--final-rcpt", "r*3@x.example=550 5.2.1 no",
                        "--final-rcpt", "r*4@x.example=452 4.2.2 full"),
                manner);
        char *names = hundred();

        for (size_t messages = 1; messages <= 3; messages++) {
                CHECK_INT(send_text(&client, names, BODY), POSTEL_PARTIAL);
                check_hundred(&client, messages);
        }
        free(names);
        part(&client);
}

static void maps_a_hundred_replies(void)
{
        sends_to_a_hundred((struct manner){ LMTP });
        sends_to_a_hundred((struct manner){ LMTP, CHUNKED });
        sends_to_a_hundred((struct manner){ LMTP, .pool_size = 2, .chunking = POSTEL_CHUNKING_NEVER });
        sends_to_a_hundred((struct manner){
                LMTP, .chunking = POSTEL_CHUNKING_NEVER, .pipelining = POSTEL_PIPELINING_NEVER });
}

static void goes_through_a_unix_socket(void)
{
        struct client client = { .sink = sink_start(NULL) };
        postel_config *config = config_for(1, (struct manner){ LMTP });

        postel_config_set_socket_path(config, sink_lmtp_socket(client.sink));
        client_open(&client, config, 0);
        send_text(&client, "a b", BODY);
        CHECK_ACCOUNT(&client, "OK: ACCEPTED final 250 2.0.0 00000001, ACCEPTED final 250 2.0.0 00000001");
        CHECK_INT(sink_stats(client.sink, "messages"), 1);
        part(&client);

        /* The same by URL, through a pool. */
        client = (struct client){ .sink = sink_start(NULL) };
        char *url = text_of("lmtp+unix:%s", sink_lmtp_socket(client.sink));
        REQUIRE(postel_config_from_url(url, &config, &client.error) == POSTEL_OK);
        free(url);
        client_open(&client, config, 1);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        struct ledger *ledger = sink_ledger(client.sink);
        REQUIRE(ledger->count == 2);
        CHECK(strstr(ledger->entries[0].line, "\"protocol\":\"LMTP\"") != NULL);
        ledger_free(&ledger);
        part(&client);
}

static void logs_in_over_tls(void)
{
        for (int implicit = 0; implicit < 2; implicit++) {
                struct client client = { .sink = sink_start(OPTIONS("--require-auth", "--require-tls")) };
                int port = implicit ? sink_lmtps_port(client.sink) : sink_lmtp_port(client.sink);
                postel_config *config = config_for(port, (struct manner){ LMTP });
                postel_config_set_tls(config, implicit ? POSTEL_TLS_IMPLICIT : POSTEL_TLS_STARTTLS);
                postel_config_set_ca_file(config, sink_ca_file(client.sink));
                postel_config_set_user(config, SINK_USER);
                postel_config_set_password(config, SINK_PASSWORD);
                client_open(&client, config, 0);
                CHECK(postel_connection_is_authenticated(client.connection));
                CHECK_INT(postel_connection_protocol(client.connection), POSTEL_PROTOCOL_LMTP);
                send_text(&client, "a b", BODY);
                CHECK_INT(count_outcome(client.result, POSTEL_OUTCOME_ACCEPTED), 2);
                struct ledger *ledger = sink_ledger(client.sink);
                REQUIRE(ledger->count == 1);
                CHECK(strstr(ledger->entries[0].line, "\"user\":\"" SINK_USER "\"") != NULL);
                CHECK(strstr(ledger->entries[0].line, "\"tls\":true") != NULL);
                ledger_free(&ledger);
                part(&client);
        }
}

/* Each occurrence of a fault at a single final reply: who was told has it, the others are unknown. */
static void tells_who_was_told(void)
{
        static const char *const faults[] = { "close", "reset", "421", "garbage" };

        for (size_t i = 0; i < 3 * COUNT(faults); i++) {
                char *fault = text_of("final-rcpt#%zu=%s", i % 3 + 1, faults[i / 3]);
                harness_row("%s", fault);
                struct client client = meet_sink(OPTIONS("--fault", fault), (struct manner){ LMTP });
                send_text(&client, "a b c", BODY);
                struct ledger *ledger = sink_ledger(client.sink);
                for (size_t to = 0; to < 3; to++) {
                        postel_outcome outcome = postel_result_recipient_outcome(client.result, to);
                        const char *address = postel_result_recipient_address(client.result, to);
                        CHECK_INT(outcome, to < i % 3 ? POSTEL_OUTCOME_ACCEPTED : POSTEL_OUTCOME_UNKNOWN);
                        CHECK(outcome == POSTEL_OUTCOME_UNKNOWN ||
                                times_accepted(ledger, NULL, address) == 1);
                }
                ledger_free(&ledger);
                free(fault);
                part(&client);
        }
}

static const struct test tests[] = {
        { "gives each recipient its own final reply", gives_each_recipient_its_own_final_reply },
        { "has no final reply for nobody", has_no_final_reply_for_nobody },
        { "ends the session when content is asked for nobody",
                ends_the_session_when_content_is_asked_for_nobody },
        { "refuses one reply too many", refuses_one_reply_too_many },
        { "a final reply of the 500s is its recipient's", a_final_reply_of_the_500s_is_its_recipients },
        { "goes back to DATA", goes_back_to_data },
        { "maps a hundred replies", maps_a_hundred_replies },
        { "goes through a Unix socket", goes_through_a_unix_socket },
        { "logs in over TLS", logs_in_over_tls },
        { "tells who was told", tells_who_was_told },
};

int main(void)
{
        return harness_run("lmtp", tests, COUNT(tests));
}
