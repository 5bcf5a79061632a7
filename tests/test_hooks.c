/* SPDX-License-Identifier: MIT */
/* Policies and audit events. */

#include "dialogue.h"
#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define GREETS                                     \
        {                                          \
                NULL, "220 mail.example ready\r\n" \
        }
#define EHLO "EHLO client.example\r\n"
#define OFFERS_NOTHING            \
        {                         \
                EHLO, "250 x\r\n" \
        }
#define QUITS                                             \
        {                                                 \
                "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE \
        }
#define LEAVES DIALOGUE_AWAIT_CLOSE

static postel_config *plain_config(int port)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, port);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        return config;
}

static postel_connection *connection_of(postel_config *config)
{
        postel_connection *connection = NULL;
        postel_error error = { .message = "" };
        postel_status status = postel_connection_new(config, &connection, &error);

        postel_config_free(&config);
        CHECK_STR(error.message, "");
        REQUIRE(status == POSTEL_OK);
        return connection;
}

static void check_text(const char *text, const char *part)
{
        if (!CHECK(strstr(text, part) != NULL))
                CHECK_STR(text, part);
}

/* ---- Audit ---- */

/* What was told, "event detail number" and a semicolon for each; times are shown as "us". */
struct record {
        char text[2048];
        size_t size;
};

static void keep(void *user_data, unsigned long long session, postel_audit_event event, const char *detail,
        long long number)
{
        struct record *record = user_data;
        char shown[32];

        (void)session;
        snprintf(shown, sizeof(shown), "%lld", number);
        if (event == POSTEL_AUDIT_CONNECTED || event == POSTEL_AUDIT_TLS)
                strcpy(shown, number >= 0 && number < 10000000 ? "us" : "?");
        record->size += (size_t)snprintf(record->text + record->size, sizeof(record->text) - record->size,
                "%s%s%s %s; ", postel_audit_event_name(event), *detail ? " " : "", detail, shown);
}

static void names_events(void)
{
        static const char *const names[] = { "connected", "tls", "greeting", "ehlo", "auth", "mail",
                "content", "message", "rset", "noop", "quit", "end" };

        for (size_t i = 0; i < COUNT(names); i++)
                CHECK_STR(postel_audit_event_name((postel_audit_event)i), names[i]);
        CHECK_STR(postel_audit_event_name((postel_audit_event)COUNT(names)), "?");
}

#define LOGIN                                                                  \
        { EHLO, "250-x\r\n250 AUTH PLAIN LOGIN\r\n" },                         \
        {                                                                      \
                "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", "235 hello\r\n" \
        }

enum end { BY_QUIT, BY_FREE, BY_FAILING, BY_INTERRUPT, BY_RSET };

/* The whole of what is told of a session, which ends in each of the ways. */
static void tells_milestones_in_order(void)
{
        static const struct {
                const char *name;
                struct exchange script[8];
                enum end end;
                bool login, lmtp;
                const char *want;
        } rows[] = {
                { "QUIT", { GREETS, OFFERS_NOTHING, QUITS }, BY_QUIT, false, false,
                        "connected us; greeting 220; ehlo EHLO 250; quit 221; end OK 0; " },
                { "QUIT refused", { GREETS, OFFERS_NOTHING, { "QUIT\r\n", "500 no\r\n", LEAVES } }, BY_QUIT,
                        false, false, "connected us; greeting 220; ehlo EHLO 250; quit 500; end OK 0; " },
                { "QUIT unanswered", { GREETS, OFFERS_NOTHING, { "QUIT\r\n", NULL, DIALOGUE_CLOSE } },
                        BY_QUIT, false, false, "connected us; greeting 220; ehlo EHLO 250; end IO 0; " },
                { "LMTP", { GREETS, { "LHLO client.example\r\n", "250 x\r\n" }, QUITS }, BY_QUIT, false, true,
                        "connected us; greeting 220; ehlo LHLO 250; quit 221; end OK 0; " },
                { "HELO",
                        { GREETS, { EHLO, "502 no\r\n" }, { "HELO client.example\r\n", "250 x\r\n" }, QUITS },
                        BY_QUIT, false, false,
                        "connected us; greeting 220; ehlo EHLO 502; ehlo HELO 250; quit 221; end OK 0; " },
                { "login", { GREETS, LOGIN, QUITS }, BY_QUIT, true, false,
                        "connected us; greeting 220; ehlo EHLO 250; auth PLAIN 235; quit 221; end OK 0; " },
                { "login refused",
                        { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" }, { "AUTH %\r\n", "535 no\r\n" },
                                QUITS },
                        BY_FAILING, true, false,
                        "connected us; greeting 220; ehlo EHLO 250; auth PLAIN 535; end AUTH 0; " },
                { "login given up",
                        { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" }, { "AUTH %\r\n", "334 ?\r\n" },
                                { "*\r\n", "501 ok\r\n", LEAVES } },
                        BY_FAILING, true, false,
                        "connected us; greeting 220; ehlo EHLO 250; auth PLAIN 501; end PROTOCOL 0; " },
                { "login without an end",
                        { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" },
                                { "AUTH %\r\n", NULL, DIALOGUE_CLOSE } },
                        BY_FAILING, true, false, "connected us; greeting 220; ehlo EHLO 250; end IO 0; " },
                { "greeting refused", { { NULL, "554 no\r\n" }, QUITS }, BY_FAILING, false, false,
                        "connected us; greeting 554; end REJECTED 0; " },
                { "421", { { NULL, "421 no\r\n", LEAVES } }, BY_FAILING, false, false,
                        "connected us; greeting 421; end DEFERRED 0; " },
                { "EHLO refused", { GREETS, { EHLO, "450 no\r\n" }, QUITS }, BY_FAILING, false, false,
                        "connected us; greeting 220; ehlo EHLO 450; end DEFERRED 0; " },
                { "another 2yz to EHLO", { GREETS, { EHLO, "220 no\r\n", LEAVES } }, BY_FAILING, false, false,
                        "connected us; greeting 220; ehlo EHLO 220; end PROTOCOL 0; " },
                { "thrown away", { GREETS, { EHLO, "250 x\r\n", LEAVES } }, BY_FREE, false, false,
                        "connected us; greeting 220; ehlo EHLO 250; end CLOSED 0; " },
                { "interrupted", { GREETS, { EHLO, "250 x\r\n", LEAVES } }, BY_INTERRUPT, false, false,
                        "connected us; greeting 220; ehlo EHLO 250; end INTERRUPTED 0; " },
                { "RSET and NOOP",
                        { GREETS, OFFERS_NOTHING, { "RSET\r\n", "250 ok\r\n" },
                                { "NOOP\r\n", "421 bye\r\n", LEAVES } },
                        BY_RSET, false, false,
                        "connected us; greeting 220; ehlo EHLO 250; rset 250; noop 421; end DEFERRED 0; " },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                size_t count = 0;
                struct record record = { .size = 0 };
                harness_row("%s", rows[i].name);
                while (rows[i].script[count].expect || rows[i].script[count].reply)
                        count++;
                struct dialogue *dialogue = dialogue_start(rows[i].script, count);
                postel_config *config = plain_config(dialogue_port(dialogue));
                postel_config_set_audit(config, keep, &record);
                if (rows[i].lmtp)
                        postel_config_set_protocol(config, POSTEL_PROTOCOL_LMTP);
                if (rows[i].login) {
                        postel_config_set_user(config, "tim");
                        postel_config_set_password(config, "tanstaaftanstaaf");
                        postel_config_set_allow_plaintext_auth(config, 1);
                }
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 10000, NULL) == POSTEL_OK, rows[i].end != BY_FAILING);
                if (rows[i].end == BY_INTERRUPT) {
                        postel_connection_interrupt(connection);
                        CHECK_INT(postel_connection_noop(connection, 1000, NULL), POSTEL_INTERRUPTED);
                }
                if (rows[i].end == BY_RSET) {
                        CHECK_INT(postel_connection_reset(connection, 5000, NULL), POSTEL_OK);
                        CHECK_INT(postel_connection_noop(connection, 5000, NULL), POSTEL_DEFERRED);
                }
                /* What has ended ends no second time. */
                if (rows[i].end != BY_FREE) {
                        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                        CHECK_STR(record.text, rows[i].want);
                        postel_connection_noop(connection, 1000, NULL);
                }
                postel_connection_free(&connection);
                CHECK_STR(record.text, rows[i].want);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void tells_nothing_of_what_never_began(void)
{
        struct record record = { .size = 0 };
        postel_config *config = plain_config(1);

        postel_config_set_audit(config, keep, &record);
        postel_connection *connection = connection_of(config);
        CHECK_INT(postel_connection_noop(connection, 1000, NULL), POSTEL_CLOSED);
        CHECK_INT(postel_connection_close(connection, 1000, NULL), POSTEL_OK);
        postel_connection_free(&connection);
        CHECK_STR(record.text, "");

        config = plain_config(1);
        postel_config_set_audit(config, keep, &record);
        connection = connection_of(config);
        CHECK_INT(postel_connect(connection, 5000, NULL), POSTEL_CONNECT);
        CHECK_STR(record.text, "end CONNECT 0; ");
        postel_connection_free(&connection);
        CHECK_STR(record.text, "end CONNECT 0; ");
}

static void tells_of_tls_and_messages(void)
{
        struct sink *sink = sink_start(NULL);
        struct record record = { .size = 0 };
        postel_config *config = plain_config(sink_smtp_port(sink));
        const char *const to[] = { "b@x.example" };

        postel_config_set_host(config, "localhost");
        postel_config_set_tls(config, POSTEL_TLS_STARTTLS);
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_config_set_audit(config, keep, &record);
        postel_connection *connection = connection_of(config);
        CHECK_INT(postel_connect(connection, 10000, NULL), POSTEL_OK);
        CHECK_STR(record.text, "connected us; greeting 220; ehlo EHLO 250; tls TLS1.3 us; ehlo EHLO 250; ");
        CHECK_INT(postel_send(connection, "a@x.example", to, 1, "hi", 2, 10000, NULL, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
        check_text(record.text, "; quit 221; end OK 1; ");
        postel_connection_free(&connection);
        CHECK(sink_stop(&sink));
}

/* The pool's sessions end as often as they begin. */
static void tells_of_every_session_of_a_pool(void)
{
        struct sink *sink = sink_start(NULL);
        struct record record = { .size = 0 };
        postel_config *config = plain_config(sink_smtp_port(sink));
        postel_pool *pool;
        postel_connection *connection;

        postel_config_set_audit(config, keep, &record);
        postel_config_set_pool_size(config, 1);
        REQUIRE(postel_pool_open(config, &pool, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_pool_acquire(pool, 5000, &connection, NULL), POSTEL_OK);
        postel_connection_free(&connection);
        CHECK_STR(record.text, "connected us; greeting 220; ehlo EHLO 250; end CLOSED 0; ");
        record.size = 0;
        CHECK_INT(postel_pool_acquire(pool, 5000, &connection, NULL), POSTEL_OK);
        CHECK_INT(postel_pool_release(pool, &connection), POSTEL_OK);
        postel_pool_close(&pool, 5000);
        CHECK_STR(record.text, "connected us; greeting 220; ehlo EHLO 250; quit 221; end OK 0; ");
        CHECK(sink_stop(&sink));
}

/* ---- Policy ---- */

struct ruling {
        int verdict;
        const char *reason; /* NULL: none is given */
        bool fills; /* the reason, to its last octet */

        int asked;
        char from[64], to[128];
        long long octets;
};

static int rule(void *user_data, const char *from, const char *const *to, size_t to_count, long long octets,
        char *reason, size_t reason_size)
{
        struct ruling *ruling = user_data;

        ruling->asked++;
        snprintf(ruling->from, sizeof(ruling->from), "%s", from);
        ruling->to[0] = '\0';
        for (size_t i = 0; i < to_count; i++) {
                strcat(ruling->to, to[i]);
                strcat(ruling->to, " ");
        }
        ruling->octets = octets;
        CHECK_STR(reason, "");
        if (ruling->reason)
                snprintf(reason, reason_size, "%s", ruling->reason);
        if (ruling->fills)
                memset(reason, 'x', reason_size);
        return ruling->verdict;
}

static void asks_before_anything_is_written(void)
{
        static const struct exchange idle[] = { GREETS, OFFERS_NOTHING, QUITS };
        static const char *const to[] = { "b@x.example", "C@x.example" };
        static const struct {
                const char *name;
                int verdict;
                const char *reason;
                bool fills;
                const char *want;
        } rows[] = {
                { "no reason", 1, NULL, false, "the policy forbids the message" },
                { "a reason", -1, "not on\nSundays\x07", false,
                        "the policy forbids the message: not on Sundays\\x07" },
                { "a reason without end", 7, NULL, true, "the policy forbids the message: xxxxx" },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(idle, COUNT(idle));
                postel_config *config = plain_config(dialogue_port(dialogue));
                struct ruling ruling = {
                        .verdict = rows[i].verdict, .reason = rows[i].reason, .fills = rows[i].fills
                };
                postel_error error = { .message = "" };
                postel_result *result = NULL;
                harness_row("%s", rows[i].name);
                postel_config_set_policy(config, rule, &ruling);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 5000, NULL), POSTEL_OK);
                CHECK_INT(postel_send(connection, "A@x.example", to, 2, "one\ntwo", 7, 5000, &result, &error),
                        POSTEL_POLICY);
                CHECK_INT(error.phase, POSTEL_PHASE_NONE);
                CHECK(strncmp(error.message, rows[i].want, strlen(rows[i].want)) == 0);
                CHECK_INT(ruling.asked, 1);
                CHECK_STR(ruling.from, "A@x.example");
                CHECK_STR(ruling.to, "b@x.example C@x.example ");
                CHECK_INT(ruling.octets, 7);
                REQUIRE(result != NULL);
                CHECK_INT(postel_result_recipient_count(result), 2);
                CHECK_INT(postel_result_recipient_outcome(result, 1), POSTEL_OUTCOME_NOT_SENT);
                postel_result_free(&result);
                /* An envelope that is not valid is none of its business. */
                CHECK_INT(
                        postel_send(connection, "a b", to, 2, "hi", 2, 5000, &result, NULL), POSTEL_INVALID);
                CHECK_INT(ruling.asked, 1);
                CHECK_INT(postel_connection_state(connection), POSTEL_STATE_READY);
                CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                postel_connection_free(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void lets_pass_what_is_allowed(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = plain_config(sink_smtp_port(sink));
        struct ruling ruling = { .verdict = 0 };
        const char *const to[] = { "b@x.example", "c@x.example" };
        postel_pool *pool;
        postel_error error = { .message = "" };

        postel_config_set_policy(config, rule, &ruling);
        postel_config_set_max_recipients(config, 2);
        postel_config_set_max_octets(config, 4);
        REQUIRE(postel_pool_open(config, &pool, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_pool_send(pool, "a@x.example", to, 2, "hi\r\n", 4, 5000, NULL, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        CHECK_INT(ruling.asked, 1);
        ruling.verdict = 1;
        CHECK_INT(
                postel_pool_send(pool, "a@x.example", to, 2, "hi\r\n", 4, 5000, NULL, &error), POSTEL_POLICY);
        CHECK_INT(sink_stats(sink, "messages"), 1);
        postel_pool_close(&pool, 5000);
        CHECK(sink_stop(&sink));
}

/* Without a word to anybody: there is no session. */
static void has_limits_of_its_own(void)
{
        static const char *const to[] = { "a@x.example", "b@x.example", "c@x.example" };
        static const struct {
                int max_recipients;
                unsigned long long max_octets;
                const char *want; /* NULL: passes, and meets the missing session */
        } rows[] = {
                { 2, 0, "recipients: 3 are more than the 2 that the policy allows" },
                { 3, 5, "message: its 6 octets are more than the 5 that the policy allows" },
                { 3, 6, NULL },
                { 0, 0, NULL },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = plain_config(1);
                postel_error error = { .message = "" };
                postel_result *result = NULL;
                harness_row("%zu", i);
                postel_config_set_max_recipients(config, rows[i].max_recipients);
                postel_config_set_max_octets(config, rows[i].max_octets);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_send(connection, "", to, 3, "hello\n", 6, 1000, &result, &error),
                        rows[i].want ? POSTEL_POLICY : POSTEL_CLOSED);
                check_text(error.message, rows[i].want ? rows[i].want : "not open");
                postel_result_free(&result);
                postel_connection_free(&connection);
        }
}

static int read_nothing(void *user_data, void *buffer, size_t size, size_t *count)
{
        (void)user_data;
        (void)buffer;
        (void)size;
        *count = 0;
        return 0;
}

/* The size of each kind of message, as far as it can be known without reading it. */
static void tells_the_policy_how_much_there_is(void)
{
        char path[] = "/tmp/postel-test-hooks-XXXXXX";
        int file = mkostemp(path, O_CLOEXEC), ends[2];
        REQUIRE(file >= 0 && write(file, "0123456789", 10) == 10 && lseek(file, 4, SEEK_SET) == 4);
        REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
        const postel_segment segments[] = { { "abc", 3 }, { NULL, 0 }, { "de", 2 } };
        const struct {
                postel_message *message;
                long long want;
        } rows[] = {
                { postel_message_from_memory("hello", 5), 5 },
                { postel_message_from_segments(segments, COUNT(segments)), 5 },
                { postel_message_from_path(path), 10 },
                { postel_message_from_fd(file), 6 },
                { postel_message_from_fd(ends[0]), -1 },
                { postel_message_from_reader(read_nothing, NULL, -1), -1 },
                { postel_message_from_reader(read_nothing, NULL, 7), 7 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = plain_config(1);
                struct ruling ruling = { .verdict = 1 };
                postel_envelope *envelope = postel_envelope_new("a@x.example");
                postel_message *message = rows[i].message;
                harness_row("%zu", i);
                postel_envelope_add_recipient(envelope, "b@x.example");
                postel_config_set_policy(config, rule, &ruling);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_send_with_params(connection, envelope, message, 1000, NULL, NULL),
                        POSTEL_POLICY);
                CHECK_INT(ruling.octets, rows[i].want);
                postel_connection_free(&connection);
                postel_envelope_free(&envelope);
                postel_message_free(&message);
        }
        close(file);
        close(ends[0]);
        close(ends[1]);
        unlink(path);
}

static const struct test tests[] = {
        { "names events", names_events },
        { "tells milestones in order", tells_milestones_in_order },
        { "tells nothing of what never began", tells_nothing_of_what_never_began },
        { "tells of TLS and messages", tells_of_tls_and_messages },
        { "tells of every session of a pool", tells_of_every_session_of_a_pool },
        { "asks before anything is written", asks_before_anything_is_written },
        { "lets pass what is allowed", lets_pass_what_is_allowed },
        { "has limits of its own", has_limits_of_its_own },
        { "tells the policy how much there is", tells_the_policy_how_much_there_is },
};

int main(void)
{
        return harness_run("hooks", tests, COUNT(tests));
}
