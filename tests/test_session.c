/* SPDX-License-Identifier: MIT */
#include "dialogue.h"
#include "harness.h"
#include "net/stream.h"
#include "sink.h"

#include <postel/postel.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* ---- Dialogues ---- */

#define GREETS                                     \
        {                                          \
                NULL, "220 mail.example ready\r\n" \
        }
#define EHLO "EHLO client.example\r\n"
#define HELLO(reply)                             \
        {                                        \
                "HELO client.example\r\n", reply \
        }
#define QUITS                                             \
        {                                                 \
                "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE \
        }
#define LEAVES DIALOGUE_AWAIT_CLOSE

#define OFFERS_NOTHING                       \
        {                                    \
                EHLO, "250 mail.example\r\n" \
        }
#define OFFERS_PLAIN                                                 \
        {                                                            \
                EHLO, "250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n" \
        }
#define OFFERS_LOGIN                                           \
        {                                                      \
                EHLO, "250-mail.example\r\n250 AUTH LOGIN\r\n" \
        }
#define OFFERS_STARTTLS                                      \
        {                                                    \
                EHLO, "250-mail.example\r\n250 STARTTLS\r\n" \
        }

/* RFC 4616 section 4: who logs in as whom. */
#define USER            "tim"
#define PASSWORD        "tanstaaftanstaaf"
#define USER_BASE64     "dGlt"
#define PASSWORD_BASE64 "dGFuc3RhYWZ0YW5zdGFhZg=="
#define PLAIN_BASE64    "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
#define AUTH_PLAIN      "AUTH PLAIN " PLAIN_BASE64 "\r\n"

#define SCRIPT_MAX 12

/* Exchanges up to the first that says nothing. */
static size_t script_count(const struct exchange *script)
{
        size_t count = 0;

        while (count < SCRIPT_MAX && (script[count].expect || script[count].reply || script[count].how))
                count++;
        return count;
}

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

static void with_login(postel_config *config)
{
        postel_config_set_user(config, USER);
        postel_config_set_password(config, PASSWORD);
        postel_config_set_allow_plaintext_auth(config, 1);
}

/* A connection made of the config, which is freed, and connected: its status. */
static postel_status dial(postel_config *config, postel_connection **connection, postel_error *error)
{
        error->message[0] = '\0';
        error->code = 0;
        error->phase = POSTEL_PHASE_NONE;
        postel_status status = postel_connection_new(config, connection, error);
        postel_config_free(&config);
        REQUIRE(status == POSTEL_OK);
        return postel_connect(*connection, 10000, error);
}

/* Where a dialogue is not what is tested: it must come to READY. */
static postel_connection *dial_well(postel_config *config)
{
        postel_connection *connection;
        postel_error error;
        postel_status status = dial(config, &connection, &error);

        if (status != POSTEL_OK)
                CHECK_STR(error.message, "");
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_READY);
        return connection;
}

static void hang_up(postel_connection **connection)
{
        CHECK_INT(postel_connection_close(*connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_state(*connection), POSTEL_STATE_CLOSED);
        postel_connection_free(connection);
}

static void check_text(const char *text, const char *part)
{
        if (!CHECK(strstr(text, part) != NULL))
                CHECK_STR(text, part);
}

/* How postel_connect() ends against a script. When it succeeds, the connection is closed: the script has the
 * QUIT. */
struct opening {
        const char *name;
        struct exchange script[SCRIPT_MAX];
        postel_status status;
        int code;
        postel_phase phase;
        const char *text;
};

static void check_opening(const struct opening *row, void (*adjust)(postel_config *))
{
        struct dialogue *dialogue = dialogue_start(row->script, script_count(row->script));
        postel_config *config = plain_config(dialogue_port(dialogue));
        postel_connection *connection;
        postel_error error;

        if (adjust)
                adjust(config);
        CHECK_INT(dial(config, &connection, &error), row->status);
        CHECK_INT(error.code, row->code);
        CHECK_INT(error.phase, row->phase);
        check_text(error.message, row->text ? row->text : "");
        if (row->status == POSTEL_OK) {
                CHECK_STR(error.message, "");
                hang_up(&connection);
        } else {
                CHECK_INT(error.status, row->status);
                CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
                CHECK_INT(postel_connection_is_authenticated(connection), 0);
                CHECK_INT(postel_connection_is_shutting_down(connection), row->code == 421);
        }
        postel_connection_free(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void check_openings(const struct opening *rows, size_t count, void (*adjust)(postel_config *))
{
        for (size_t i = 0; i < count; i++) {
                harness_row("%s", rows[i].name);
                check_opening(&rows[i], adjust);
        }
}

/* What a trace says, a line for each. */
struct trace {
        char text[16384];
        size_t size;
};

static void trace_line(
        void *user_data, unsigned long long session, postel_trace_kind kind, const char *text, size_t size)
{
        struct trace *trace = user_data;

        (void)session;
        trace->size +=
                (size_t)snprintf(trace->text + trace->size, sizeof(trace->text) - trace->size, "%s %.*s\n",
                        kind == POSTEL_TRACE_SENT       ? ">"
                        : kind == POSTEL_TRACE_RECEIVED ? "<"
                                                        : "*",
                        (int)size, text);
}

/* ---- Greeting and EHLO ---- */

static void takes_a_greeting_for_what_it_says(void)
{
        static const struct opening rows[] = {
                { "220", { { NULL, "220 ready\r\n" }, OFFERS_NOTHING, QUITS } },
                { "220 without text", { { NULL, "220\r\n" }, OFFERS_NOTHING, QUITS } },
                { "220 of many lines",
                        { { NULL, "220-mail.example\r\n220-\r\n220 ready\r\n" }, OFFERS_NOTHING, QUITS } },
                { "220 octet by octet", { { NULL, "220-mail.example\r\n220 ready\r\n", DIALOGUE_DRIP },
                                                OFFERS_NOTHING, QUITS } },
                { "4yz", { { NULL, "450 later\r\n" }, QUITS }, POSTEL_DEFERRED, 450, POSTEL_PHASE_GREETING,
                        "450 later" },
                { "5yz", { { NULL, "554-no\r\n554 go away\r\n" }, QUITS }, POSTEL_REJECTED, 554,
                        POSTEL_PHASE_GREETING, "554 no go away" },
                { "421", { { NULL, "421 too busy\r\n", LEAVES } }, POSTEL_DEFERRED, 421,
                        POSTEL_PHASE_GREETING, "421 too busy" },
                { "another 2yz", { { NULL, "250 hello\r\n" }, QUITS }, POSTEL_PROTOCOL, 250,
                        POSTEL_PHASE_GREETING, "250 hello" },
                { "3yz", { { NULL, "354 go ahead\r\n" }, QUITS }, POSTEL_PROTOCOL, 354, POSTEL_PHASE_GREETING,
                        "354 go ahead" },
                { "another protocol", { { NULL, "SSH-2.0-OpenSSH_9.2\r\n", LEAVES } }, POSTEL_PROTOCOL, 0,
                        POSTEL_PHASE_GREETING, "the server's reply" },
                { "a NUL", { { NULL, "220 a\0b\r\n", LEAVES, 0, 9 } }, POSTEL_PROTOCOL, 0,
                        POSTEL_PHASE_GREETING, "the server's reply" },
                { "codes that differ", { { NULL, "220-a\r\n554 b\r\n", LEAVES } }, POSTEL_PROTOCOL, 0,
                        POSTEL_PHASE_GREETING, "the server's reply" },
                { "nothing", { { NULL, NULL, DIALOGUE_CLOSE } }, POSTEL_IO, 0, POSTEL_PHASE_GREETING,
                        "the server closed the connection" },
                { "half of a line", { { NULL, "220 rea", DIALOGUE_CLOSE } }, POSTEL_IO, 0,
                        POSTEL_PHASE_GREETING, "the server closed the connection" },
                { "half of a reply", { { NULL, "220-a\r\n", DIALOGUE_CLOSE } }, POSTEL_IO, 0,
                        POSTEL_PHASE_GREETING, "the server closed the connection" },
                { "an answer to EHLO before it is asked",
                        { { NULL, "220 a\r\n250-x\r\n250 AUTH PLAIN\r\n", LEAVES } }, POSTEL_PROTOCOL, 0,
                        POSTEL_PHASE_EHLO, "that nobody asked for" },
        };

        check_openings(rows, COUNT(rows), NULL);
}

static void takes_the_reply_to_ehlo_for_what_it_says(void)
{
        static const struct opening rows[] = {
                { "250", { GREETS, OFFERS_NOTHING, QUITS } },
                { "250 without text", { GREETS, { EHLO, "250\r\n" }, QUITS } },
                { "250 of many lines",
                        { GREETS, { EHLO, "250-a\r\n250-\r\n250-SIZE\r\n250 X\r\n" }, QUITS } },
                { "4yz", { GREETS, { EHLO, "450 later\r\n" }, QUITS }, POSTEL_DEFERRED, 450,
                        POSTEL_PHASE_EHLO, "EHLO was refused: 450 later" },
                { "another 5yz", { GREETS, { EHLO, "554 no\r\n" }, QUITS }, POSTEL_REJECTED, 554,
                        POSTEL_PHASE_EHLO, "EHLO was refused: 554 no" },
                { "a name that is refused", { GREETS, { EHLO, "501 who?\r\n" }, QUITS }, POSTEL_REJECTED, 501,
                        POSTEL_PHASE_EHLO, "EHLO was refused: 501 who?" },
                { "500, and HELO", { GREETS, { EHLO, "500 what?\r\n" }, HELLO("250 x\r\n"), QUITS } },
                { "502, and HELO", { GREETS, { EHLO, "502 what?\r\n" }, HELLO("250 x\r\n"), QUITS } },
                { "504, and HELO", { GREETS, { EHLO, "504-a\r\n504 b\r\n" }, HELLO("250 x\r\n"), QUITS } },
                { "500 twice", { GREETS, { EHLO, "500 what?\r\n" }, HELLO("500 no\r\n"), QUITS },
                        POSTEL_REJECTED, 500, POSTEL_PHASE_EHLO, "HELO was refused: 500 no" },
                { "500, and 421",
                        { GREETS, { EHLO, "500 what?\r\n" },
                                { "HELO client.example\r\n", "421 bye\r\n", LEAVES } },
                        POSTEL_DEFERRED, 421, POSTEL_PHASE_EHLO, "421 bye" },
                { "500, and another 2yz",
                        { GREETS, { EHLO, "500 what?\r\n" },
                                { "HELO client.example\r\n", "220 x\r\n", LEAVES } },
                        POSTEL_PROTOCOL, 220, POSTEL_PHASE_EHLO, "220 x" },
                { "421", { GREETS, { EHLO, "421 bye\r\n", LEAVES } }, POSTEL_DEFERRED, 421, POSTEL_PHASE_EHLO,
                        "421 bye" },
                { "another 2yz", { GREETS, { EHLO, "220 x\r\n", LEAVES } }, POSTEL_PROTOCOL, 220,
                        POSTEL_PHASE_EHLO, "220 x" },
                { "3yz", { GREETS, { EHLO, "334 \r\n", LEAVES } }, POSTEL_PROTOCOL, 334, POSTEL_PHASE_EHLO,
                        "334" },
                { "garbage", { GREETS, { EHLO, "hello\r\n", LEAVES } }, POSTEL_PROTOCOL, 0, POSTEL_PHASE_EHLO,
                        "the server's reply" },
                { "reset", { GREETS, { EHLO, NULL, DIALOGUE_RESET } }, POSTEL_IO, 0, POSTEL_PHASE_EHLO,
                        "lost" },
                { "closed", { GREETS, { EHLO, "250-a\r\n", DIALOGUE_CLOSE } }, POSTEL_IO, 0,
                        POSTEL_PHASE_EHLO, "the server closed the connection" },
        };

        check_openings(rows, COUNT(rows), NULL);
}

/* What a client says of itself on a host of that name. */
struct naming {
        const char *host_name;
        postel_connection *connection;
        postel_status status;
};

/* Of the names of a host each thread may see its own (CLONE_NEWUTS), if it is allowed to. */
static void *connect_as_host(void *argument)
{
        struct naming *naming = argument;

        if (unshare(CLONE_NEWUTS) != 0 || sethostname(naming->host_name, strlen(naming->host_name)) != 0)
                naming->host_name = NULL;
        naming->status = postel_connect(naming->connection, 10000, NULL);
        return NULL;
}

static void finds_a_name_for_itself(void)
{
        static const struct {
                const char *host_name, *want;
        } rows[] = {
                { "mail.postel.example", "EHLO mail.postel.example\r\nQUIT\r\n" },
                { "localhost", "EHLO [127.0.0.1]\r\nQUIT\r\n" },
                { "localhost.localdomain", "EHLO [127.0.0.1]\r\nQUIT\r\n" },
                { "not_a_name.example", "EHLO [127.0.0.1]\r\nQUIT\r\n" },
        };
        static const struct exchange script[] = { GREETS, { "EHLO %\r\n", "250 x\r\n" }, QUITS };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                postel_config *config = plain_config(dialogue_port(dialogue));
                struct naming naming = { .host_name = rows[i].host_name };
                pthread_t thread;
                harness_row("%s", rows[i].host_name);
                postel_config_set_ehlo_name(config, NULL);
                REQUIRE(postel_connection_new(config, &naming.connection, NULL) == POSTEL_OK);
                postel_config_free(&config);
                REQUIRE(pthread_create(&thread, NULL, connect_as_host, &naming) == 0);
                pthread_join(thread, NULL);
                CHECK_INT(naming.status, POSTEL_OK);
                hang_up(&naming.connection);
                CHECK(dialogue_await_end(dialogue, 0));
                char *received = dialogue_received(dialogue, 0, NULL);
                if (naming.host_name)
                        CHECK_STR(received, rows[i].want);
                else
                        CHECK(strchr(received, '.') != NULL);
                free(received);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void gives_the_name_that_was_set(void)
{
        static const char *const names[] = { "client.example", "x", "[192.0.2.1]", "[IPv6:2001:db8::1]" };

        for (size_t i = 0; i < COUNT(names); i++) {
                char ehlo[64];
                snprintf(ehlo, sizeof(ehlo), "EHLO %s\r\n", names[i]);
                const struct exchange script[] = { GREETS, { ehlo, "250 x\r\n" }, QUITS };
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                postel_config *config = plain_config(dialogue_port(dialogue));
                postel_config_set_ehlo_name(config, names[i]);
                postel_connection *connection = dial_well(config);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void tells_what_is_offered(void)
{
        static const struct exchange script[] = { GREETS,
                { EHLO, "250-mail.example greets you\r\n250-SIZE 1000\r\n250-auth PLAIN LOGIN\r\n"
                        "250-PIPELININGX\r\n250-8BITMIME\r\n250 X-ODD  a  b\r\n" },
                QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));
        postel_capabilities *capabilities = NULL;

        REQUIRE(postel_connection_capabilities(connection, 1000, &capabilities, NULL) == POSTEL_OK);
        hang_up(&connection); /* the snapshot lives on */
        CHECK(postel_capabilities_has(capabilities, "SIZE"));
        CHECK(postel_capabilities_has(capabilities, "8bitmime"));
        CHECK(!postel_capabilities_has(capabilities, "PIPELINING"));
        CHECK(!postel_capabilities_has(capabilities, "PLAIN"));
        CHECK(!postel_capabilities_has(capabilities, "mail.example"));
        CHECK(!postel_capabilities_has(capabilities, ""));
        CHECK(!postel_capabilities_has(capabilities, NULL));
        CHECK_STR(postel_capabilities_parameters(capabilities, "AUTH"), "PLAIN LOGIN");
        CHECK_STR(postel_capabilities_parameters(capabilities, "8BITMIME"), "");
        CHECK_STR(postel_capabilities_parameters(capabilities, "x-odd"), "a  b");
        CHECK_STR(postel_capabilities_parameters(capabilities, "STARTTLS"), NULL);
        CHECK_INT(postel_capabilities_max_size(capabilities), 1000);
        CHECK_INT(postel_capabilities_line_count(capabilities), 6);
        CHECK_STR(postel_capabilities_line(capabilities, 0), "mail.example greets you");
        CHECK_STR(postel_capabilities_line(capabilities, 2), "auth PLAIN LOGIN");
        CHECK_STR(postel_capabilities_line(capabilities, 5), "X-ODD  a  b");
        CHECK_STR(postel_capabilities_line(capabilities, 6), NULL);
        postel_capabilities_free(&capabilities);
        CHECK(capabilities == NULL);
        postel_capabilities_free(&capabilities);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- STARTTLS ---- */

static void with_starttls(postel_config *config)
{
        postel_config_set_tls(config, POSTEL_TLS_STARTTLS);
}

#define STARTTLS(reply, how)                       \
        {                                          \
                GREETS, OFFERS_STARTTLS,           \
                {                                  \
                        "STARTTLS\r\n", reply, how \
                }                                  \
        }
#define IS_NOT_OFFERED POSTEL_TLS, 0, POSTEL_PHASE_TLS, "the server does not offer STARTTLS"

static void ends_a_session_that_cannot_be_protected(void)
{
        static const struct opening rows[] = {
                { "not offered", { GREETS, OFFERS_NOTHING, QUITS }, IS_NOT_OFFERED },
                { "another word with it in front", { GREETS, { EHLO, "250-x\r\n250 STARTTLSX\r\n" }, QUITS },
                        IS_NOT_OFFERED },
                { "another word with it behind", { GREETS, { EHLO, "250-x\r\n250 XSTARTTLS\r\n" }, QUITS },
                        IS_NOT_OFFERED },
                { "another word with a hyphen", { GREETS, { EHLO, "250-x\r\n250 STARTTLS-1\r\n" }, QUITS },
                        IS_NOT_OFFERED },
                { "a parameter of that name", { GREETS, { EHLO, "250-x\r\n250 AUTH STARTTLS\r\n" }, QUITS },
                        IS_NOT_OFFERED },
                { "a server of that name", { GREETS, { EHLO, "250-STARTTLS\r\n250 SIZE\r\n" }, QUITS },
                        IS_NOT_OFFERED },
                { "refused for now", STARTTLS("454 not now\r\n", LEAVES), POSTEL_TLS, 454, POSTEL_PHASE_TLS,
                        "STARTTLS was refused: 454 not now" },
                { "refused for good", STARTTLS("502 no\r\n", LEAVES), POSTEL_TLS, 502, POSTEL_PHASE_TLS,
                        "STARTTLS was refused: 502 no" },
                { "421", STARTTLS("421 bye\r\n", LEAVES), POSTEL_DEFERRED, 421, POSTEL_PHASE_TLS, "421 bye" },
                { "another 2yz", STARTTLS("250 ok\r\n", LEAVES), POSTEL_PROTOCOL, 250, POSTEL_PHASE_TLS,
                        "250 ok" },
                { "garbage", STARTTLS("\x15\x03\x03\r\n", LEAVES), POSTEL_PROTOCOL, 0, POSTEL_PHASE_TLS,
                        "the server's reply" },
                { "closed", STARTTLS(NULL, DIALOGUE_CLOSE), POSTEL_IO, 0, POSTEL_PHASE_TLS,
                        "the server closed the connection" },
                { "a reply behind the 220", STARTTLS("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n", LEAVES),
                        POSTEL_TLS, 0, POSTEL_PHASE_TLS, "23 octets wait behind the reply to STARTTLS" },
                { "one octet behind the 220", STARTTLS("220 go\r\n\x16", LEAVES), POSTEL_TLS, 0,
                        POSTEL_PHASE_TLS, "1 octets wait behind the reply to STARTTLS" },
                { "no TLS behind the 220",
                        { GREETS, OFFERS_STARTTLS, { "STARTTLS\r\n", "220 go\r\n" },
                                { "\x16\x03", "250 hello\r\n", DIALOGUE_EARLY | DIALOGUE_CLOSE } },
                        POSTEL_TLS, 0, POSTEL_PHASE_TLS, "" },
                { "closed within the handshake",
                        { GREETS, { EHLO, "250-x\r\n250 starttls\r\n" }, { "STARTTLS\r\n", "220 go\r\n" },
                                { "\x16\x03", NULL, DIALOGUE_EARLY | DIALOGUE_CLOSE } },
                        POSTEL_TLS, 0, POSTEL_PHASE_TLS,
                        "the server closed the connection during the TLS handshake" },
        };

        check_openings(rows, COUNT(rows), with_starttls);
}

static void with_starttls_and_login(postel_config *config)
{
        with_login(config);
        with_starttls(config);
}

static void gives_no_password_to_a_session_that_cannot_be_protected(void)
{
        static const struct opening rows[] = {
                { "not offered", { GREETS, OFFERS_PLAIN, QUITS }, IS_NOT_OFFERED },
                { "refused",
                        { GREETS, { EHLO, "250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n" },
                                { "STARTTLS\r\n", "454 no\r\n", LEAVES } },
                        POSTEL_TLS, 454, POSTEL_PHASE_TLS, "STARTTLS was refused" },
        };

        check_openings(rows, COUNT(rows), with_starttls_and_login);
}

static void in_two_seconds(postel_config *config)
{
        with_starttls(config);
        postel_config_set_phase_timeout_ms(config, 2000);
}

static void does_not_wait_for_a_handshake_for_ever(void)
{
        static const struct opening row = { "",
                { GREETS, OFFERS_STARTTLS, { "STARTTLS\r\n", "220 go\r\n" },
                        { "\x16\x03", NULL, DIALOGUE_EARLY | LEAVES } },
                POSTEL_TIMEOUT, 0, POSTEL_PHASE_TLS, "the TLS handshake did not end in time" };

        check_opening(&row, in_two_seconds);
}

static void with_opportunistic_tls(postel_config *config)
{
        postel_config_set_tls(config, POSTEL_TLS_OPPORTUNISTIC);
}

static void goes_on_in_the_clear_where_that_is_allowed(void)
{
        static const struct opening rows[] = {
                { "not offered", { GREETS, OFFERS_NOTHING, QUITS } },
                { "refused", { GREETS, OFFERS_STARTTLS, { "STARTTLS\r\n", "454 no\r\n" }, QUITS } },
                { "octets behind the 220", STARTTLS("220 go\r\n250 x\r\n", LEAVES), POSTEL_TLS, 0,
                        POSTEL_PHASE_TLS, "7 octets wait" },
                { "no handshake",
                        { GREETS, OFFERS_STARTTLS, { "STARTTLS\r\n", "220 go\r\n" },
                                { "\x16\x03", NULL, DIALOGUE_EARLY | DIALOGUE_CLOSE } },
                        POSTEL_TLS, 0, POSTEL_PHASE_TLS, "during the TLS handshake" },
        };

        check_openings(rows, COUNT(rows), with_opportunistic_tls);
}

static void with_opportunistic_tls_and_login(postel_config *config)
{
        with_login(config);
        with_opportunistic_tls(config);
}

static void with_plaintext_and_forbidden_login(postel_config *config)
{
        with_login(config);
        postel_config_set_allow_plaintext_auth(config, 0);
}

/* The error comes before AUTH: the only words behind EHLO are goodbye. */
static void gives_no_password_in_the_clear(void)
{
        static const struct opening rows[] = {
                { "offered", { GREETS, OFFERS_PLAIN, QUITS }, POSTEL_AUTH, 0, POSTEL_PHASE_AUTH,
                        "without TLS, which is not allowed" },
                { "not offered", { GREETS, OFFERS_NOTHING, QUITS }, POSTEL_AUTH, 0, POSTEL_PHASE_AUTH, "" },
        };

        check_openings(rows, COUNT(rows), with_plaintext_and_forbidden_login);
        check_openings(rows, COUNT(rows), with_opportunistic_tls_and_login);
}

/* ---- TLS with a real server ---- */

static postel_config *sink_config(const struct sink *sink, postel_tls tls)
{
        postel_config *config =
                plain_config(tls == POSTEL_TLS_IMPLICIT ? sink_smtps_port(sink) : sink_smtp_port(sink));

        postel_config_set_host(config, "localhost");
        postel_config_set_tls(config, tls);
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_config_set_user(config, SINK_USER);
        postel_config_set_password(config, SINK_PASSWORD);
        return config;
}

static void verifies_who_it_talks_to(void)
{
        struct sink *sink = sink_start(NULL), *other = sink_start(NULL);
        const struct {
                const char *host, *server_name, *ca_file;
                const char *refused; /* NULL: it is the one */
        } rows[] = {
                { "localhost", NULL, sink_ca_file(sink), NULL },
                { "127.0.0.1", NULL, sink_ca_file(sink), NULL },
                { "127.0.0.1", "localhost", sink_ca_file(sink), NULL },
                { "127.0.0.1", "LOCALHOST", sink_ca_file(sink), NULL },
                { "localhost", "127.0.0.1", sink_ca_file(sink), NULL },
                { "localhost", "::1", sink_ca_file(sink), NULL },
                { "localhost", "mail.example", sink_ca_file(sink), "the certificate of mail.example is not" },
                { "localhost", "localhost.example", sink_ca_file(sink), "the certificate of localhost.exam" },
                { "localhost", "127.0.0.2", sink_ca_file(sink), "the certificate of 127.0.0.2 is not" },
                { "localhost", NULL, sink_ca_file(other), "the certificate of localhost is not trusted" },
                { "localhost", NULL, NULL, "the certificate of localhost is not trusted" },
        };
        const postel_tls kinds[] = { POSTEL_TLS_IMPLICIT, POSTEL_TLS_STARTTLS, POSTEL_TLS_OPPORTUNISTIC };

        for (size_t i = 0; i < COUNT(rows) * COUNT(kinds); i++) {
                const postel_tls kind = kinds[i % COUNT(kinds)];
                const size_t at = i / COUNT(kinds);
                postel_config *config = sink_config(sink, kind);
                postel_connection *connection;
                postel_error error;
                long long authentications = sink_stats(sink, "authentications");
                harness_row("%zu, kind %d", at, (int)kind);
                postel_config_set_host(config, rows[at].host);
                postel_config_set_server_name(config, rows[at].server_name);
                postel_config_set_ca_file(config, rows[at].ca_file);
                postel_status status = dial(config, &connection, &error);
                CHECK_INT(status, rows[at].refused ? POSTEL_TLS : POSTEL_OK);
                check_text(error.message, rows[at].refused ? rows[at].refused : "");
                if (rows[at].refused)
                        CHECK_INT(error.phase, POSTEL_PHASE_TLS);
                CHECK_INT(postel_connection_is_secure(connection), !rows[at].refused);
                CHECK_INT(sink_stats(sink, "authentications") - authentications, !rows[at].refused);
                postel_connection_free(&connection);
        }
        CHECK(sink_stop(&other));
        CHECK(sink_stop(&sink));
}

static void forgets_what_was_offered_in_the_clear(void)
{
        static const char *const options[] = { "--fault", "ehlo#3=close", NULL };
        struct sink *sink = sink_start(options);
        postel_capabilities *capabilities = NULL;
        postel_error error;
        struct trace trace = { .size = 0 };
        postel_config *config = sink_config(sink, POSTEL_TLS_STARTTLS);

        postel_config_set_trace(config, trace_line, &trace);
        postel_connection *connection = dial_well(config);
        REQUIRE(postel_connection_capabilities(connection, 1000, &capabilities, NULL) == POSTEL_OK);
        CHECK(!postel_capabilities_has(capabilities, "STARTTLS"));
        CHECK(postel_capabilities_has(capabilities, "AUTH"));
        postel_capabilities_free(&capabilities);
        const char *first = strstr(trace.text, "> EHLO client.example\n");
        REQUIRE(first != NULL);
        CHECK(strstr(first, "< 250-STARTTLS") || strstr(first, "< 250 STARTTLS"));
        CHECK(strstr(first + 1, "> EHLO client.example\n") != NULL);
        hang_up(&connection);

        /* Closed at the EHLO behind the handshake: what was heard before it is not known any more. */
        sink_control(sink, "clear fault");
        sink_control(sink, "set fault ehlo#2=close");
        CHECK_INT(dial(sink_config(sink, POSTEL_TLS_STARTTLS), &connection, &error), POSTEL_IO);
        CHECK_INT(error.phase, POSTEL_PHASE_EHLO);
        CHECK_INT(postel_connection_capabilities(connection, 1000, &capabilities, NULL), POSTEL_CLOSED);
        CHECK(capabilities == NULL);
        postel_connection_free(&connection);
        CHECK(sink_stop(&sink));
}

static void describes_the_protection(void)
{
        struct sink *sink = sink_start(NULL);
        postel_connection *connection = dial_well(sink_config(sink, POSTEL_TLS_IMPLICIT));
        char text[1024], part[8];

        size_t size = postel_connection_tls_description(connection, text, sizeof(text));
        CHECK_INT(size, strlen(text));
        CHECK(strncmp(text, "TLS1.3 TLS_", 11) == 0);
        check_text(text, "CN=localhost");
        CHECK_INT(postel_connection_tls_description(connection, part, sizeof(part)), size);
        CHECK_STR(part, "TLS1.3 ");
        CHECK_INT(postel_connection_tls_description(connection, NULL, 0), size);
        CHECK(postel_connection_phase_us(connection, POSTEL_PHASE_TLS) > 0);
        CHECK(postel_connection_phase_us(connection, POSTEL_PHASE_AUTH) > 0);
        CHECK_INT(postel_connection_phase_us(connection, POSTEL_PHASE_MAIL), 0);
        hang_up(&connection);
        CHECK(sink_stop(&sink));
}

/* ---- AUTH ---- */

#define EXCHANGE_FAILED POSTEL_PROTOCOL, 0, POSTEL_PHASE_AUTH, "the exchange failed"

static void logs_in(void)
{
        static const struct opening rows[] = {
                { "PLAIN in one round trip",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "235 hello\r\n" }, QUITS } },
                { "PLAIN by the old spelling", { GREETS, { EHLO, "250-x\r\n250 AUTH=LOGIN PLAIN\r\n" },
                                                       { AUTH_PLAIN, "235 hello\r\n" }, QUITS } },
                { "LOGIN where there is no PLAIN",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
                                { USER_BASE64 "\r\n", "334 UGFzc3dvcmQ6\r\n" },
                                { PASSWORD_BASE64 "\r\n", "235 hello\r\n" }, QUITS } },
                { "LOGIN without prompts", { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 \r\n" },
                                                   { USER_BASE64 "\r\n", "334\r\n" },
                                                   { PASSWORD_BASE64 "\r\n", "235 hello\r\n" }, QUITS } },
                { "not offered", { GREETS, OFFERS_NOTHING, QUITS }, POSTEL_AUTH, 0, POSTEL_PHASE_AUTH,
                        "the server does not offer AUTH" },
                { "nothing of ours offered",
                        { GREETS, { EHLO, "250-x\r\n250 AUTH CRAM-MD5 XPLAIN PLAINX\r\n" }, QUITS },
                        POSTEL_AUTH, 0, POSTEL_PHASE_AUTH,
                        "no AUTH mechanism that can be used: CRAM-MD5 XPLAIN PLAINX" },
                { "wrong password", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "535 5.7.8 wrong\r\n" }, QUITS },
                        POSTEL_AUTH, 535, POSTEL_PHASE_AUTH,
                        "the server did not let us log in: 535 5.7.8 wrong" },
                { "no authentication for now", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "454 db\r\n" }, QUITS },
                        POSTEL_AUTH, 454, POSTEL_PHASE_AUTH, "454 db" },
                { "refused at once", { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "504 no\r\n" }, QUITS },
                        POSTEL_AUTH, 504, POSTEL_PHASE_AUTH, "504 no" },
                { "refused at the user",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
                                { USER_BASE64 "\r\n", "535 who?\r\n" }, QUITS },
                        POSTEL_AUTH, 535, POSTEL_PHASE_AUTH, "535 who?" },
                { "421", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "421 bye\r\n", LEAVES } }, POSTEL_DEFERRED,
                        421, POSTEL_PHASE_AUTH, "421 bye" },
                { "another 2yz", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "250 ok\r\n", LEAVES } },
                        POSTEL_PROTOCOL, 250, POSTEL_PHASE_AUTH, "250 ok" },
                { "another 3yz", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "354 go\r\n", LEAVES } },
                        POSTEL_PROTOCOL, 354, POSTEL_PHASE_AUTH, "354 go" },
                { "closed", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, NULL, DIALOGUE_CLOSE } }, POSTEL_IO, 0,
                        POSTEL_PHASE_AUTH, "the server closed the connection" },
                { "PLAIN is asked on",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "334 \r\n" },
                                { "*\r\n", "501 cancelled\r\n", LEAVES } },
                        EXCHANGE_FAILED },
                { "PLAIN is asked on, and not in base64",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "334 ?\r\n" },
                                { "*\r\n", "501 cancelled\r\n", LEAVES } },
                        EXCHANGE_FAILED },
                { "LOGIN is asked on for ever",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 \r\n" },
                                { USER_BASE64 "\r\n", "334 \r\n" }, { PASSWORD_BASE64 "\r\n", "334 \r\n" },
                                { "*\r\n", "334 \r\n", LEAVES } },
                        EXCHANGE_FAILED },
                { "a challenge that is no base64",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 User name:\r\n" },
                                { "*\r\n", "501 cancelled\r\n", LEAVES } },
                        EXCHANGE_FAILED },
                { "closed when cancelled",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 ?\r\n" },
                                { "*\r\n", NULL, DIALOGUE_CLOSE } },
                        EXCHANGE_FAILED },
        };

        check_openings(rows, COUNT(rows), with_login);
}

static void with_mechanism_login(postel_config *config)
{
        with_login(config);
        postel_config_set_auth_mechanism(config, "login");
}

static void uses_the_mechanism_that_was_set(void)
{
        static const struct opening rows[] = {
                { "offered", { GREETS, OFFERS_PLAIN, { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" },
                                     { USER_BASE64 "\r\n", "334 UGFzc3dvcmQ6\r\n" },
                                     { PASSWORD_BASE64 "\r\n", "235 hello\r\n" }, QUITS } },
                { "not offered", { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" }, QUITS }, POSTEL_AUTH, 0,
                        POSTEL_PHASE_AUTH, "no AUTH mechanism that can be used: PLAIN" },
        };

        check_openings(rows, COUNT(rows), with_mechanism_login);
}

static void with_odd_credentials(postel_config *config)
{
        with_login(config);
        postel_config_set_user(config, "j\xc3\xb6rg");
        postel_config_set_password(config, "geheim \xc3\x9f=%");
}

static void with_empty_password(postel_config *config)
{
        with_login(config);
        postel_config_set_password(config, "");
}

static void sends_credentials_as_they_are(void)
{
        static const struct opening odd = { "",
                { GREETS, OFFERS_PLAIN, { "AUTH PLAIN AGrDtnJnAGdlaGVpbSDDnz0l\r\n", "235 hello\r\n" },
                        QUITS } };
        static const struct opening empty = { "",
                { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 \r\n" }, { USER_BASE64 "\r\n", "334 \r\n" },
                        { "\r\n", "235 hello\r\n" }, QUITS } };

        check_opening(&odd, with_odd_credentials);
        check_opening(&empty, with_empty_password);
}

static void encode_base64(char *out, const unsigned char *octets, size_t size)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < size; i += 3) {
                unsigned a = octets[i], b = i + 1 < size ? octets[i + 1] : 0,
                         c = i + 2 < size ? octets[i + 2] : 0;
                *out++ = digits[a >> 2];
                *out++ = digits[(a & 3) << 4 | b >> 4];
                *out++ = i + 1 < size ? digits[(b & 15) << 2 | c >> 6] : '=';
                *out++ = i + 2 < size ? digits[c & 63] : '=';
        }
        *out = '\0';
}

/* RFC 4954 section 4: the line with AUTH has 512 octets at most. */
static void waits_with_a_response_that_is_too_long_for_its_line(void)
{
        static const struct {
                size_t password;
                bool rides;
        } rows[] = { { 366, true }, { 367, true }, { 368, false }, { 1024, false } };

        for (size_t i = 0; i < COUNT(rows); i++) {
                unsigned char plain[1100] = "\0tim\0";
                char response[1500], line[1600], password[1025];
                harness_row("%zu", rows[i].password);
                memset(password, 'p', rows[i].password);
                password[rows[i].password] = '\0';
                memcpy(plain + 5, password, rows[i].password);
                encode_base64(response, plain, rows[i].password + 5);
                snprintf(line, sizeof(line), "%s%s\r\n", rows[i].rides ? "AUTH PLAIN " : "", response);
                CHECK(strlen(line) <= 512 || !rows[i].rides);
                const struct exchange at_once[] = { GREETS, OFFERS_PLAIN, { line, "235 hello\r\n" }, QUITS };
                const struct exchange later[] = { GREETS, OFFERS_PLAIN, { "AUTH PLAIN\r\n", "334 \r\n" },
                        { line, "235 hello\r\n" }, QUITS };
                struct dialogue *dialogue = rows[i].rides ? dialogue_start(at_once, COUNT(at_once))
                                                          : dialogue_start(later, COUNT(later));
                postel_config *config = plain_config(dialogue_port(dialogue));
                with_login(config);
                postel_config_set_password(config, password);
                postel_connection *connection = dial_well(config);
                CHECK_INT(postel_connection_is_authenticated(connection), 1);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void check_hides_secrets(const char *text)
{
        static const char *const secrets[] = { PASSWORD, PASSWORD_BASE64, PLAIN_BASE64 };

        for (size_t i = 0; i < COUNT(secrets); i++)
                if (!CHECK(!strstr(text, secrets[i])))
                        CHECK_STR(text, "");
}

static void shows_no_secret_that_a_server_repeats(void)
{
        static const struct {
                const char *name;
                struct exchange script[SCRIPT_MAX];
                postel_status status;
        } rows[] = {
                { "refused", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "535 " PASSWORD " is wrong\r\n" }, QUITS },
                        POSTEL_AUTH },
                { "refused in base64",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "535 not " PLAIN_BASE64 "\r\n" }, QUITS },
                        POSTEL_AUTH },
                { "in many lines",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "535-no\r\n535-x" PASSWORD "y\r\n535 no\r\n" },
                                QUITS },
                        POSTEL_AUTH },
                { "for now", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "454 " PASSWORD "\r\n" }, QUITS },
                        POSTEL_AUTH },
                { "421", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "421 " PASSWORD "\r\n", LEAVES } },
                        POSTEL_DEFERRED },
                { "wrong kind", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "250 " PASSWORD "\r\n", LEAVES } },
                        POSTEL_PROTOCOL },
                { "no reply", { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, PASSWORD "\r\n", LEAVES } },
                        POSTEL_PROTOCOL },
                { "LOGIN",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 \r\n" },
                                { USER_BASE64 "\r\n", "334 \r\n" },
                                { PASSWORD_BASE64 "\r\n", "535 " PASSWORD_BASE64 "?\r\n" }, QUITS },
                        POSTEL_AUTH },
                { "when cancelled",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "334 \r\n" },
                                { "*\r\n", "501 not " PLAIN_BASE64 "\r\n", LEAVES } },
                        POSTEL_PROTOCOL },
                { "as a challenge",
                        { GREETS, OFFERS_LOGIN, { "AUTH LOGIN\r\n", "334 " PASSWORD_BASE64 "\r\n" },
                                { USER_BASE64 "\r\n", "334 " PASSWORD "!\r\n" },
                                { "*\r\n", "501 " PASSWORD "\r\n", LEAVES } },
                        POSTEL_PROTOCOL },
                { "let in",
                        { GREETS, OFFERS_PLAIN, { AUTH_PLAIN, "235 " PASSWORD "\r\n" },
                                { "NOOP\r\n", "550 " PASSWORD "\r\n" }, QUITS },
                        POSTEL_OK },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(rows[i].script, script_count(rows[i].script));
                postel_config *config = plain_config(dialogue_port(dialogue));
                struct trace trace = { .size = 0 };
                postel_connection *connection;
                postel_error error;
                harness_row("%s", rows[i].name);
                with_login(config);
                postel_config_set_trace(config, trace_line, &trace);
                CHECK_INT(dial(config, &connection, &error), rows[i].status);
                check_hides_secrets(error.message);
                if (rows[i].status == POSTEL_OK)
                        CHECK_INT(postel_connection_noop(connection, 5000, &error), POSTEL_REJECTED);
                else
                        CHECK_INT(postel_connection_noop(connection, 5000, &error), POSTEL_CLOSED);
                check_hides_secrets(error.message);
                postel_connection_close(connection, 5000, NULL);
                postel_connection_free(&connection);
                check_hides_secrets(trace.text);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* Withholding what holds the password must not make a server deaf whose name has it in it. */
static void reads_an_offer_that_has_the_password_in_it(void)
{
        static const struct opening row = { "",
                { GREETS, { EHLO, "250-" PASSWORD ".example\r\n250 AUTH PLAIN\r\n" },
                        { AUTH_PLAIN, "235 hello\r\n" }, QUITS } };

        check_opening(&row, with_login);
}

static void traces_every_line(void)
{
        static const struct exchange script[] = { GREETS,
                { EHLO, "250-mail.example\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n" },
                { "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n" }, { USER_BASE64 "\r\n", "334 UGFzc3dvcmQ6\r\n" },
                { PASSWORD_BASE64 "\r\n", "235 hello\r\n" },
                { "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n",
                        "250 ok\r\n250-a \x1b[2J\r\n250 b\xff\r\n354 go\r\n" },
                { "secret content\r\n.\r\n", "250 queued\r\n" }, { "NOOP\r\n", "250\r\n" }, QUITS };
        static const char want[] = "< 220 mail.example ready\n"
                                   "> EHLO client.example\n"
                                   "< 250-mail.example\n"
                                   "< 250-PIPELINING\n"
                                   "< 250 AUTH LOGIN\n"
                                   "> AUTH LOGIN\n"
                                   "< 334 ***\n"
                                   "> ***\n"
                                   "< 334 ***\n"
                                   "> ***\n"
                                   "< 235 hello\n"
                                   "> MAIL FROM:<a@x.example>\n"
                                   "> RCPT TO:<b@y.example>\n"
                                   "> DATA\n"
                                   "< 250 ok\n"
                                   "< 250-a \\x1b[2J\n"
                                   "< 250 b\\xff\n"
                                   "< 354 go\n"
                                   "* 19 octets of content\n"
                                   "< 250 queued\n"
                                   "> NOOP\n"
                                   "< 250 \n"
                                   "> QUIT\n"
                                   "< 221 bye\n";
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = plain_config(dialogue_port(dialogue));
        struct trace trace = { .size = 0 };
        const char *const to[] = { "b@y.example" };
        char first[64];

        snprintf(first, sizeof(first), "* connected to 127.0.0.1 port %d\n", dialogue_port(dialogue));
        with_login(config);
        postel_config_set_trace(config, trace_line, &trace);
        postel_connection *connection = dial_well(config);
        CHECK_INT(postel_send(connection, "a@x.example", to, 1, "secret content", 14, 5000, NULL, NULL),
                POSTEL_OK);
        CHECK_INT(postel_connection_noop(connection, 5000, NULL), POSTEL_OK);
        hang_up(&connection);
        CHECK(strncmp(trace.text, first, strlen(first)) == 0);
        CHECK_STR(trace.text + strlen(first), want);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void traces_the_handshake_in_its_place(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = sink_config(sink, POSTEL_TLS_STARTTLS);
        struct trace trace = { .size = 0 };

        postel_config_set_trace(config, trace_line, &trace);
        postel_connection *connection = dial_well(config);
        hang_up(&connection);
        const char *order[] = { "* connected to localhost port", "\n< 220 ", "\n> EHLO client.example\n",
                "\n> STARTTLS\n< 220 ", "\n* TLS1.3 TLS_", "\n> EHLO client.example\n",
                "\n> AUTH PLAIN ***\n< 235 ", "\n> QUIT\n< 221 " };
        const char *at = trace.text;
        for (size_t i = 0; i < COUNT(order) && at; i++) {
                harness_row("%s", order[i]);
                at = strstr(at, order[i]);
                if (!CHECK(at != NULL))
                        CHECK_STR(trace.text, "");
        }
        CHECK(!strstr(trace.text, SINK_PASSWORD));
        CHECK(sink_stop(&sink));
}

/* ---- A session's life ---- */

static void tells_where_it_stands(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = sink_config(sink, POSTEL_TLS_STARTTLS);
        postel_connection *connection;

        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_NEW);
        CHECK_INT(postel_connection_is_secure(connection), 0);
        CHECK_INT(postel_connection_is_authenticated(connection), 0);
        CHECK_INT(postel_connection_is_shutting_down(connection), 0);
        CHECK_INT(postel_connect(connection, 10000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_READY);
        CHECK_INT(postel_connection_is_secure(connection), 1);
        CHECK_INT(postel_connection_is_authenticated(connection), 1);
        CHECK_INT(postel_connection_is_shutting_down(connection), 0);
        sink_control(sink, "set fault noop=421");
        CHECK_INT(postel_connection_noop(connection, 5000, NULL), POSTEL_DEFERRED);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
        CHECK_INT(postel_connection_is_shutting_down(connection), 1);
        postel_connection_free(&connection);
        CHECK(connection == NULL);
        postel_connection_free(&connection);
        postel_connection_free(NULL);
        CHECK(sink_stop(&sink));
}

static void names_states(void)
{
        static const char *const names[] = { "new", "connecting", "greeting", "ehlo", "starttls", "auth",
                "ready", "sending", "closed" };

        for (int i = 0; i < 9; i++)
                CHECK_STR(postel_state_name((postel_state)i), names[i]);
        CHECK_STR(postel_state_name((postel_state)9), "?");
        CHECK_STR(postel_state_name((postel_state)-1), "?");
}

struct call {
        postel_connection *connection;
        postel_status connected, sent;
};

static void *connect_and_send(void *argument)
{
        struct call *call = argument;
        const char *const to[] = { "b@y.example" };

        call->connected = postel_connect(call->connection, 20000, NULL);
        call->sent = postel_send(call->connection, "a@x.example", to, 1, "hi", 2, 20000, NULL, NULL);
        return NULL;
}

static void tells_others_what_it_is_doing(void)
{
        static const struct exchange script[] = { GREETS,
                { EHLO, "250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", DIALOGUE_HOLD },
                { AUTH_PLAIN, "235 hello\r\n", DIALOGUE_HOLD },
                { "MAIL FROM:<a@x.example>\r\n", "250 ok\r\n", DIALOGUE_HOLD },
                { "RCPT TO:<b@y.example>\r\n", "250 ok\r\n", DIALOGUE_HOLD },
                { "DATA\r\n", "354 go\r\n", DIALOGUE_HOLD }, { "hi\r\n.\r\n", "250 ok\r\n", DIALOGUE_HOLD },
                QUITS };
        static const postel_state want[] = { POSTEL_STATE_EHLO, POSTEL_STATE_AUTH, POSTEL_STATE_SENDING,
                POSTEL_STATE_SENDING, POSTEL_STATE_SENDING, POSTEL_STATE_SENDING };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = plain_config(dialogue_port(dialogue));
        struct call call = { 0 };
        pthread_t thread;

        with_login(config);
        REQUIRE(postel_connection_new(config, &call.connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        REQUIRE(pthread_create(&thread, NULL, connect_and_send, &call) == 0);
        for (size_t i = 0; i < COUNT(want); i++) {
                harness_row("%zu", i);
                CHECK(dialogue_await_hold(dialogue));
                CHECK_INT(postel_connection_state(call.connection), want[i]);
                CHECK_INT(postel_connection_is_authenticated(call.connection), i >= 2);
                CHECK_INT(postel_connection_is_secure(call.connection), 0);
                dialogue_release(dialogue);
        }
        pthread_join(thread, NULL);
        CHECK_INT(call.connected, POSTEL_OK);
        CHECK_INT(call.sent, POSTEL_OK);
        CHECK_INT(postel_connection_state(call.connection), POSTEL_STATE_READY);
        hang_up(&call.connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* What every call says on a connection that is not open. */
static void check_closed(postel_connection *connection, int code, const char *text)
{
        const char *const to[] = { "b@y.example", "c@y.example" };
        postel_result *result = NULL;
        postel_error error;

        CHECK_INT(postel_connection_noop(connection, 5000, &error), POSTEL_CLOSED);
        check_text(error.message, text);
        CHECK_INT(error.code, code);
        CHECK_INT(postel_connection_reset(connection, 5000, &error), POSTEL_CLOSED);
        check_text(error.message, text);
        CHECK_INT(postel_connection_reset(connection, 5000, NULL), POSTEL_CLOSED);
        CHECK_INT(
                postel_send(connection, "a@x.example", to, 2, "hi", 2, 5000, &result, &error), POSTEL_CLOSED);
        check_text(error.message, text);
        REQUIRE(result != NULL);
        CHECK_INT(postel_result_status(result), POSTEL_CLOSED);
        CHECK_INT(postel_result_recipient_count(result), 2);
        for (size_t i = 0; i < 2; i++)
                CHECK_INT(postel_result_recipient_outcome(result, i), POSTEL_OUTCOME_NOT_SENT);
        postel_result_free(&result);
}

static void asks_simple_things(void)
{
        static const struct {
                const char *name, *reply;
                unsigned how;
                postel_status status;
                int code;
                bool dead;
                const char *text;
        } rows[] = {
                { "yes", "250 ok\r\n", 0, POSTEL_OK, 0, false, "" },
                { "yes at length", "250-a\r\n250 b\r\n", 0, POSTEL_OK, 0, false, "" },
                { "another yes", "200 ok\r\n", 0, POSTEL_OK, 0, false, "" },
                { "no for now", "450 busy\r\n", 0, POSTEL_DEFERRED, 450, false, "was refused: 450 busy" },
                { "no", "502 no\r\n", 0, POSTEL_REJECTED, 502, false, "was refused: 502 no" },
                { "wrong kind", "354 go\r\n", LEAVES, POSTEL_PROTOCOL, 354, true, "354 go" },
                { "421", "421 bye\r\n", LEAVES, POSTEL_DEFERRED, 421, true, "421 bye" },
                { "garbage", "yes\r\n", LEAVES, POSTEL_PROTOCOL, 0, true, "the server's reply" },
                { "closed", NULL, DIALOGUE_CLOSE, POSTEL_IO, 0, true, "the server closed the connection" },
                { "half", "250-a\r\n25", DIALOGUE_CLOSE, POSTEL_IO, 0, true, "the server closed" },
                { "reset", NULL, DIALOGUE_RESET, POSTEL_IO, 0, true, "lost" },
        };
        static const struct {
                postel_status (*call)(postel_connection *, int, postel_error *);
                const char *line;
                postel_phase phase;
        } calls[] = {
                { postel_connection_noop, "NOOP\r\n", POSTEL_PHASE_NOOP },
                { postel_connection_reset, "RSET\r\n", POSTEL_PHASE_RSET },
        };

        for (size_t i = 0; i < COUNT(rows) * COUNT(calls); i++) {
                const size_t at = i / COUNT(calls), which = i % COUNT(calls);
                const struct exchange script[] = { GREETS, OFFERS_NOTHING,
                        { calls[which].line, rows[at].reply, rows[at].how }, { "NOOP\r\n", "250 ok\r\n" },
                        QUITS };
                struct dialogue *dialogue = dialogue_start(script, rows[at].dead ? 3 : COUNT(script));
                postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));
                postel_error error = { .message = "" };
                harness_row("%s to %.4s", rows[at].name, calls[which].line);
                CHECK_INT(calls[which].call(connection, 5000, &error), rows[at].status);
                check_text(error.message, rows[at].text);
                CHECK_INT(error.code, rows[at].code);
                if (rows[at].status != POSTEL_OK)
                        CHECK_INT(error.phase, calls[which].phase);
                CHECK_INT(postel_connection_is_shutting_down(connection), rows[at].code == 421);
                if (rows[at].dead)
                        check_closed(connection, rows[at].code, rows[at].text);
                else
                        CHECK_INT(postel_connection_noop(connection, 5000, NULL), POSTEL_OK);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void closes_for_good(void)
{
        static const struct exchange script[] = { GREETS, OFFERS_NOTHING, QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));

        for (int i = 0; i < 3; i++) {
                CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
        }
        check_closed(connection, 0, "it was closed");
        hang_up(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void closes_whatever_the_server_says(void)
{
        static const struct exchange ends[] = {
                { "QUIT\r\n", "500 no\r\n", LEAVES },
                { "QUIT\r\n", "421 bye\r\n", LEAVES },
                { "QUIT\r\n", "what\r\n", LEAVES },
                { "QUIT\r\n", NULL, DIALOGUE_CLOSE },
                { "QUIT\r\n", NULL, DIALOGUE_RESET },
                { "QUIT\r\n", NULL, LEAVES },
        };

        for (size_t i = 0; i < COUNT(ends); i++) {
                const struct exchange script[] = { GREETS, OFFERS_NOTHING, ends[i] };
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));
                harness_row("%zu", i);
                CHECK_INT(postel_connection_close(connection, i == 5 ? 50 : 5000, NULL), POSTEL_OK);
                CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
                postel_connection_free(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void connects_once(void)
{
        static const struct exchange script[] = { GREETS, OFFERS_NOTHING, { "NOOP\r\n", "250 ok\r\n" },
                QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));
        postel_error error;

        CHECK_INT(postel_connect(connection, 5000, &error), POSTEL_INVALID);
        check_text(error.message, "connection: has been connected before");
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_READY);
        CHECK_INT(postel_connection_noop(connection, 5000, NULL), POSTEL_OK);
        hang_up(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void says_nothing_before_it_is_connected(void)
{
        postel_config *config = plain_config(25);
        postel_connection *connection;
        postel_capabilities *capabilities = NULL;
        postel_error error;
        char text[8] = "x";

        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        check_closed(connection, 0, "the connection is not open");
        CHECK_INT(postel_connection_capabilities(connection, 5000, &capabilities, &error), POSTEL_CLOSED);
        CHECK(capabilities == NULL);
        CHECK_INT(postel_connection_tls_description(connection, text, sizeof(text)), 0);
        CHECK_STR(text, "");
        CHECK_INT(postel_connection_phase_us(connection, POSTEL_PHASE_CONNECT), 0);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_NEW);
        hang_up(&connection);
}

static void cannot_be_connected_once_closed(void)
{
        postel_config *config = plain_config(25);
        postel_connection *connection;

        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connect(connection, 5000, NULL), POSTEL_INVALID);
        hang_up(&connection);
}

static void refuses_arguments_that_are_none(void)
{
        postel_config *config = plain_config(25);
        postel_connection *connection;
        postel_capabilities *capabilities;
        postel_error error;

        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        CHECK_INT(postel_connect(connection, -2, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "timeout_ms: -2 is negative");
        CHECK_INT(postel_connection_noop(connection, -2, &error), POSTEL_INVALID);
        CHECK_INT(postel_connection_close(connection, -1000, &error), POSTEL_INVALID);
        CHECK_INT(postel_connect(NULL, 0, &error), POSTEL_INVALID);
        CHECK_STR(error.message, "connection: is missing");
        CHECK_INT(postel_connection_noop(NULL, 0, NULL), POSTEL_INVALID);
        CHECK_INT(postel_connection_capabilities(NULL, 0, &capabilities, NULL), POSTEL_INVALID);
        CHECK_INT(postel_connection_capabilities(connection, 0, NULL, NULL), POSTEL_INVALID);
        postel_connection_interrupt(NULL);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_NEW);
        postel_connection_free(&connection);
}

/* ---- Nobody there ---- */

static void tells_that_a_host_is_unknown(void)
{
        postel_config *config = plain_config(25);
        postel_connection *connection;
        postel_error error;
        char host[256] = "";

        /* As long as a name may be written, and longer than DNS can ask for: nobody is asked. */
        for (int i = 0; i < 63; i++)
                strcat(host, "abc.");
        strcat(host, "abc");
        postel_config_set_host(config, host);
        CHECK_INT(dial(config, &connection, &error), POSTEL_HOST_UNKNOWN);
        CHECK_INT(error.phase, POSTEL_PHASE_RESOLVE);
        check_text(error.message, "cannot resolve abc.abc.");
        check_closed(connection, 0, "cannot resolve abc.abc.");
        CHECK_INT(postel_connect(connection, 5000, &error), POSTEL_INVALID);
        hang_up(&connection);
}

static void tells_that_nobody_listens(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char text[64];

        /* A port that is taken, so that nobody else will listen there. */
        REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
        REQUIRE(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
        postel_connection *connection;
        postel_error error;
        CHECK_INT(dial(plain_config(ntohs(address.sin_port)), &connection, &error), POSTEL_CONNECT);
        CHECK_INT(error.phase, POSTEL_PHASE_CONNECT);
        CHECK_INT(error.system_error, ECONNREFUSED);
        snprintf(text, sizeof(text), "cannot connect to 127.0.0.1:%d: ", ntohs(address.sin_port));
        check_text(error.message, text);
        check_closed(connection, 0, text);
        hang_up(&connection);
        close(fd);
}

static void is_interrupted_before_it_begins(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0);
        REQUIRE(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
        postel_config *config = plain_config(ntohs(address.sin_port));
        postel_connection *connection;
        postel_error error;
        REQUIRE(postel_connection_new(config, &connection, NULL) == POSTEL_OK);
        postel_config_free(&config);
        postel_connection_interrupt(connection);
        CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_INTERRUPTED);
        CHECK(error.phase == POSTEL_PHASE_CONNECT || error.phase == POSTEL_PHASE_GREETING);
        check_closed(connection, 0, "interrupted");
        hang_up(&connection);
        close(fd);
}

static void tries_every_address(void)
{
        static const struct exchange script[] = { { NULL, "220 ready\r\n", LEAVES } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        struct sockaddr_in places[2];
        socklen_t size = sizeof(places[0]);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        for (int i = 0; i < 2; i++)
                places[i] = (struct sockaddr_in){ .sin_family = AF_INET,
                        .sin_port = htons((uint16_t)dialogue_port(dialogue)),
                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        places[0].sin_port = 0;
        REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&places[0], size) == 0);
        REQUIRE(getsockname(fd, (struct sockaddr *)&places[0], &size) == 0);
        struct addrinfo second = { .ai_family = AF_INET,
                .ai_socktype = SOCK_STREAM,
                .ai_addrlen = size,
                .ai_addr = (struct sockaddr *)&places[1] };
        struct addrinfo first = { .ai_family = AF_INET,
                .ai_socktype = SOCK_STREAM,
                .ai_addrlen = size,
                .ai_addr = (struct sockaddr *)&places[0],
                .ai_next = &second };

        const struct stream_address address = { .host = "two.example" };
        struct stream stream;
        postel_error error;
        REQUIRE(stream_init(&stream, &error) == POSTEL_OK);
        CHECK_INT(stream_connect(&stream, &address, &first, deadline_after_ms(10000), 10000, &error),
                POSTEL_OK);
        stream_deinit(&stream);
        close(fd);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- EHLO once more after AUTH ---- */

/* Sends a message that needs DSN. */
static postel_status send_with_dsn(postel_connection *connection, postel_error *error)
{
        postel_envelope *envelope = postel_envelope_new("a@x.example");
        postel_message *message = postel_message_from_memory("hi\r\n", 4);
        postel_result *result = NULL;

        postel_envelope_add_recipient(envelope, "b@y.example");
        postel_envelope_set_ret(envelope, POSTEL_RET_HDRS);
        error->message[0] = '\0';
        postel_status status = postel_send_with_params(connection, envelope, message, 5000, &result, error);
        CHECK_INT(postel_result_status(result), status);
        CHECK_INT(postel_result_recipient_outcome(result, 0),
                status == POSTEL_OK ? POSTEL_OUTCOME_ACCEPTED : POSTEL_OUTCOME_NOT_SENT);
        postel_result_free(&result);
        postel_message_free(&message);
        postel_envelope_free(&envelope);
        return status;
}

#define LOGS_IN                             \
        GREETS, OFFERS_PLAIN,               \
        {                                   \
                AUTH_PLAIN, "235 hello\r\n" \
        }
#define SENDS                                                                                \
        { "MAIL FROM:<a@x.example> RET=HDRS\r\n", "250 ok\r\n" },                            \
                { "RCPT TO:<b@y.example>\r\n", "250 ok\r\n" }, { "DATA\r\n", "354 go\r\n" }, \
        {                                                                                    \
                "hi\r\n.\r\n", "250 ok\r\n"                                                  \
        }

static void asks_again_before_it_refuses(void)
{
        static const struct {
                const char *name;
                struct exchange script[SCRIPT_MAX];
                postel_status first, second;
        } rows[] = {
                { "offered only after AUTH",
                        { LOGS_IN, { EHLO, "250-x\r\n250 DSN\r\n" }, SENDS, { "RSET\r\n", "250 ok\r\n" },
                                QUITS },
                        POSTEL_OK, POSTEL_INVALID },
                { "never offered: asked once", { LOGS_IN, { EHLO, "250 x\r\n" }, QUITS }, POSTEL_UNSUPPORTED,
                        POSTEL_UNSUPPORTED },
                { "refused to say: what was said holds", { LOGS_IN, { EHLO, "503 again?\r\n" }, QUITS },
                        POSTEL_UNSUPPORTED, POSTEL_UNSUPPORTED },
                { "wrong kind", { LOGS_IN, { EHLO, "354 go\r\n", LEAVES } }, POSTEL_PROTOCOL, POSTEL_CLOSED },
                { "421", { LOGS_IN, { EHLO, "421 bye\r\n", LEAVES } }, POSTEL_DEFERRED, POSTEL_CLOSED },
                { "closed", { LOGS_IN, { EHLO, NULL, DIALOGUE_CLOSE } }, POSTEL_IO, POSTEL_CLOSED },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(rows[i].script, script_count(rows[i].script));
                postel_config *config = plain_config(dialogue_port(dialogue));
                postel_error error;
                harness_row("%s", rows[i].name);
                with_login(config);
                postel_connection *connection = dial_well(config);
                CHECK_INT(send_with_dsn(connection, &error), rows[i].first);
                if (rows[i].first == POSTEL_UNSUPPORTED)
                        check_text(error.message, "the server does not offer DSN");
                if (rows[i].second != POSTEL_INVALID)
                        CHECK_INT(send_with_dsn(connection, &error), rows[i].second);
                else
                        CHECK_INT(postel_connection_reset(connection, 5000, NULL), POSTEL_OK);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* Without AUTH nothing can have changed. */
static void does_not_ask_again_without_a_login(void)
{
        static const struct exchange script[] = { GREETS, OFFERS_NOTHING, QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = dial_well(plain_config(dialogue_port(dialogue)));
        postel_error error;

        CHECK_INT(send_with_dsn(connection, &error), POSTEL_UNSUPPORTED);
        hang_up(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static const struct test tests[] = {
        { "takes a greeting for what it says", takes_a_greeting_for_what_it_says },
        { "takes the reply to EHLO for what it says", takes_the_reply_to_ehlo_for_what_it_says },
        { "finds a name for itself", finds_a_name_for_itself },
        { "gives the name that was set", gives_the_name_that_was_set },
        { "tells what is offered", tells_what_is_offered },
        { "ends a session that cannot be protected", ends_a_session_that_cannot_be_protected },
        { "gives no password to a session that cannot be protected",
                gives_no_password_to_a_session_that_cannot_be_protected },
        { "does not wait for a handshake for ever", does_not_wait_for_a_handshake_for_ever },
        { "goes on in the clear where that is allowed", goes_on_in_the_clear_where_that_is_allowed },
        { "gives no password in the clear", gives_no_password_in_the_clear },
        { "verifies who it talks to", verifies_who_it_talks_to },
        { "forgets what was offered in the clear", forgets_what_was_offered_in_the_clear },
        { "describes the protection", describes_the_protection },
        { "logs in", logs_in },
        { "uses the mechanism that was set", uses_the_mechanism_that_was_set },
        { "sends credentials as they are", sends_credentials_as_they_are },
        { "waits with a response that is too long for its line",
                waits_with_a_response_that_is_too_long_for_its_line },
        { "shows no secret that a server repeats", shows_no_secret_that_a_server_repeats },
        { "reads an offer that has the password in it", reads_an_offer_that_has_the_password_in_it },
        { "traces every line", traces_every_line },
        { "traces the handshake in its place", traces_the_handshake_in_its_place },
        { "tells where it stands", tells_where_it_stands },
        { "names states", names_states },
        { "tells others what it is doing", tells_others_what_it_is_doing },
        { "asks simple things", asks_simple_things },
        { "closes for good", closes_for_good },
        { "closes whatever the server says", closes_whatever_the_server_says },
        { "connects once", connects_once },
        { "says nothing before it is connected", says_nothing_before_it_is_connected },
        { "cannot be connected once closed", cannot_be_connected_once_closed },
        { "refuses arguments that are none", refuses_arguments_that_are_none },
        { "tells that a host is unknown", tells_that_a_host_is_unknown },
        { "tells that nobody listens", tells_that_nobody_listens },
        { "is interrupted before it begins", is_interrupted_before_it_begins },
        { "tries every address", tries_every_address },
        { "asks again before it refuses", asks_again_before_it_refuses },
        { "does not ask again without a login", does_not_ask_again_without_a_login },
};

int main(void)
{
        return harness_run("session", tests, COUNT(tests));
}
