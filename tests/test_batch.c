/* SPDX-License-Identifier: MIT */
/*
 * Batches, through the public interface: how many round trips they take and what is on the wire, that a
 * message which fails takes no other with it, and that every account is true against what the server has.
 */

#include "client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER    .chunking = POSTEL_CHUNKING_NEVER
#define LOCKSTEP .pipelining = POSTEL_PIPELINING_NEVER
#define LMTP     .protocol = POSTEL_PROTOCOL_LMTP

/* ---- Batches ---- */

struct mails {
        postel_batch *batch;
        postel_envelope **envelopes;
        postel_message **messages;
        size_t count;
        size_t base; /* number of the first, where others were sent before */
        postel_status status;
        postel_error error;
};

static void add_made(struct mails *mails, postel_envelope *envelope, postel_message *message)
{
        size_t size = (mails->count + 1) * sizeof(void *);

        if (!mails->batch)
                mails->batch = postel_batch_new();
        mails->envelopes = realloc(mails->envelopes, size);
        mails->messages = realloc(mails->messages, size);
        mails->envelopes[mails->count] = envelope;
        mails->messages[mails->count] = message;
        CHECK_INT(postel_batch_add(mails->batch, envelope, message), mails->count);
        mails->count++;
}

static void add(struct mails *mails, const char *from, const char *names, const char *body)
{
        add_made(mails, envelope_of(from, names), postel_message_from_copy(body, strlen(body)));
}

/* From m<base>@x.example and so on. */
static struct mails many_from(size_t base, size_t count, const char *names)
{
        struct mails mails = { .base = base };
        char from[64];

        for (size_t i = 0; i < count; i++) {
                snprintf(from, sizeof(from), "m%zu@x.example", base + i);
                add(&mails, from, names, BODY);
        }
        return mails;
}

static struct mails many(size_t count, const char *names)
{
        return many_from(0, count, names);
}

/* To a, b, c …, one each, from FROM. */
static struct mails letters(size_t count)
{
        struct mails mails = { 0 };

        for (size_t i = 0; i < count; i++)
                add(&mails, FROM, (const char[]){ (char)('a' + i), '\0' }, BODY);
        return mails;
}

static void drop(struct mails *mails)
{
        postel_batch_free(&mails->batch);
        for (size_t i = 0; i < mails->count; i++) {
                postel_envelope_free(&mails->envelopes[i]);
                postel_message_free(&mails->messages[i]);
        }
        free(mails->envelopes);
        free(mails->messages);
        *mails = (struct mails){ 0 };
}

static postel_status send_within(struct client *client, struct mails *mails, int timeout_ms)
{
        if (client->pool)
                mails->status = postel_pool_send_batch(client->pool, mails->batch, timeout_ms, &mails->error);
        else
                mails->status = postel_connection_send_batch(
                        client->connection, mails->batch, timeout_ms, &mails->error);
        return mails->status;
}

static postel_status send_all(struct client *client, struct mails *mails)
{
        return send_within(client, mails, -1);
}

static void check_mail(const struct mails *mails, size_t i, const char *account)
{
        const postel_result *result = postel_batch_result(mails->batch, i);

        CHECK_STR(account_of(result), account);
        if (result)
                CHECK_INT(postel_result_status(result), postel_batch_status(mails->batch, i));
        CHECK_INT(postel_batch_error(mails->batch, i)->status, postel_batch_status(mails->batch, i));
}

static void check_mails(const struct mails *mails, const char *const *accounts)
{
        for (size_t i = 0; i < mails->count; i++)
                check_mail(mails, i, accounts[i]);
}

/* How often each is in the ledger, behind the last those that are none of them; to be freed. */
static unsigned *tally(const struct client *client, size_t base, size_t count)
{
        struct ledger *ledger = sink_ledger(client->sink);
        unsigned *times = calloc(count + 1, sizeof(*times));

        REQUIRE(times != NULL);
        for (size_t i = 0; i < ledger->count; i++) {
                size_t number = strtoul(ledger->entries[i].from.address + 1, NULL, 10);
                if (number >= base)
                        times[number - base < count ? number - base : count]++;
        }
        ledger_free(&ledger);
        return times;
}

struct truth {
        size_t accepted, unknown, not_sent, refused;
        size_t lies; /* accounts that the ledger does not bear out, and messages that were taken twice */
};

static struct truth check_truth(const struct client *client, const struct mails *mails)
{
        struct truth truth = { 0 };
        unsigned *times = tally(client, mails->base, mails->count);

        for (size_t i = 0; i < mails->count; i++) {
                const postel_result *result = postel_batch_result(mails->batch, i);
                postel_outcome outcome = postel_result_recipient_outcome(result, 0);
                bool accepted = result && outcome == POSTEL_OUTCOME_ACCEPTED;
                bool unknown = result && outcome == POSTEL_OUTCOME_UNKNOWN;
                truth.accepted += accepted;
                truth.unknown += unknown;
                truth.not_sent += result && outcome == POSTEL_OUTCOME_NOT_SENT;
                truth.refused +=
                        result && (outcome == POSTEL_OUTCOME_REJECTED || outcome == POSTEL_OUTCOME_DEFERRED);
                truth.lies += accepted ? times[i] != 1 : times[i] > (unknown ? 1 : 0);
        }
        CHECK_INT(truth.lies, 0);
        CHECK_INT(times[mails->count], 0);
        free(times);
        return truth;
}

/* ---- Round trips ---- */

static void takes_so_many_round_trips(void)
{
        static const struct {
                struct manner manner;
                bool warm; /* the session has taken a chunk */
                long long least, most;
        } rows[] = {
                { { .pool_size = 1 }, true, 1, 5 },
                { { .pool_size = 1 }, false, 2, 5 },
                { { .pool_size = 1, NEVER }, false, 100, 104 },
                { { .pool_size = 1, NEVER, LOCKSTEP }, false, 400, 400 },
                { { .pool_size = 1, LOCKSTEP }, false, 300, 300 },
                { { .pool_size = 1, LOCKSTEP }, true, 300, 300 },
                { { .pool_size = 1, LMTP }, true, 1, 5 },
                { { .pool_size = 1, LMTP }, false, 2, 5 },
                { { .pool_size = 1, LMTP, NEVER }, false, 100, 104 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct client client = meet_sink(NULL, rows[i].manner);
                struct mails first = many(1, "a"), mails = many_from(1, 100, "a");
                postel_connection *opened = NULL;
                harness_row("row %zu", i);
                REQUIRE(postel_pool_acquire(client.pool, -1, &opened, NULL) == POSTEL_OK);
                postel_pool_release(client.pool, &opened);
                if (rows[i].warm)
                        CHECK_INT(send_all(&client, &first), POSTEL_OK);
                sink_control(client.sink, "reset-stats");
                long long before = statistic(&client, POSTEL_STATISTIC_ROUND_TRIPS);
                CHECK_INT(send_all(&client, &mails), POSTEL_OK);
                CHECK_INT(check_truth(&client, &mails).accepted, 100);
                long long counted = statistic(&client, POSTEL_STATISTIC_ROUND_TRIPS) - before;
                long long seen = sink_stats(client.sink, "round_trips");
                CHECK(counted >= rows[i].least && counted <= rows[i].most);
                CHECK(seen >= rows[i].least && seen <= rows[i].most);
                part(&client);
                drop(&first);
                drop(&mails);
        }
}

/* ---- Dialogues ---- */

#define CHUNK(name) MAIL RCPT(name) BDAT
#define HEAD(name)  MAIL RCPT(name) DATA
#define QUEUED(id)  "250 2.0.0 Ok: queued as " id "\r\n"

static void sends_messages_in_one_flight(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING CHUNKING), WARM,
                { CHUNK("a") RSET CHUNK("b") RSET CHUNK("c"),
                        OK OK QUEUED("Q1") OK OK OK QUEUED("Q2") OK OK OK QUEUED("Q3") },
                { "NOOP\r\n", OK } };
        /* Without a chunk taken before, the first waits for its envelope, and the next for the first. */
        static const struct exchange cold[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("a"), OK OK },
                { BDAT RSET MAIL RCPT("b"), QUEUED("Q1") OK OK OK },
                { BDAT RSET CHUNK("c"), QUEUED("Q2") OK OK OK QUEUED("Q3") }, { "NOOP\r\n", OK } };
        static const struct script scripts[] = { SCRIPT(script), SCRIPT(cold) };
        static const char *const accounts[] = { "OK: ACCEPTED final 250 Q1", "OK: ACCEPTED final 250 Q2",
                "OK: ACCEPTED final 250 Q3" };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                struct client client = meet_scripts(&scripts[i], 1, (struct manner){ 0 });
                struct mails mails = letters(3);
                harness_row("script %zu", i);
                if (i == 0)
                        warm(&client);
                CHECK_INT(send_all(&client, &mails), POSTEL_OK);
                check_mails(&mails, accounts);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                drop(&mails);
        }
}

static void rides_behind_content(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { HEAD("a"), OK OK GO },
                { BODY DOT HEAD("b"), QUEUED("Q1") OK OK GO }, { BODY DOT HEAD("c"), QUEUED("Q2") OK OK GO },
                { BODY DOT, QUEUED("Q3") }, { "NOOP\r\n", OK } };
        static const struct exchange lockstep[] = { HELLO(""), { MAIL, OK }, { RCPT("a"), OK }, { DATA, GO },
                { BODY DOT, QUEUED("Q1") }, { MAIL, OK }, { RCPT("b"), OK }, { DATA, GO },
                { BODY DOT, QUEUED("Q2") }, { MAIL, OK }, { RCPT("c"), OK }, { DATA, GO },
                { BODY DOT, QUEUED("Q3") }, { "NOOP\r\n", OK } };
        static const struct exchange chunks[] = { HELLO(CHUNKING), { MAIL, OK }, { RCPT("a"), OK },
                { BDAT, QUEUED("Q1") }, { MAIL, OK }, { RCPT("b"), OK }, { BDAT, QUEUED("Q2") }, { MAIL, OK },
                { RCPT("c"), OK }, { BDAT, QUEUED("Q3") }, { "NOOP\r\n", OK } };
        static const struct script scripts[] = { SCRIPT(script), SCRIPT(lockstep), SCRIPT(chunks) };
        static const char *const accounts[] = { "OK: ACCEPTED final 250 Q1", "OK: ACCEPTED final 250 Q2",
                "OK: ACCEPTED final 250 Q3" };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                struct client client = meet_scripts(&scripts[i], 1, (struct manner){ 0 });
                struct mails mails = letters(3);
                harness_row("script %zu", i);
                CHECK_INT(send_all(&client, &mails), POSTEL_OK);
                check_mails(&mails, accounts);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                drop(&mails);
        }
}

/* The one in the middle is refused; what is written of the third, and how, is the point. */
static void a_refusal_takes_no_other_along(void)
{
#define CHUNKED_WITH(replies)                                                          \
        {                                                                              \
                HELLO(PIPELINING CHUNKING), WARM,                                      \
                        { CHUNK("a") RSET CHUNK("b") RSET CHUNK("c"),                  \
                                OK OK QUEUED("Q1") OK replies OK OK OK QUEUED("Q3") }, \
                {                                                                      \
                        "NOOP\r\n", OK                                                 \
                }                                                                      \
        }
        static const struct exchange chunk_mail[] = CHUNKED_WITH("550 no\r\n503 b\r\n503 c\r\n");
        static const struct exchange chunk_rcpt[] = CHUNKED_WITH(OK "550 no\r\n503 nobody\r\n");
        static const struct exchange chunk_final[] = CHUNKED_WITH(OK OK "554 no\r\n");
#define HEAD_A                      \
        HELLO(PIPELINING),          \
        {                           \
                HEAD("a"), OK OK GO \
        }
#define END                         \
        { BODY DOT, QUEUED("Q3") }, \
        {                           \
                "NOOP\r\n", OK      \
        }
        static const struct exchange mail[] = { HEAD_A,
                { BODY DOT HEAD("b"), QUEUED("Q1") "550 no\r\n503 b\r\n503 c\r\n" },
                { RSET HEAD("c"), OK OK OK GO }, END };
        static const struct exchange rcpt[] = { HEAD_A,
                { BODY DOT HEAD("b"), QUEUED("Q1") OK "550 no\r\n503 nobody\r\n" },
                { RSET HEAD("c"), OK OK OK GO }, END };
        static const struct exchange asked[] = { HEAD_A,
                { BODY DOT HEAD("b"), QUEUED("Q1") OK "550 no\r\n" GO },
                { DOT HEAD("c"), "554 nobody\r\n" OK OK GO }, END };
        static const struct exchange data[] = { HEAD_A,
                { BODY DOT HEAD("b"), QUEUED("Q1") OK OK "550 no\r\n" }, { RSET HEAD("c"), OK OK OK GO },
                END };
        static const struct exchange final[] = { HEAD_A, { BODY DOT HEAD("b"), QUEUED("Q1") OK OK GO },
                { BODY DOT HEAD("c"), "554 no\r\n" OK OK GO }, END };
        static const struct {
                struct script script;
                const char *account;
        } rows[] = {
                { SCRIPT(chunk_mail), "REJECTED: REJECTED mail 550" },
                { SCRIPT(chunk_rcpt), "REJECTED: REJECTED rcpt 550" },
                { SCRIPT(chunk_final), "REJECTED: REJECTED final 554" },
                { SCRIPT(mail), "REJECTED: REJECTED mail 550" },
                { SCRIPT(rcpt), "REJECTED: REJECTED rcpt 550" },
                { SCRIPT(asked), "REJECTED: REJECTED rcpt 550" },
                { SCRIPT(data), "REJECTED: REJECTED data 550" },
                { SCRIPT(final), "REJECTED: REJECTED final 554" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct client client = meet_scripts(&rows[i].script, 1, (struct manner){ 0 });
                struct mails mails = letters(3);
                harness_row("row %zu", i);
                if (i < 3)
                        warm(&client);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                check_mail(&mails, 0, "OK: ACCEPTED final 250 Q1");
                check_mail(&mails, 1, rows[i].account);
                check_mail(&mails, 2, "OK: ACCEPTED final 250 Q3");
                CHECK_INT(mails.error.code, postel_batch_error(mails.batch, 1)->code);
                CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                drop(&mails);
        }
}

/* Refused at every step, for good and for now, in the midst of 60: all others arrive. */
static void refusals_in_the_midst(void)
{
        static const struct {
                const char *place, *reply;
        } faults[] = { { "mail", "550 5.7.1 no" }, { "rcpt", "450 4.2.1 no" }, { "data", "451 4.3.0 no" },
                { "bdat", "554 5.6.0 no" }, { "final", "554 5.6.0 no" }, { "final", "452 4.3.1 no" } };
        static const struct manner manners[] = { { 0 }, { NEVER }, { .pool_size = 3 },
                { .pool_size = 3, NEVER }, { LMTP }, { LMTP, NEVER }, { NEVER, LOCKSTEP } };

        for (size_t i = 0; i < COUNT(manners); i++) {
                struct client client = meet_sink(NULL, manners[i]);
                struct mails mails = many(60, "a");
                for (size_t at = 0; at < 4 * COUNT(faults); at++) {
                        char *line = text_of("set fault %s#%zu=%s", faults[at / 4].place,
                                2 + at % 4 * 7 + at / 20, faults[at / 4].reply);
                        sink_control(client.sink, line);
                        free(line);
                }
                harness_row("manner %zu", i);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                struct truth truth = check_truth(&client, &mails);
                CHECK_INT(truth.accepted + truth.refused, 60);
                /* Of DATA and BDAT only one is said, and one message may be refused twice. */
                CHECK(truth.refused >= 10 && truth.refused <= 20);
                part(&client);
                drop(&mails);
        }
}

/* ---- Messages that cannot be sent ---- */

static void add_invalid(struct mails *mails)
{
        postel_envelope *envelope = envelope_to("e");

        add(mails, FROM, "a", BODY);
        add(mails, FROM, "not..valid", BODY);
        add(mails, FROM, "b", BODY);
        add_made(mails, envelope_to("c"), postel_message_from_path("/nonexistent/file"));
        add_made(mails, envelope_to("d"), postel_message_from_copy("a\0b", 3));
        postel_envelope_set_hold_for(envelope, 60); /* is not offered */
        add_made(mails, envelope, postel_message_from_copy(BODY, strlen(BODY)));
        add_made(mails, postel_envelope_new(FROM), postel_message_from_copy(BODY, strlen(BODY)));
        add(mails, FROM, "c", BODY);
}

static void an_invalid_message_has_its_own_result(void)
{
        static const char *const accounts[] = { "OK: ACCEPTED final 250 2.0.0 00000001", "none",
                "OK: ACCEPTED final 250 2.0.0 00000002", "IO: NOT_SENT none 0", "INVALID: NOT_SENT none 0",
                "UNSUPPORTED: NOT_SENT mail 0", "none", "OK: ACCEPTED final 250 2.0.0 00000003" };
        static const struct manner manners[] = { { 0 }, { NEVER }, { LOCKSTEP }, { .pool_size = 1 } };

        for (size_t i = 0; i < COUNT(manners); i++) {
                struct client client = meet_sink(NULL, manners[i]);
                struct mails mails = { 0 };
                harness_row("manner %zu", i);
                add_invalid(&mails);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                CHECK_INT(mails.error.status, POSTEL_PARTIAL);
                check_mails(&mails, accounts);
                CHECK_INT(postel_batch_status(mails.batch, 1), POSTEL_INVALID);
                CHECK(strstr(postel_batch_error(mails.batch, 1)->message, "not..valid") != NULL ||
                        strstr(postel_batch_error(mails.batch, 1)->message, "to") != NULL);
                CHECK_INT(postel_batch_status(mails.batch, 6), POSTEL_INVALID);
                CHECK_INT(sink_stats(client.sink, "connections"), 1);
                part(&client);
                drop(&mails);
        }
}

/* A callback that fails half-way ends its session, and nobody knows of the message. */
static void a_callback_that_fails(struct manner manner, bool others_arrive)
{
        static const char *const octets = BODY;
        struct parts parts = { &octets, 1, 0, 0, true };
        struct client client = meet_sink(NULL, manner);
        struct mails mails = many(5, "a");

        add_made(&mails, envelope_of("m5@x.example", "a"), message_of_parts(&parts));
        for (int i = 6; i < 10; i++)
                add(&mails, (const char[]){ 'm', (char)('0' + i), '@', 'x', '\0' }, "a", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        struct truth truth = check_truth(&client, &mails);
        CHECK_INT(postel_batch_status(mails.batch, 5), POSTEL_IO);
        CHECK_INT(truth.not_sent, others_arrive ? 1 : 5);
        CHECK_INT(truth.accepted, others_arrive ? 9 : 5);
        for (size_t i = 6; i < 10 && !others_arrive; i++)
                CHECK_INT(postel_result_recipient_outcome(postel_batch_result(mails.batch, i), 0),
                        POSTEL_OUTCOME_NOT_SENT);
        part(&client);
        drop(&mails);
}

static void a_callback_that_fails_ends_its_session_only(void)
{
        static const struct manner manners[] = { { 0 }, { NEVER }, { LOCKSTEP },
                { .chunking = POSTEL_CHUNKING_ALWAYS } };

        for (size_t i = 0; i < 2 * COUNT(manners); i++) {
                struct manner manner = manners[i / 2];
                harness_row("manner %zu, %s", i / 2, i % 2 ? "pool" : "connection");
                manner.pool_size = i % 2;
                a_callback_that_fails(manner, i % 2);
        }
}

/* A file that loses its end once its MAIL was written. */
static void shorten_file(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        (void)user_data;
        (void)session;
        (void)size;
        if (kind == POSTEL_TRACE_SENT && strncmp(text, "MAIL FROM:<m45@", 15) == 0)
                temporary_file("x\r\n", 3);
}

/* Behind many others that are on their way, of whom some were written and some were not. */
static void a_file_that_changes_harms_no_other(void)
{
        static const struct manner manners[] = { { 0 }, { NEVER }, { LOCKSTEP } };
        char body[1001] = "", from[32];

        for (size_t i = 0; i < 1000; i += 10)
                memcpy(body + i, "12345678\r\n", 10);
        for (size_t i = 0; i < 2 * COUNT(manners); i++) {
                struct manner manner = manners[i / 2];
                manner.pool_size = i % 2;
                manner.trace = shorten_file;
                struct client client = meet_sink(NULL, manner);
                struct mails mails = { 0 };
                harness_row("manner %zu, %s", i / 2, i % 2 ? "pool" : "connection");
                for (int at = 0; at < 60; at++) {
                        snprintf(from, sizeof(from), "m%d@x.example", at);
                        if (at == 45)
                                add_made(&mails, envelope_of(from, "a"),
                                        postel_message_from_path(temporary_file(body, 1000)));
                        else
                                add(&mails, from, "a", body);
                }
                send_all(&client, &mails);
                struct truth truth = check_truth(&client, &mails);
                CHECK_INT(truth.unknown, 0);
                /* Those in front are answered; over a pool those behind go elsewhere, but not this one. */
                CHECK(truth.accepted >= 45);
                CHECK_INT(truth.not_sent, i % 2 ? 1 : 60 - truth.accepted);
                for (size_t at = 0; at < 60; at++)
                        if (at < 45 || (i % 2 && at > 45))
                                CHECK_INT(postel_batch_status(mails.batch, at), POSTEL_OK);
                CHECK_INT(postel_result_recipient_outcome(postel_batch_result(mails.batch, 45), 0),
                        POSTEL_OUTCOME_NOT_SENT);
                CHECK_INT(postel_result_attempts(postel_batch_result(mails.batch, 45)), 1);
                part(&client);
                drop(&mails);
                remove_temporary_file();
        }
}

/* ---- Losses ---- */

static void check_loss(struct client *client, const struct manner *manner, size_t base, const char *fault)
{
        char *line = text_of("set fault %s", fault);
        bool lmtp = manner->protocol == POSTEL_PROTOCOL_LMTP;
        int port = (lmtp ? sink_lmtp_port : sink_smtp_port)(client->sink);

        sink_control(client->sink, "clear fault");
        sink_control(client->sink, line);
        free(line);
        client_open(client, config_for(port, *manner), manner->pool_size);
        struct mails mails = many_from(base, 4, "a");
        send_all(client, &mails);
        struct truth truth = check_truth(client, &mails);
        CHECK_INT(truth.accepted + truth.unknown + truth.not_sent, 4);
        /* A server that talks nonsense is not tried again with the message that it was about. */
        if (manner->pool_size)
                CHECK(truth.not_sent <= (strstr(fault, "garbage") != NULL));
        postel_connection_free(&client->connection);
        postel_pool_close(&client->pool, 0);
        drop(&mails);
}

/* Each occurrence of each command, by each kind of loss, in each way of sending. */
static void every_loss_has_a_true_account(void)
{
        static const char *const places[] = { "mail", "rcpt", "data", "bdat", "body", "final", "accepted",
                "rset" };
        static const char *const losses[] = { "close", "reset", "421", "garbage" };
        static const struct manner manners[] = { { 0 }, { NEVER }, { NEVER, LOCKSTEP }, { LMTP },
                { .pool_size = 1 }, { NEVER, .pool_size = 1 }, { NEVER, .pool_size = 2 },
                { LMTP, .pool_size = 1 } };

        for (size_t i = 0; i < COUNT(manners); i++) {
                struct client client = { .sink = sink_start(NULL) };
                for (size_t at = 0; at < COUNT(places) * 4 * COUNT(losses); at++) {
                        const char *place = places[at / (4 * COUNT(losses))];
                        char *fault = text_of(
                                "%s#%zu=%s", place, at / COUNT(losses) % 4 + 1, losses[at % COUNT(losses)]);
                        bool never = manners[i].chunking == POSTEL_CHUNKING_NEVER;
                        harness_row("manner %zu, %s", i, fault);
                        if (strcmp(place, never ? "bdat" : "data") != 0)
                                check_loss(&client, &manners[i], at * 4, fault);
                        free(fault);
                }
                part(&client);
        }
}

/* Who ends each session that it is sent on, goes by itself from the second time on. */
static void a_message_that_ends_sessions_harms_no_other(void)
{
        static const struct exchange first[] = { HELLO(PIPELINING), { HEAD("a"), OK OK GO },
                { BODY DOT "MAIL FROM:<k@x.example>\r\n" RCPT("k") DATA, QUEUED("Q1"), DIALOGUE_CLOSE } };
        static const struct exchange again[] = { HELLO(PIPELINING),
                { "MAIL FROM:<k@x.example>\r\n" RCPT("k") DATA, NULL, DIALOGUE_CLOSE } };
        static const struct exchange rest[] = { HELLO(PIPELINING), { HEAD("b"), OK OK GO },
                { BODY DOT, QUEUED("Q2") },
                { "MAIL FROM:<k@x.example>\r\n" RCPT("k") DATA, NULL, DIALOGUE_CLOSE } };
        static const struct exchange last[] = { HELLO(PIPELINING), { HEAD("c"), OK OK GO },
                { BODY DOT, QUEUED("Q3") } };
        static const struct script scripts[] = { SCRIPT(first), SCRIPT(again), SCRIPT(rest), SCRIPT(last) };
        struct client client = meet_scripts(scripts, COUNT(scripts), (struct manner){ .pool_size = 1 });
        struct mails mails = { 0 };

        add(&mails, FROM, "a", BODY);
        add(&mails, "k@x.example", "k", BODY);
        add(&mails, FROM, "b", BODY);
        add(&mails, FROM, "c", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        check_mail(&mails, 0, "OK: ACCEPTED final 250 Q1");
        check_mail(&mails, 1, "IO: NOT_SENT mail 0");
        check_mail(&mails, 2, "OK: ACCEPTED final 250 Q2");
        check_mail(&mails, 3, "OK: ACCEPTED final 250 Q3");
        CHECK_INT(postel_result_attempts(postel_batch_result(mails.batch, 1)), 3);
        part(&client);
        drop(&mails);
}

/* What was beside a loss is on its way alone, though many could be. */
static void what_was_lost_goes_alone(void)
{
        static const struct exchange first[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("k"), NULL, DIALOGUE_CLOSE } };
        static const struct exchange third[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("b"), OK OK },
                { BDAT, QUEUED("Q2") }, { CHUNK("d"), OK OK QUEUED("Q4") },
                { MAIL RCPT("k"), NULL, DIALOGUE_CLOSE } };
        static const struct exchange fourth[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("c"), OK OK },
                { BDAT, QUEUED("Q3") } };
        static const struct script scripts[] = { SCRIPT(first), SCRIPT(first), SCRIPT(third),
                SCRIPT(fourth) };
        struct client client = meet_scripts(scripts, COUNT(scripts), (struct manner){ .pool_size = 1 });
        struct mails mails = { 0 };

        add(&mails, FROM, "k", BODY);
        postel_envelope_set_all_or_none(mails.envelopes[0], 1); /* its content waits */
        add(&mails, FROM, "b", BODY);
        add(&mails, FROM, "c", BODY);
        add(&mails, FROM, "d", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        check_mail(&mails, 0, "IO: NOT_SENT mail 0");
        check_mail(&mails, 1, "OK: ACCEPTED final 250 Q2");
        check_mail(&mails, 2, "OK: ACCEPTED final 250 Q3");
        check_mail(&mails, 3, "OK: ACCEPTED final 250 Q4");
        part(&client);
        drop(&mails);
}

static void killers_among_many_harm_no_other(void)
{
        static const char *const rules[][2] = { { "--refuse-mail", "killer*=421 4.3.2 bye" },
                { "--refuse-rcpt", "killer*=421 4.3.2 bye" }, { "--final", "killer*=421 4.3.2 bye" } };

        for (size_t i = 0; i < COUNT(rules); i++) {
                struct client client = meet_sink(
                        OPTIONS(rules[i][0], rules[i][1]), (struct manner){ .pool_size = 4, NEVER });
                struct mails mails = { 0 };
                char from[32];
                harness_row("%s", rules[i][0]);
                for (int at = 0; at < 200; at++) {
                        bool killer = at % 40 == 20;
                        snprintf(from, sizeof(from), killer ? "killer%d@x.example" : "m%d@x.example", at);
                        add(&mails, from, killer ? "killer" : "a", BODY);
                }
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                unsigned *times = tally(&client, 0, 200);
                for (size_t at = 0; at < 200; at++) {
                        bool killer = at % 40 == 20;
                        CHECK_INT(times[at], !killer);
                        CHECK(killer == (postel_batch_status(mails.batch, at) != POSTEL_OK));
                }
                free(times);
                part(&client);
                drop(&mails);
        }
}

/*
 * Replies come in order: whole messages that were on their way behind a 421 were not taken, and are sent
 * elsewhere. The one that it was about ends three sessions more: one that had done something has lost
 * nothing.
 */
static void a_killer_among_chunks_leaves_true_accounts(void)
{
#define KILLED(warming)                                                                                     \
        HELLO(PIPELINING CHUNKING), warming                                                                 \
        {                                                                                                   \
                CHUNK("a")                                                                                  \
                RSET CHUNK("k") RSET CHUNK("c") RSET CHUNK("d"), OK OK QUEUED("Q1") OK "421 4.3.2 bye\r\n", \
                        DIALOGUE_CLOSE                                                                      \
        }
#define WARMING WARM,
        static const struct exchange first[] = { KILLED(WARMING) };
        static const struct exchange second[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("k"), "421 4.3.2 bye\r\n", DIALOGUE_CLOSE } };
        static const struct exchange third[] = { HELLO(PIPELINING CHUNKING), { MAIL RCPT("c"), OK OK },
                { BDAT, QUEUED("Q3") }, { CHUNK("d"), OK OK QUEUED("Q4") },
                { CHUNK("k"), "421 4.3.2 bye\r\n", DIALOGUE_CLOSE } };
        static const struct exchange fourth[] = { HELLO(PIPELINING CHUNKING),
                { MAIL RCPT("k"), "421 4.3.2 bye\r\n", DIALOGUE_CLOSE } };
        static const struct script scripts[] = { SCRIPT(first), SCRIPT(second), SCRIPT(third), SCRIPT(fourth),
                SCRIPT(fourth) };
        static const char *const elsewhere[] = { "OK: ACCEPTED final 250 Q1", "DEFERRED: NOT_SENT mail 421",
                "OK: ACCEPTED final 250 Q3", "OK: ACCEPTED final 250 Q4" };
        static const char *const nowhere[] = { "OK: ACCEPTED final 250 Q1", "DEFERRED: NOT_SENT mail 421",
                "DEFERRED: NOT_SENT mail 421", "DEFERRED: NOT_SENT mail 421" };

        for (int pool_size = 0; pool_size < 2; pool_size++) {
                struct client client = meet_scripts(
                        scripts, pool_size ? COUNT(scripts) : 1, (struct manner){ .pool_size = pool_size });
                struct mails mails = { 0 };
                harness_row("%s", pool_size ? "pool" : "connection");
                warm(&client);
                for (const char *name = "akcd"; *name; name++)
                        add(&mails, FROM, (const char[]){ *name, '\0' }, BODY);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                check_mails(&mails, pool_size ? elsewhere : nowhere);
                part(&client);
                drop(&mails);
        }
}

/* The same with as many as may be on their way at once: the server has each once, and each is known. */
static void a_421_among_many_chunks_harms_nobody(void)
{
        static const char *const faults[] = { "mail#22=421 4.3.2 bye", "rcpt#22=421 4.3.2 bye" };

        for (size_t i = 0; i < COUNT(faults); i++) {
                struct client client =
                        meet_sink(OPTIONS("--fault", faults[i]), (struct manner){ .pool_size = 1 });
                struct mails first = many(1, "a"), mails = many_from(1, 100, "a");
                harness_row("%s", faults[i]);
                CHECK_INT(send_all(&client, &first), POSTEL_OK);
                CHECK_INT(send_all(&client, &mails), POSTEL_OK);
                CHECK_INT(check_truth(&client, &mails).accepted, 100);
                CHECK_INT(sink_stats(client.sink, "connections"), 2);
                part(&client);
                drop(&first);
                drop(&mails);
        }
}

/* What a server takes that goes on behind its 421 nobody knows: nothing of it is sent again. */
static void a_421_of_a_server_that_goes_on_doubles_nothing(void)
{
        struct client client =
                meet_sink(OPTIONS("--refuse-mail", "m20@*=421 4.3.2 bye"), (struct manner){ .pool_size = 1 });
        struct mails first = many(1, "a"), mails = many_from(1, 100, "a");

        CHECK_INT(send_all(&client, &first), POSTEL_OK);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        struct truth truth = check_truth(&client, &mails);
        CHECK(truth.unknown > 0);
        CHECK_INT(truth.accepted + truth.unknown + truth.not_sent, 100);
        part(&client);
        drop(&first);
        drop(&mails);
}

/* A server that takes so many messages in a session and says 421 to the next has lost nothing by that. */
static void a_server_that_wants_new_sessions_gets_them(void)
{
        static const char *const most[] = { "2", "10" };

        for (size_t i = 0; i < COUNT(most); i++) {
                struct client client = meet_sink(
                        OPTIONS("--max-messages", most[i]), (struct manner){ .pool_size = 2, NEVER });
                struct mails mails = many(60, "a");
                harness_row("%s", most[i]);
                CHECK_INT(send_all(&client, &mails), POSTEL_OK);
                CHECK_INT(check_truth(&client, &mails).accepted, 60);
                CHECK(statistic(&client, POSTEL_STATISTIC_RETRIES) > 0);
                CHECK_INT(statistic(&client, POSTEL_STATISTIC_MESSAGES), 60);
                part(&client);
                drop(&mails);
        }
}

/* No server is bothered with what may not be sent, and what was sent is not begun again. */
static void opens_no_session_for_nothing(void)
{
        struct client client = meet_sink(NULL, (struct manner){ .pool_size = 2 });
        struct mails mails = { 0 };

        add(&mails, "no address", "a", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_INVALID);
        CHECK_INT(sink_stats(client.sink, "connections"), 0);
        add(&mails, "m0@x.example", "a", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        CHECK_INT(sink_stats(client.sink, "messages"), 1);
        CHECK_INT(sink_stats(client.sink, "connections"), 1);
        part(&client);
        drop(&mails);
}

/*
 * A server that loses what it reads together with content: over a pool the commands go elsewhere when their
 * time is over, what they are for is sent, and nothing rides behind content there again.
 */
static void followers_that_are_lost_go_elsewhere(void)
{
        static const struct exchange loses[] = { HELLO(PIPELINING), { HEAD("a"), OK OK GO },
                { BODY DOT HEAD("b"), QUEUED("Q1"), DIALOGUE_AWAIT_CLOSE } };
        static const struct exchange serves[] = { HELLO(PIPELINING), { HEAD("b"), OK OK GO },
                { BODY DOT, QUEUED("Q2") }, { HEAD("d"), OK OK GO }, { BODY DOT, QUEUED("Q4") },
                { HEAD("c"), OK OK GO }, { BODY DOT, QUEUED("Q3") }, { HEAD("a"), OK OK GO },
                { BODY DOT, QUEUED("Q5") }, { HEAD("b"), OK OK GO }, { BODY DOT, QUEUED("Q6") } };
        static const struct script scripts[] = { SCRIPT(loses), SCRIPT(serves) };
        static const char *const accounts[] = { "OK: ACCEPTED final 250 Q1", "OK: ACCEPTED final 250 Q2",
                "OK: ACCEPTED final 250 Q3", "OK: ACCEPTED final 250 Q4" };
        static const char *const later[] = { "OK: ACCEPTED final 250 Q5", "OK: ACCEPTED final 250 Q6" };
        struct client client =
                meet_scripts(scripts, COUNT(scripts), (struct manner){ .pool_size = 1, .phase_ms = 200 });
        struct mails mails = letters(4), more = letters(2);

        CHECK_INT(send_all(&client, &mails), POSTEL_OK);
        check_mails(&mails, accounts);
        CHECK_INT(postel_result_attempts(postel_batch_result(mails.batch, 1)), 2);
        CHECK_INT(send_all(&client, &more), POSTEL_OK);
        check_mails(&more, later);
        part(&client);
        drop(&mails);
        drop(&more);
}

/* Which random fault is next: always the same ones. */
static unsigned next_random(unsigned *state)
{
        *state = *state * 1103515245u + 12345u;
        return *state >> 16 & 0x7fff;
}

static void set_random_faults(const struct client *client, unsigned seed, size_t count, unsigned range)
{
        static const char *const places[] = { "mail", "rcpt", "data", "bdat", "body", "final", "accepted",
                "rset", "greeting", "ehlo" };
        static const char *const kinds[] = { "close", "reset", "421", "451 4.3.0 later", "550 5.7.1 no",
                "reset" };

        for (size_t i = 0; i < count; i++) {
                const char *place = places[next_random(&seed) % COUNT(places)];
                bool no_reply = strcmp(place, "rset") == 0 || strcmp(place, "accepted") == 0;
                /* Who is refused for good as he comes in does not try again. */
                bool opens = strcmp(place, "greeting") == 0 || strcmp(place, "ehlo") == 0;
                const char *kind = kinds[next_random(&seed) % (no_reply ? 3 : opens ? 4 : COUNT(kinds))];
                /* There are far fewer sessions than messages. */
                char *line = text_of(
                        "set fault %s#%u=%s", place, 5 + next_random(&seed) % (opens ? 40 : range), kind);
                sink_control(client->sink, line);
                free(line);
        }
}

static void thousands_agree_with_the_ledger(void)
{
        static const struct manner manners[] = { { .pool_size = 4 }, { .pool_size = 4, NEVER },
                { .pool_size = 4, LMTP } };

        for (size_t i = 0; i < COUNT(manners); i++) {
                size_t count = i == 0 ? 5000 : 1500;
                struct client client = meet_sink(OPTIONS("--threads", "2"), manners[i]);
                struct mails mails = many(count, "a");
                harness_row("manner %zu", i);
                set_random_faults(&client, (unsigned)(7 + i), 80, (unsigned)count);
                send_all(&client, &mails);
                struct truth truth = check_truth(&client, &mails);
                CHECK_INT(truth.accepted + truth.unknown + truth.not_sent + truth.refused, count);
                /* Each fault costs some, and only where it says so. */
                CHECK(truth.refused <= 80);
                CHECK(truth.not_sent <= 80);
                CHECK(truth.accepted > count / 4);
                CHECK_INT(statistic(&client, POSTEL_STATISTIC_LEASED), 0);
                CHECK(statistic(&client, POSTEL_STATISTIC_PEAK_SESSIONS) <= 4);
                part(&client);
                drop(&mails);
        }
}

/* ---- Chunks that are refused ---- */

static void refused_chunks_in_a_batch(void)
{
        static const char *const faults[] = { "bdat=502 5.5.1 no", "bdat#1=502 5.5.1 no", "bdat#3=500 what",
                "rcpt#2=550 5.1.1 no", "mail#2=550 5.7.1 no", "bdat#2=554 5.6.0 no", "mail#4=451 4.3.0 no" };

        for (size_t i = 0; i < 4 * COUNT(faults); i++) {
                const char *fault = faults[i / 4];
                bool refuses = !strstr(fault, "=50"), keeps = i % 2;
                struct client client = meet_sink(OPTIONS("--fault", fault, "--hostname", "sink.example.test",
                                                         keeps ? "--bdat-keeps-refused-chunk" : NULL),
                        (struct manner){ .pool_size = i / 2 % 2 });
                struct mails mails = many(8, "a");
                harness_row(
                        "%s, %s, %s", fault, keeps ? "kept" : "dropped", i / 2 % 2 ? "pool" : "connection");
                CHECK_INT(send_all(&client, &mails), refuses ? POSTEL_PARTIAL : POSTEL_OK);
                struct truth truth = check_truth(&client, &mails);
                CHECK_INT(truth.accepted, 8 - refuses);
                CHECK_INT(truth.refused, refuses);
                CHECK_INT(sink_stats(client.sink, "connections"), 1);
                part(&client);
                drop(&mails);
        }
}

/* ---- Limits ---- */

static void respects_limits(void)
{
        struct client client =
                meet_sink(OPTIONS("--limits", "MAILMAX=10 RCPTMAX=2"), (struct manner){ .pool_size = 2 });
        struct mails mails = many(30, "a b c");

        CHECK_INT(send_all(&client, &mails), POSTEL_OK);
        struct ledger *ledger = sink_ledger(client.sink);
        CHECK_INT(ledger->count, 60);
        for (size_t i = 0; i < 30; i++) {
                char from[32];
                snprintf(from, sizeof(from), "m%zu@x.example", i);
                CHECK_INT(times_accepted(ledger, from, "a@x.example"), 1);
                CHECK_INT(times_accepted(ledger, from, "b@x.example"), 1);
                CHECK_INT(times_accepted(ledger, from, "c@x.example"), 1);
                CHECK_INT(count_outcome(postel_batch_result(mails.batch, i), POSTEL_OUTCOME_ACCEPTED), 3);
        }
        ledger_free(&ledger);
        CHECK_INT(statistic(&client, POSTEL_STATISTIC_SESSIONS_LOST), 0);
        CHECK(statistic(&client, POSTEL_STATISTIC_SESSIONS_OPENED) <= 8);
        part(&client);
        drop(&mails);

        client = meet_sink(OPTIONS("--limits", "MAILMAX=10"), (struct manner){ 0 });
        mails = many(15, "a");
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        struct truth truth = check_truth(&client, &mails);
        CHECK_INT(truth.accepted, 10);
        CHECK_INT(truth.not_sent, 5);
        check_mail(&mails, 12, "CLOSED: NOT_SENT mail 0");
        CHECK_INT(sink_stats(client.sink, "messages"), 10);
        part(&client);
        drop(&mails);
}

static void mixes_lmtp(void)
{
        struct client client = meet_sink(OPTIONS("--refuse-rcpt", "b@*=550 5.1.1 no", "--final-rcpt",
                                                 "c@*=452 4.2.2 full", "--final", "m3@*=550 5.7.1 no"),
                (struct manner){ LMTP, .pool_size = 1 });
        struct mails first = many(1, "a"), mails = many_from(1, 40, "a b c a");

        CHECK_INT(send_all(&client, &first), POSTEL_OK);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        for (size_t i = 0; i < 40; i++) {
                char *account =
                        text_of(i == 2 ? "DEFERRED: REJECTED final 550 5.7.1, REJECTED rcpt 550 5.1.1, "
                                         "DEFERRED final 452 4.2.2, REJECTED final 550 5.7.1"
                                       : "PARTIAL: ACCEPTED final 250 2.0.0 %08zX, REJECTED rcpt 550 "
                                         "5.1.1, DEFERRED final 452 4.2.2, ACCEPTED final 250 2.0.0 %08zX",
                                i + 1 + (i < 2), i + 1 + (i < 2));
                check_mail(&mails, i, account);
                free(account);
        }
        /* How many final replies there are is the server's opinion, too: nothing is written behind them. */
        CHECK(statistic(&client, POSTEL_STATISTIC_ROUND_TRIPS) <= 2 + 40);
        part(&client);
        drop(&first);
        drop(&mails);
}

/* A server that gives one reply where it owes two must not have the next message's taken for the second. */
static void lmtp_waits_for_every_final_reply(void)
{
        static const struct exchange script[] = { LHELLO(PIPELINING),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO }, { BODY DOT, OK OK },
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO },
                { BODY DOT, "451 nobody\r\n", DIALOGUE_AWAIT_CLOSE } };
        struct client client = MEET(script, LMTP, .phase_ms = 200);
        struct mails mails = { 0 };

        for (int i = 0; i < 3; i++)
                add(&mails, FROM, "a b", BODY);
        CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
        check_mail(&mails, 0, "OK: ACCEPTED final 250, ACCEPTED final 250");
        check_mail(&mails, 1, "UNKNOWN: DEFERRED final 451, UNKNOWN final 0");
        check_mail(&mails, 2, "TIMEOUT: NOT_SENT final 0, NOT_SENT final 0");
        part(&client);
        drop(&mails);
}

/* ---- The done function ---- */

struct told {
        size_t order[300];
        size_t count, wrong;
};

static void note(void *user_data, postel_batch *batch, size_t message)
{
        struct told *told = user_data;
        const postel_result *result = postel_batch_result(batch, message);

        told->wrong += !result || postel_result_recipient_count(result) != 1;
        told->wrong += postel_batch_status(batch, message) != postel_result_status(result);
        told->wrong += postel_batch_error(batch, message)->status != postel_batch_status(batch, message);
        if (told->count < COUNT(told->order))
                told->order[told->count] = message;
        told->count++;
}

static void tells_when_each_is_done(void)
{
        static const struct manner manners[] = { { 0 }, { NEVER }, { .pool_size = 4 } };

        for (size_t i = 0; i < COUNT(manners); i++) {
                struct client client = meet_sink(OPTIONS("--fault", "mail#7=550 5.7.1 no"), manners[i]);
                struct mails mails = many(300, "a");
                struct told told = { .count = 0 };
                unsigned char seen[300] = { 0 };
                size_t misplaced = 0, twice = 0;
                harness_row("manner %zu", i);
                postel_batch_set_done(mails.batch, note, &told);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                CHECK_INT(told.count, 300);
                CHECK_INT(told.wrong, 0);
                for (size_t at = 0; at < 300; at++) {
                        misplaced += told.order[at] != at;
                        twice += seen[told.order[at]]++ != 0;
                }
                CHECK_INT(twice, 0);
                CHECK(manners[i].pool_size || !misplaced);
                part(&client);
                drop(&mails);
        }
}

/* ---- Time, and others ---- */

struct task {
        pthread_t thread;
        struct client *client;
        struct mails *mails;
        postel_pool *pool;
};

static void *send_main(void *data)
{
        struct task *task = data;
        struct client client = *task->client;

        client.pool = task->pool;
        send_all(&client, task->mails);
        return NULL;
}

static void start(struct task *task, struct client *client, struct mails *mails)
{
        *task = (struct task){ .client = client, .mails = mails, .pool = client->pool };
        REQUIRE(pthread_create(&task->thread, NULL, send_main, task) == 0);
}

static const struct exchange holds[] = { HELLO(PIPELINING), { HEAD("a"), OK OK GO },
        { BODY DOT HEAD("b"), QUEUED("Q1") OK OK GO }, { BODY DOT HEAD("c"), NULL, DIALOGUE_HOLD } };

static void leaves_the_rest_at_the_deadline(void)
{
        for (int pool_size = 0; pool_size < 2; pool_size++) {
                struct client client = MEET(holds, .pool_size = pool_size);
                struct mails mails = letters(4);
                CHECK_INT(send_within(&client, &mails, 300), POSTEL_PARTIAL);
                check_mail(&mails, 0, "OK: ACCEPTED final 250 Q1");
                check_mail(&mails, 1, "UNKNOWN: UNKNOWN final 0");
                CHECK_INT(postel_batch_status(mails.batch, 2), POSTEL_TIMEOUT);
                CHECK_INT(postel_batch_status(mails.batch, 3), POSTEL_TIMEOUT);
                CHECK_INT(count_outcome(postel_batch_result(mails.batch, 2), POSTEL_OUTCOME_NOT_SENT), 1);
                CHECK_INT(count_outcome(postel_batch_result(mails.batch, 3), POSTEL_OUTCOME_NOT_SENT), 1);
                part(&client);
                drop(&mails);
        }
}

static void an_interrupt_leaves_the_rest(void)
{
        struct client client = MEET(holds, 0);
        struct mails mails = letters(4);
        struct task task;

        start(&task, &client, &mails);
        CHECK(dialogue_await_hold(client.dialogue));
        postel_connection_interrupt(client.connection);
        pthread_join(task.thread, NULL);
        check_mail(&mails, 0, "OK: ACCEPTED final 250 Q1");
        check_mail(&mails, 1, "UNKNOWN: UNKNOWN final 0");
        CHECK_INT(postel_batch_status(mails.batch, 2), POSTEL_INTERRUPTED);
        CHECK_INT(postel_batch_status(mails.batch, 3), POSTEL_INTERRUPTED);
        CHECK_INT(count_outcome(postel_batch_result(mails.batch, 3), POSTEL_OUTCOME_NOT_SENT), 1);
        part(&client);
        drop(&mails);
}

static void closing_the_pool_leaves_the_rest(void)
{
        struct client client = MEET(holds, .pool_size = 1);
        struct mails mails = letters(4);
        struct task task;

        start(&task, &client, &mails);
        CHECK(dialogue_await_hold(client.dialogue));
        postel_pool_close(&client.pool, 0);
        pthread_join(task.thread, NULL);
        check_mail(&mails, 0, "OK: ACCEPTED final 250 Q1");
        check_mail(&mails, 1, "UNKNOWN: UNKNOWN final 0");
        for (size_t i = 2; i < 4; i++) {
                postel_status status = postel_batch_status(mails.batch, i);
                CHECK(status == POSTEL_INTERRUPTED || status == POSTEL_CLOSED);
                CHECK_INT(count_outcome(postel_batch_result(mails.batch, i), POSTEL_OUTCOME_NOT_SENT), 1);
        }
        part(&client);
        drop(&mails);
}

static void sends_nothing_twice(void)
{
        for (int pool_size = 0; pool_size < 2; pool_size++) {
                struct client client = meet_sink(
                        OPTIONS("--fault", "mail#3=550 5.7.1 no"), (struct manner){ .pool_size = pool_size });
                struct mails mails = many(10, "a");
                struct told told = { .count = 0 };
                postel_batch_set_done(mails.batch, note, &told);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                CHECK_INT(sink_stats(client.sink, "messages"), 9);
                CHECK_INT(told.count, 10);
                add(&mails, "m10@x.example", "a", BODY);
                CHECK_INT(postel_batch_status(mails.batch, 10), POSTEL_CLOSED);
                CHECK_INT(send_all(&client, &mails), POSTEL_PARTIAL);
                CHECK_INT(check_truth(&client, &mails).accepted, 10);
                CHECK_INT(told.count, 11);
                part(&client);
                drop(&mails);
        }
}

static void an_empty_batch_is_sent(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING), { "NOOP\r\n", OK } };
        struct client client = MEET(script, 0);
        struct mails mails = { .batch = postel_batch_new() };

        CHECK_INT(send_all(&client, &mails), POSTEL_OK);
        CHECK_INT(send_within(&client, &mails, -2), POSTEL_INVALID);
        CHECK_INT(postel_connection_send_batch(client.connection, NULL, -1, NULL), POSTEL_INVALID);
        CHECK_INT(postel_connection_send_batch(NULL, mails.batch, -1, NULL), POSTEL_INVALID);
        CHECK_INT(postel_batch_status(mails.batch, 0), POSTEL_INVALID);
        CHECK(postel_batch_result(mails.batch, 0) == NULL && postel_batch_error(mails.batch, 0) == NULL);
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        part(&client);
        drop(&mails);
}

static void a_server_that_is_not_there_gets_nothing(void)
{
        struct client client = meet_sink(NULL, (struct manner){ .pool_size = 2 });
        struct mails mails = many(30, "a");

        sink_control(client.sink, "set fault connect=close");
        CHECK(send_all(&client, &mails) != POSTEL_OK);
        CHECK_INT(check_truth(&client, &mails).not_sent, 30);
        part(&client);
        drop(&mails);
}

static const struct test tests[] = {
        { "takes so many round trips", takes_so_many_round_trips },
        { "sends messages in one flight", sends_messages_in_one_flight },
        { "rides behind content", rides_behind_content },
        { "a refusal takes no other along", a_refusal_takes_no_other_along },
        { "refusals in the midst", refusals_in_the_midst },
        { "an invalid message has its own result", an_invalid_message_has_its_own_result },
        { "a callback that fails ends its session only", a_callback_that_fails_ends_its_session_only },
        { "a file that changes harms no other", a_file_that_changes_harms_no_other },
        { "every loss has a true account", every_loss_has_a_true_account },
        { "a message that ends sessions harms no other", a_message_that_ends_sessions_harms_no_other },
        { "what was lost goes alone", what_was_lost_goes_alone },
        { "killers among many harm no other", killers_among_many_harm_no_other },
        { "a killer among chunks leaves true accounts", a_killer_among_chunks_leaves_true_accounts },
        { "a 421 among many chunks harms nobody", a_421_among_many_chunks_harms_nobody },
        { "a 421 of a server that goes on doubles nothing", a_421_of_a_server_that_goes_on_doubles_nothing },
        { "a server that wants new sessions gets them", a_server_that_wants_new_sessions_gets_them },
        { "opens no session for nothing", opens_no_session_for_nothing },
        { "LMTP waits for every final reply", lmtp_waits_for_every_final_reply },
        { "followers that are lost go elsewhere", followers_that_are_lost_go_elsewhere },
        { "thousands agree with the ledger", thousands_agree_with_the_ledger },
        { "refused chunks in a batch", refused_chunks_in_a_batch },
        { "respects limits", respects_limits },
        { "mixes LMTP", mixes_lmtp },
        { "tells when each is done", tells_when_each_is_done },
        { "leaves the rest at the deadline", leaves_the_rest_at_the_deadline },
        { "an interrupt leaves the rest", an_interrupt_leaves_the_rest },
        { "closing the pool leaves the rest", closing_the_pool_leaves_the_rest },
        { "sends nothing twice", sends_nothing_twice },
        { "an empty batch is sent", an_empty_batch_is_sent },
        { "a server that is not there gets nothing", a_server_that_is_not_there_gets_nothing },
};

int main(void)
{
        return harness_run("batch", tests, COUNT(tests));
}
