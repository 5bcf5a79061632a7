/* SPDX-License-Identifier: MIT */
/*
 * Servers that take only so much, through the public interface: LIMITS (RFC 9422), "too many recipients" (RFC
 * 5321 section 4.5.3.1.10), SIZE (RFC 1870), and messages that are for all or for nobody. However many
 * transactions a message takes, it has one result in the order of its envelope.
 */

#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMITS(text) "250-LIMITS " text "\r\n"
#define NEVER        .chunking = POSTEL_CHUNKING_NEVER
#define LMTP         .protocol = POSTEL_PROTOCOL_LMTP

/* "r0 r1 …", to be freed; every third is of another domain when `mixed`. */
static char *crowd(size_t count, bool mixed)
{
        char *names = malloc(count * 32 + 1), *end = names;

        REQUIRE(names != NULL);
        for (size_t i = 0; i < count; i++)
                end += sprintf(end, "%sr%zu%s", i ? " " : "", i,
                        mixed ? (const char *[]){ "@x.example", "@y.example", "@Z.example" }[i % 3] : "");
        return names;
}

/* Everybody was accepted once, and the queue id is that of the transaction in which it was. */
static void check_all_once(const struct client *client, size_t count, size_t transactions)
{
        struct ledger *ledger = sink_ledger(client->sink);
        size_t wrong = 0;

        CHECK_INT(client->status, POSTEL_OK);
        CHECK_INT(postel_result_recipient_count(client->result), count);
        CHECK_INT(postel_result_transactions(client->result), transactions);
        CHECK_INT(ledger->count, transactions);
        for (size_t i = 0; i < count; i++) {
                const char *address = postel_result_recipient_address(client->result, i);
                const char *queue_id = postel_result_recipient_queue_id(client->result, i);
                unsigned long entry = strtoul(queue_id, NULL, 16);
                char number[40];
                snprintf(number, sizeof(number), "r%zu@", i);
                wrong += strncmp(address, number, strlen(number)) != 0;
                wrong += times_accepted(ledger, NULL, address) != 1;
                if (!CHECK(entry >= 1 && entry <= ledger->count))
                        break;
                struct ledger only = { &ledger->entries[entry - 1], 1 };
                wrong += times_accepted(&only, NULL, address) != 1;
        }
        CHECK_INT(wrong, 0);
        ledger_free(&ledger);
}

/* ---- LIMITS ---- */

static void splits_by_announced_limits(void)
{
        static const struct {
                const char *limits;
                bool mixed;
                size_t recipients, transactions;
        } rows[] = {
                { "RCPTMAX=100", false, 250, 3 },
                { "RCPTMAX=100", true, 200, 2 },
                { "RCPTMAX=1", false, 7, 7 },
                { "RCPTMAX=100", false, 100, 1 },
                { "RCPTDOMAINMAX=1", true, 250, 3 },
                { "RCPTDOMAINMAX=2", true, 250, 2 },
                { "RCPTDOMAINMAX=1 RCPTMAX=50", true, 250, 6 },
                { "RCPTMAX=100 RCPTDOMAINMAX=3", true, 250, 3 },
                { "MAILMAX=9 RCPTMAX=100", false, 250, 3 },
        };
        static const struct manner manners[] = { { 0 }, { NEVER }, { .pool_size = 2 },
                { NEVER, .pipelining = POSTEL_PIPELINING_NEVER }, { LMTP }, { LMTP, NEVER } };

        for (size_t i = 0; i < COUNT(rows) * COUNT(manners); i++) {
                size_t row = i / COUNT(manners), manner = i % COUNT(manners);
                char *names = crowd(rows[row].recipients, rows[row].mixed);
                struct client client = meet_sink(OPTIONS("--limits", rows[row].limits), manners[manner]);
                harness_row("%s, manner %zu", rows[row].limits, manner);
                send_text(&client, names, BODY);
                check_all_once(&client, rows[row].recipients, rows[row].transactions);
                CHECK_INT(sink_stats(client.sink, "recipients_refused"), 0);
                CHECK_INT(sink_stats(client.sink, "connections"), 1);
                part(&client);
                free(names);
        }
}

/* The dialogue of it: the next transaction begins when the one before is over. */
static void splits_one_behind_the_other(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING CHUNKING LIMITS("RCPTMAX=2")),
                WARM,
                { MAIL RCPT("a") RCPT("b") BDAT, OK OK "550 b\r\n"
                                                       "250 2.0.0 Ok: queued as Q1\r\n" },
                { MAIL RCPT("c") RCPT("d") BDAT, OK "450 c\r\n550 d\r\n503 nobody\r\n" },
                { RSET MAIL RCPT("e") BDAT, OK OK OK "250 2.0.0 Ok: queued as Q3\r\n" },
                { MAIL RCPT("a") BDAT, OK OK OK },
        };
        struct client client = MEET(script, 0);

        warm(&client);
        send_text(&client, "a b c d e", BODY);
        CHECK_ACCOUNT(&client,
                "PARTIAL: ACCEPTED final 250 Q1, REJECTED rcpt 550, DEFERRED rcpt 450, REJECTED rcpt 550, "
                "ACCEPTED final 250 Q3");
        CHECK_STR(postel_result_queue_id(client.result), "Q1");
        CHECK_INT(postel_result_transactions(client.result), 3);
        send_text(&client, "a", BODY);
        CHECK_ACCOUNT(&client, "OK: ACCEPTED final 250");
        part(&client);
}

/* One transaction refused, another lost: everybody has the outcome of his own. */
static void keeps_outcomes_of_each_transaction(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING LIMITS("RCPTMAX=1")),
                { MAIL RCPT("a") DATA, OK OK GO },
                { BODY DOT, "554 spam\r\n" },
                { RSET MAIL RCPT("b") DATA, OK OK OK GO },
                { BODY DOT, "250 2.0.0 Ok: queued as Q2\r\n" },
                { MAIL RCPT("c") DATA, OK OK "451 later\r\n" },
                { RSET MAIL RCPT("d") DATA, OK OK OK GO },
                { BODY DOT, NULL, DIALOGUE_CLOSE },
        };
        struct client client = MEET(script, 0);

        send_text(&client, "a b c d e", BODY);
        CHECK_ACCOUNT(&client,
                "PARTIAL: REJECTED final 554, ACCEPTED final 250 Q2, DEFERRED data 451, UNKNOWN final 0, "
                "NOT_SENT final 0");
        part(&client);
}

static void refuses_to_split_what_can_be_read_once(void)
{
        static const struct exchange script[] = { HELLO(PIPELINING LIMITS("RCPTMAX=2")),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK OK GO }, { BODY DOT, OK } };
        static const char *const octets = BODY;
        struct parts parts = { &octets, 1, 0, 0, false };
        postel_message *message = message_of_parts(&parts);
        struct client client = MEET(script, 0);

        send_message(&client, "a b c", message);
        CHECK_ACCOUNT(&client, "UNSUPPORTED: NOT_SENT mail 0, NOT_SENT mail 0, NOT_SENT mail 0");
        CHECK_INT(postel_result_transactions(client.result), 0);
        CHECK_INT(send_message(&client, "a b", message), POSTEL_OK);
        postel_message_free(&message);
        part(&client);
}

/* ---- MAILMAX ---- */

static void retires_sessions_before_they_are_refused(void)
{
        struct client client = meet_sink(OPTIONS("--limits", "MAILMAX=3"), (struct manner){ .pool_size = 1 });

        for (int i = 0; i < 10; i++)
                CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        CHECK_INT(sink_stats(client.sink, "connections"), 4);
        CHECK_INT(sink_stats(client.sink, "messages"), 10);
        CHECK_INT(statistic(&client, POSTEL_STATISTIC_SESSIONS_RETIRED), 3);
        CHECK_INT(statistic(&client, POSTEL_STATISTIC_SESSIONS_LOST), 0);
        CHECK_INT(statistic(&client, POSTEL_STATISTIC_RETRIES), 0);
        part(&client);
}

static void goes_on_with_a_split_on_another_session(void)
{
        char *names = crowd(250, false);
        struct client client =
                meet_sink(OPTIONS("--limits", "MAILMAX=2 RCPTMAX=30"), (struct manner){ .pool_size = 1 });

        send_text(&client, names, BODY);
        check_all_once(&client, 250, 9);
        CHECK_INT(sink_stats(client.sink, "connections"), 5);
        CHECK_INT(postel_result_attempts(client.result), 5);
        CHECK_INT(sink_stats(client.sink, "peak_connections"), 1);
        part(&client);
        free(names);
}

static void leaves_the_rest_on_a_lone_connection(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING LIMITS("MAILMAX=2 RCPTMAX=1")),
                { MAIL RCPT("a") DATA, OK OK GO },
                { BODY DOT, OK },
                { MAIL RCPT("b") DATA, OK OK GO },
                { BODY DOT, OK },
                { "NOOP\r\n", OK },
        };
        struct client client = MEET(script, 0);

        send_text(&client, "a b c d", BODY);
        CHECK_ACCOUNT(
                &client, "PARTIAL: ACCEPTED final 250, ACCEPTED final 250, NOT_SENT mail 0, NOT_SENT mail 0");
        send_text(&client, "c", BODY);
        CHECK_ACCOUNT(&client, "CLOSED: NOT_SENT mail 0");
        CHECK(strstr(client.error.message, "LIMITS") != NULL);
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        part(&client);
}

/* ---- Too many recipients, not announced ---- */

static void splits_by_replies(void)
{
        static const char *const replies[] = { "452 too many recipients", "452 4.5.3 too many",
                "552 too many recipients", "552 5.5.3 too many", "450 4.5.3 too many", "550 5.5.3 too many" };

        for (size_t i = 0; i < 2 * COUNT(replies); i++) {
                bool lmtp = i % 2, enhanced = strstr(replies[i / 2], "5.3");
                char *names = crowd(250, true);
                struct client client = meet_sink(
                        OPTIONS("--max-recipients", "100", "--max-recipients-reply", replies[i / 2],
                                "--without", enhanced ? "DSN" : "ENHANCEDSTATUSCODES"),
                        (struct manner){ .protocol = lmtp ? POSTEL_PROTOCOL_LMTP : POSTEL_PROTOCOL_SMTP });
                harness_row("%s, %s", replies[i / 2], lmtp ? "LMTP" : "SMTP");
                send_text(&client, names, BODY);
                check_all_once(&client, 250, 3);
                /* The second transaction knows how many are taken. */
                CHECK_INT(sink_stats(client.sink, "recipients_refused"), 150);
                part(&client);
                free(names);
        }
}

static void tells_a_full_mailbox_from_too_many(void)
{
        static const struct exchange script[] = {
                HELLO(ENHANCED PIPELINING),
                { MAIL RCPT("a") RCPT("b") RCPT("c") DATA, OK OK "452 4.2.2 full\r\n452 4.2.2 full\r\n" GO },
                { BODY DOT, OK },
                { MAIL RCPT("a") DATA, OK "452 4.5.3 too many\r\n554 nobody\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") DATA, OK OK "452 4.5.3 a\r\n452 4.5.3 b\r\n554 nobody\r\n" },
                { RSET MAIL RCPT("a") RCPT("b") RCPT("c") RCPT("d") DATA,
                        OK OK OK "452 4.5.3 b\r\n452 4.2.2 c\r\n452 4.5.3 d\r\n" GO },
                { BODY DOT, OK },
                { MAIL RCPT("b") RCPT("d") DATA, OK OK OK GO },
                { BODY DOT, OK },
        };
        struct client client = MEET(script, 0);

        send_text(&client, "a b c", BODY);
        CHECK_ACCOUNT(
                &client, "PARTIAL: ACCEPTED final 250, DEFERRED rcpt 452 4.2.2, DEFERRED rcpt 452 4.2.2");
        CHECK_INT(postel_result_transactions(client.result), 1);
        send_text(&client, "a", BODY);
        CHECK_ACCOUNT(&client, "DEFERRED: DEFERRED rcpt 452 4.5.3");
        send_text(&client, "a b", BODY);
        CHECK_ACCOUNT(&client, "DEFERRED: DEFERRED rcpt 452 4.5.3, DEFERRED rcpt 452 4.5.3");
        send_text(&client, "a b c d", BODY);
        CHECK_ACCOUNT(&client, "PARTIAL: ACCEPTED final 250, ACCEPTED final 250, DEFERRED rcpt 452 4.2.2, "
                               "ACCEPTED final 250");
        part(&client);
}

/* Without enhanced codes only those behind whom nobody is taken are too many. */
static void knows_too_many_without_enhanced_codes_by_their_place(void)
{
        static const struct exchange script[] = {
                HELLO(PIPELINING),
                { MAIL RCPT("a") RCPT("b") RCPT("c") RCPT("d") DATA,
                        OK OK "452 full\r\n" OK "452 too many\r\n" GO },
                { BODY DOT, OK },
                { MAIL RCPT("d") DATA, OK "452 full\r\n"
                                          "554 nobody\r\n" },
                { RSET MAIL RCPT("a") DATA, OK OK OK GO },
                { BODY DOT, OK },
        };
        struct client client = MEET(script, 0);

        send_text(&client, "a b c d", BODY);
        CHECK_ACCOUNT(&client,
                "PARTIAL: ACCEPTED final 250, DEFERRED rcpt 452, ACCEPTED final 250, DEFERRED rcpt 452");
        CHECK_INT(postel_result_transactions(client.result), 2);
        CHECK_INT(send_text(&client, "a", BODY), POSTEL_OK);
        part(&client);
}

static void ends_when_only_one_is_taken_each_time(void)
{
        char *names = crowd(60, false);
        struct client client = meet_sink(OPTIONS("--max-recipients", "1"), (struct manner){ 0 });

        send_text(&client, names, BODY);
        check_all_once(&client, 60, 60);
        part(&client);
        free(names);
}

/* What can be read only once is sent to those who were taken. */
static void does_not_split_what_can_be_read_once(void)
{
        static const struct exchange script[] = { HELLO(ENHANCED PIPELINING),
                { MAIL RCPT("a") RCPT("b") DATA, OK OK "452 4.5.3 too many\r\n" GO }, { BODY DOT, OK } };
        static const char *const octets = BODY;
        struct parts parts = { &octets, 1, 0, 0, false };
        postel_message *message = message_of_parts(&parts);
        struct client client = MEET(script, 0);

        send_message(&client, "a b", message);
        CHECK_ACCOUNT(&client, "PARTIAL: ACCEPTED final 250, DEFERRED rcpt 452 4.5.3");
        postel_message_free(&message);
        part(&client);
}

/* ---- SIZE ---- */

static void compares_the_size(void)
{
        static const struct {
                const char *size;
                bool fits;
        } rows[] = { { "250-SIZE 18\r\n", true }, { "250-SIZE 17\r\n", false }, { "250-SIZE\r\n", true },
                { "250-SIZE 0\r\n", true }, { "250-SIZE 99999999999999999999\r\n", true } };

        for (size_t i = 0; i < COUNT(rows); i++) {
                char *hello = text_of("250-server.example\r\n%s250 PIPELINING\r\n", rows[i].size);
                const struct exchange script[] = { { NULL, "220 ready\r\n" },
                        { "EHLO client.example\r\n", hello },
                        { "MAIL FROM:<" FROM "> SIZE=18\r\n" RCPT("a") DATA, OK OK GO }, { BODY DOT, OK } };
                const struct exchange none[] = { { NULL, "220 ready\r\n" },
                        { "EHLO client.example\r\n", hello }, { "NOOP\r\n", OK } };
                const struct script scripts[] = { SCRIPT(none), SCRIPT(script) };
                struct client client = meet_scripts(&scripts[rows[i].fits], 1, (struct manner){ 0 });
                harness_row("%s", rows[i].size);
                send_text(&client, "a", BODY);
                CHECK_ACCOUNT(
                        &client, rows[i].fits ? "OK: ACCEPTED final 250" : "UNSUPPORTED: NOT_SENT mail 0");
                if (!rows[i].fits)
                        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
                part(&client);
                free(hello);
        }
}

/* ---- All or none ---- */

static void send_to_all_or_none(struct client *client, const char *names)
{
        postel_envelope *envelope = envelope_to(names);
        postel_message *message = postel_message_from_copy(BODY, strlen(BODY));

        postel_envelope_set_all_or_none(envelope, 1);
        send_envelope(client, envelope, message);
        postel_envelope_free(&envelope);
        postel_message_free(&message);
}

#define B_IS_REFUSED "REJECTED: NOT_SENT rcpt 0, REJECTED rcpt 550, NOT_SENT rcpt 0"
#define ALL_HAVE_IT  "OK: ACCEPTED final 250, ACCEPTED final 250, ACCEPTED final 250"
#define TO_THREE     MAIL RCPT("a") RCPT("b") RCPT("c")

static void sends_to_all_or_to_nobody(void)
{
        static const struct exchange pipelined[] = { HELLO(PIPELINING), { TO_THREE, OK OK "550 b\r\n" OK },
                { RSET TO_THREE, OK OK OK OK OK }, { DATA, GO }, { BODY DOT, OK } };
        static const struct exchange chunked[] = { HELLO(PIPELINING CHUNKING),
                { TO_THREE, OK OK "550 b\r\n" OK }, { RSET TO_THREE, OK OK OK OK OK }, { BDAT, OK } };
        static const struct exchange lockstep[] = { HELLO(""), { MAIL, OK }, { RCPT("a"), OK },
                { RCPT("b"), "550 b\r\n" }, { RCPT("c"), OK }, { RSET, OK }, { MAIL, OK }, { RCPT("a"), OK },
                { RCPT("b"), OK }, { RCPT("c"), OK }, { DATA, GO }, { BODY DOT, OK } };
        static const struct exchange lmtp[] = { LHELLO(PIPELINING), { TO_THREE, OK OK "550 b\r\n" OK },
                { RSET TO_THREE, OK OK OK OK OK }, { DATA, GO }, { BODY DOT, OK OK OK } };
        static const struct script scripts[] = { SCRIPT(pipelined), SCRIPT(chunked), SCRIPT(lockstep),
                SCRIPT(lmtp) };

        for (size_t i = 0; i < COUNT(scripts); i++) {
                harness_row("script %zu", i);
                struct client client = meet_scripts(&scripts[i], 1,
                        (struct manner){ .protocol = i == 3 ? POSTEL_PROTOCOL_LMTP : POSTEL_PROTOCOL_SMTP });
                send_to_all_or_none(&client, "a b c");
                CHECK_ACCOUNT(&client, B_IS_REFUSED);
                CHECK_INT(client.error.code, 550);
                CHECK_INT(postel_result_code(client.result), 550);
                send_to_all_or_none(&client, "a b c");
                CHECK_ACCOUNT(&client, ALL_HAVE_IT);
                part(&client);
        }
}

static void gives_the_status_of_the_refusal(void)
{
        static const struct exchange script[] = {
                HELLO(ENHANCED PIPELINING),
                { TO_THREE, OK OK OK "452 4.5.3 c\r\n" },
                { RSET TO_THREE, OK OK "450 4.2.1 a\r\n" OK "550 5.1.1 c\r\n" },
                { RSET TO_THREE, OK "550 5.7.1 no\r\n503 a\r\n503 b\r\n503 c\r\n" },
                { RSET TO_THREE, OK OK OK OK OK },
                { DATA, "451 4.3.0 later\r\n" },
                { RSET TO_THREE, OK OK OK, DIALOGUE_CLOSE },
        };
        static const char *const accounts[] = {
                "DEFERRED: NOT_SENT rcpt 0, NOT_SENT rcpt 0, DEFERRED rcpt 452 4.5.3",
                "DEFERRED: DEFERRED rcpt 450 4.2.1, NOT_SENT rcpt 0, REJECTED rcpt 550 5.1.1",
                "REJECTED: REJECTED mail 550 5.7.1, REJECTED mail 550 5.7.1, REJECTED mail 550 5.7.1",
                "DEFERRED: DEFERRED data 451 4.3.0, DEFERRED data 451 4.3.0, DEFERRED data 451 4.3.0",
                "IO: NOT_SENT rcpt 0, NOT_SENT rcpt 0, NOT_SENT rcpt 0",
        };
        struct client client = MEET(script, 0);

        for (size_t i = 0; i < COUNT(accounts); i++) {
                send_to_all_or_none(&client, "a b c");
                CHECK_ACCOUNT(&client, accounts[i]);
        }
        part(&client);
}

static void refuses_all_or_none_where_it_must_split(void)
{
        static const struct exchange many[] = { HELLO(PIPELINING LIMITS("RCPTMAX=2")), { "NOOP\r\n", OK } };
        static const struct exchange domains[] = { HELLO(PIPELINING LIMITS("RCPTDOMAINMAX=1")),
                { "NOOP\r\n", OK } };
        struct client client = MEET(many, 0);

        send_to_all_or_none(&client, "a b c");
        CHECK_ACCOUNT(&client, "UNSUPPORTED: NOT_SENT mail 0, NOT_SENT mail 0, NOT_SENT mail 0");
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        part(&client);
        client = MEET(domains, 0);
        send_to_all_or_none(&client, "a b@y.example");
        CHECK_ACCOUNT(&client, "UNSUPPORTED: NOT_SENT mail 0, NOT_SENT mail 0");
        CHECK_INT(postel_connection_noop(client.connection, -1, NULL), POSTEL_OK);
        part(&client);
}

static const struct test tests[] = {
        { "splits by announced limits", splits_by_announced_limits },
        { "splits one behind the other", splits_one_behind_the_other },
        { "keeps outcomes of each transaction", keeps_outcomes_of_each_transaction },
        { "refuses to split what can be read once", refuses_to_split_what_can_be_read_once },
        { "retires sessions before they are refused", retires_sessions_before_they_are_refused },
        { "goes on with a split on another session", goes_on_with_a_split_on_another_session },
        { "leaves the rest on a lone connection", leaves_the_rest_on_a_lone_connection },
        { "splits by replies", splits_by_replies },
        { "tells a full mailbox from too many", tells_a_full_mailbox_from_too_many },
        { "knows too many without enhanced codes by their place",
                knows_too_many_without_enhanced_codes_by_their_place },
        { "ends when only one is taken each time", ends_when_only_one_is_taken_each_time },
        { "does not split what can be read once", does_not_split_what_can_be_read_once },
        { "compares the size", compares_the_size },
        { "sends to all or to nobody", sends_to_all_or_to_nobody },
        { "gives the status of the refusal", gives_the_status_of_the_refusal },
        { "refuses all or none where it must split", refuses_all_or_none_where_it_must_split },
};

int main(void)
{
        return harness_run("limits", tests, COUNT(tests));
}
