/* SPDX-License-Identifier: MIT */
/* What a session says besides logging in and sending: LHLO, HELO, VRFY, EXPN, HELP, EHLO once more; and over
 * what. */

#include "dialogue.h"
#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define GREETS                                     \
        {                                          \
                NULL, "220 mail.example ready\r\n" \
        }
#define EHLO "EHLO client.example\r\n"
#define LHLO "LHLO client.example\r\n"
#define QUITS                                             \
        {                                                 \
                "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE \
        }
#define LEAVES DIALOGUE_AWAIT_CLOSE

static postel_config *plain_config(const struct dialogue *dialogue)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, dialogue_port(dialogue));
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        return config;
}

/* A connection made of the config, which is freed. */
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

static postel_connection *dial_well(postel_config *config)
{
        postel_connection *connection = connection_of(config);
        postel_error error = { .message = "" };

        CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        return connection;
}

static void hang_up(postel_connection **connection)
{
        CHECK_INT(postel_connection_close(*connection, 5000, NULL), POSTEL_OK);
        postel_connection_free(connection);
}

static void check_text(const char *text, const char *part)
{
        if (!CHECK(strstr(text, part) != NULL))
                CHECK_STR(text, part);
}

/* ---- LMTP and HELO ---- */

static void says_lhlo_in_lmtp(void)
{
        static const struct exchange script[] = { GREETS, { LHLO, "250-x\r\n250 PIPELINING\r\n" },
                { LHLO, "250 x\r\n" }, QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = plain_config(dialogue);

        postel_config_set_protocol(config, POSTEL_PROTOCOL_LMTP);
        postel_connection *connection = dial_well(config);
        CHECK_INT(postel_connection_protocol(connection), POSTEL_PROTOCOL_LMTP);
        CHECK_INT(postel_connection_rehlo(connection, 5000, NULL), POSTEL_OK);
        hang_up(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

struct needs {
        const char *name;
        postel_protocol protocol;
        postel_tls tls;
        bool user;
        bool falls_back;
};

/* 502 to EHLO, by what is asked for. */
static void says_helo_only_where_nothing_more_is_needed(void)
{
        static const struct needs rows[] = {
                { "nothing", POSTEL_PROTOCOL_SMTP, POSTEL_TLS_NONE, false, true },
                { "TLS if there is any", POSTEL_PROTOCOL_SMTP, POSTEL_TLS_OPPORTUNISTIC, false, true },
                { "TLS", POSTEL_PROTOCOL_SMTP, POSTEL_TLS_STARTTLS, false, false },
                { "a login", POSTEL_PROTOCOL_SMTP, POSTEL_TLS_NONE, true, false },
                { "LMTP", POSTEL_PROTOCOL_LMTP, POSTEL_TLS_NONE, false, false },
        };
        static const struct exchange falling[] = { GREETS, { EHLO, "502 5.5.1 what?\r\n" },
                { "HELO client.example\r\n", "250-mail.example\r\n250 PIPELINING\r\n" }, QUITS };
        static const struct exchange smtp[] = { GREETS, { EHLO, "502 5.5.1 what?\r\n" }, QUITS };
        static const struct exchange lmtp[] = { GREETS, { LHLO, "502 5.5.1 what?\r\n" }, QUITS };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange *script = rows[i].falls_back ? falling : rows[i].protocol ? lmtp : smtp;
                struct dialogue *dialogue = dialogue_start(script, rows[i].falls_back ? 4 : 3);
                postel_config *config = plain_config(dialogue);
                postel_error error = { .message = "" };
                harness_row("%s", rows[i].name);
                postel_config_set_protocol(config, rows[i].protocol);
                postel_config_set_tls(config, rows[i].tls);
                if (rows[i].user) {
                        postel_config_set_user(config, "tim");
                        postel_config_set_password(config, "secret");
                        postel_config_set_allow_plaintext_auth(config, 1);
                }
                postel_connection *connection = connection_of(config);
                postel_status status = postel_connect(connection, 10000, &error);
                CHECK_INT(status, rows[i].falls_back ? POSTEL_OK : POSTEL_REJECTED);
                if (rows[i].falls_back) {
                        postel_capabilities *capabilities = NULL;
                        REQUIRE(postel_connection_capabilities(connection, 1000, &capabilities, NULL) ==
                                POSTEL_OK);
                        CHECK_INT(postel_capabilities_line_count(capabilities), 1);
                        CHECK_STR(postel_capabilities_line(capabilities, 0), "mail.example");
                        CHECK(!postel_capabilities_has(capabilities, "PIPELINING"));
                        postel_capabilities_free(&capabilities);
                } else {
                        CHECK_INT(error.code, 502);
                        CHECK_INT(error.phase, POSTEL_PHASE_EHLO);
                        check_text(error.message, rows[i].protocol ? "LHLO was refused" : "EHLO was refused");
                }
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* ---- VRFY, EXPN, HELP ---- */

typedef postel_status (*command)(postel_connection *connection, const char *argument, int timeout_ms,
        postel_reply **reply, postel_error *error);

#define OFFERS_ALL                                                           \
        {                                                                    \
                EHLO, "250-x\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n" \
        }
#define OFFERS_NOTHING            \
        {                         \
                EHLO, "250 x\r\n" \
        }

static void asks_what_a_server_says(void)
{
        static const struct {
                const char *name;
                command call;
                const char *argument;
                struct exchange hello, exchange; /* no exchange: nothing is written */
                postel_status status;
                int code;
                const char *enhanced, *text; /* of the reply */
                postel_phase phase; /* of the error */
                bool ends;
        } rows[] = {
                { "VRFY", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "250 2.1.5 Tim <tim@x.example>\r\n" }, POSTEL_OK, 250, "2.1.5",
                        "2.1.5 Tim <tim@x.example>" },
                { "VRFY that says nothing", postel_connection_vrfy, "tim@x.example", OFFERS_NOTHING,
                        { "VRFY tim@x.example\r\n", "252 2.5.0 try\r\n" }, POSTEL_OK, 252, "", "2.5.0 try" },
                { "VRFY of nobody", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "550 5.1.1 who?\r\n" }, POSTEL_REJECTED, 550, "5.1.1", "5.1.1 who?",
                        POSTEL_PHASE_VRFY },
                { "VRFY of too many", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "553-Ambiguous\r\n553-<a@x>\r\n553 <b@x>\r\n" }, POSTEL_REJECTED,
                        553, "", "Ambiguous\n<a@x>\n<b@x>", POSTEL_PHASE_VRFY },
                { "VRFY in UTF-8", postel_connection_vrfy, "j\xc3\xb6rg", OFFERS_ALL,
                        { "VRFY j\xc3\xb6rg SMTPUTF8\r\n", "250 ok\r\n" }, POSTEL_OK, 250, "", "ok" },
                { "VRFY in UTF-8, not offered", postel_connection_vrfy, "j\xc3\xb6rg", OFFERS_NOTHING,
                        { NULL }, POSTEL_UNSUPPORTED, 0, "", "", POSTEL_PHASE_VRFY },
                { "VRFY of two commands", postel_connection_vrfy, "a\r\nRSET", OFFERS_ALL, { NULL },
                        POSTEL_INVALID },
                { "VRFY of nothing", postel_connection_vrfy, "", OFFERS_ALL, { NULL }, POSTEL_INVALID },
                { "VRFY of NULL", postel_connection_vrfy, NULL, OFFERS_ALL, { NULL }, POSTEL_INVALID },
                { "VRFY, 3yz", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "354 go\r\n", LEAVES }, POSTEL_PROTOCOL, 0, "", "",
                        POSTEL_PHASE_VRFY, true },
                { "VRFY, garbage", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "hello\r\n", LEAVES }, POSTEL_PROTOCOL, 0, "", "",
                        POSTEL_PHASE_VRFY, true },
                { "VRFY, 421", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "421 4.3.2 bye\r\n", LEAVES }, POSTEL_DEFERRED, 421, "4.3.2",
                        "4.3.2 bye", POSTEL_PHASE_VRFY, true },
                { "VRFY, closed", postel_connection_vrfy, "tim", OFFERS_ALL,
                        { "VRFY tim\r\n", "250-x\r\n", DIALOGUE_CLOSE }, POSTEL_IO, 0, "", "",
                        POSTEL_PHASE_VRFY, true },
                { "EXPN", postel_connection_expn, "list", OFFERS_ALL,
                        { "EXPN list\r\n", "250-<a@x>\r\n250-\r\n250 <b@x>\r\n" }, POSTEL_OK, 250, "",
                        "<a@x>\n\n<b@x>" },
                { "EXPN refused", postel_connection_expn, "list", OFFERS_ALL,
                        { "EXPN list\r\n", "450 4.2.0 later\r\n" }, POSTEL_DEFERRED, 450, "4.2.0",
                        "4.2.0 later", POSTEL_PHASE_EXPN },
                { "EXPN in UTF-8, not offered", postel_connection_expn, "\xc3\xa4", OFFERS_NOTHING, { NULL },
                        POSTEL_UNSUPPORTED, 0, "", "", POSTEL_PHASE_EXPN },
                { "EXPN in UTF-8", postel_connection_expn, "\xc3\xa4", OFFERS_ALL,
                        { "EXPN \xc3\xa4 SMTPUTF8\r\n", "250 ok\r\n" }, POSTEL_OK, 250, "", "ok" },
                { "HELP", postel_connection_help, NULL, OFFERS_ALL,
                        { "HELP\r\n", "214-a\r\n214-b\tc\r\n214 d\r\n" }, POSTEL_OK, 214, "", "a\nb\tc\nd" },
                { "HELP with a topic", postel_connection_help, "MAIL", OFFERS_ALL,
                        { "HELP MAIL\r\n", "211 x\r\n" }, POSTEL_OK, 211, "", "x" },
                { "HELP refused", postel_connection_help, NULL, OFFERS_ALL,
                        { "HELP\r\n", "502 5.5.1 no\r\n" }, POSTEL_REJECTED, 502, "5.5.1", "5.5.1 no",
                        POSTEL_PHASE_HELP },
                { "HELP in UTF-8", postel_connection_help, "\xc3\xa4", OFFERS_ALL, { NULL }, POSTEL_INVALID },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct exchange script[4] = { GREETS, rows[i].hello, rows[i].exchange, QUITS };
                size_t count = rows[i].ends ? 3 : 4;
                if (!rows[i].exchange.expect) {
                        script[2] = script[3];
                        count = 3;
                }
                struct dialogue *dialogue = dialogue_start(script, count);
                postel_connection *connection = dial_well(plain_config(dialogue));
                postel_reply *const untouched = (postel_reply *)&script;
                postel_reply *reply = untouched;
                postel_error error = { .message = "" };
                harness_row("%s", rows[i].name);
                CHECK_INT(rows[i].call(connection, rows[i].argument, 5000, &reply, &error), rows[i].status);
                CHECK(reply != untouched);
                CHECK_INT(reply != NULL, rows[i].code != 0);
                CHECK_INT(postel_reply_code(reply), rows[i].code);
                CHECK_STR(postel_reply_enhanced(reply), rows[i].enhanced ? rows[i].enhanced : "");
                CHECK_STR(postel_reply_text(reply), rows[i].text ? rows[i].text : "");
                if (rows[i].status != POSTEL_OK) {
                        CHECK_INT(error.status, rows[i].status);
                        CHECK_INT(error.phase, rows[i].phase);
                }
                postel_reply_free(&reply);
                CHECK(reply == NULL);
                CHECK_INT(postel_connection_state(connection),
                        rows[i].ends ? POSTEL_STATE_CLOSED : POSTEL_STATE_READY);
                CHECK_INT(postel_connection_is_shutting_down(connection), rows[i].code == 421);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
        postel_reply_free(NULL);
}

/* What a server repeats of a password may be in the reply, which is its own words, and in no error. */
static void shows_no_secret_that_a_server_repeats(void)
{
        static const struct exchange script[] = { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" },
                { "AUTH PLAIN AHRpbQBodW50ZXIyMg==\r\n", "235 ok\r\n" }, { "VRFY a\r\n", "550 hunter22\r\n" },
                { "HELP\r\n", "354 hunter22\r\n", LEAVES } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = plain_config(dialogue);
        postel_error error = { .message = "" };
        postel_reply *reply;

        postel_config_set_user(config, "tim");
        postel_config_set_password(config, "hunter22");
        postel_config_set_allow_plaintext_auth(config, 1);
        postel_connection *connection = dial_well(config);
        CHECK_INT(postel_connection_vrfy(connection, "a", 5000, &reply, &error), POSTEL_REJECTED);
        check_text(error.message, "VRFY was refused: 550 (a text that held a secret)");
        CHECK(!strstr(postel_reply_text(reply), "hunter22"));
        postel_reply_free(&reply);
        CHECK_INT(postel_connection_help(connection, NULL, 5000, NULL, &error), POSTEL_PROTOCOL);
        check_text(error.message, "HELP was refused: 354 (a text that held a secret)");
        postel_connection_free(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void asks_nothing_on_what_is_closed(void)
{
        static const struct exchange script[] = { GREETS, OFFERS_NOTHING, QUITS };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = connection_of(plain_config(dialogue));
        postel_reply *reply = NULL;

        CHECK_INT(postel_connection_vrfy(connection, "a", 1000, &reply, NULL), POSTEL_CLOSED);
        CHECK_INT(postel_connection_rehlo(connection, 1000, NULL), POSTEL_CLOSED);
        CHECK_INT(postel_connect(connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_help(connection, NULL, 1000, &reply, NULL), POSTEL_CLOSED);
        CHECK_INT(postel_connection_rehlo(connection, 1000, NULL), POSTEL_CLOSED);
        CHECK_INT(postel_connection_help(connection, NULL, -2, &reply, NULL), POSTEL_INVALID);
        CHECK_INT(postel_connection_vrfy(NULL, "a", 1000, &reply, NULL), POSTEL_INVALID);
        CHECK_INT(postel_connection_set_ehlo_name(NULL, "a", 1000, NULL), POSTEL_INVALID);
        CHECK(reply == NULL);
        postel_connection_free(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- EHLO once more ---- */

static void introduces_itself_anew(void)
{
        static const struct exchange script[] = { GREETS, { "EHLO first.example\r\n", "250 x\r\n" },
                { "EHLO first.example\r\n", "250-x\r\n250-AUTH PLAIN X-OWN\r\n250 LIMITS RCPTMAX=7\r\n" },
                { "EHLO [192.0.2.1]\r\n", "550 no\r\n" }, { "EHLO [192.0.2.1]\r\n", "250 y\r\n" },
                { "EHLO %\r\n", "421 bye\r\n", LEAVES } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_connection *connection = connection_of(plain_config(dialogue));
        postel_capabilities *capabilities = NULL;
        postel_error error = { .message = "" };

        /* It counts before the first EHLO, too. */
        CHECK_INT(postel_connection_set_ehlo_name(connection, "first.example", 1000, NULL), POSTEL_OK);
        CHECK_INT(postel_connect(connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_rehlo(connection, 5000, NULL), POSTEL_OK);
        REQUIRE(postel_connection_capabilities(connection, 1000, &capabilities, NULL) == POSTEL_OK);
        CHECK_INT(postel_capabilities_has_mechanism(capabilities, "x-own"), 1);
        CHECK_INT(postel_capabilities_has_mechanism(capabilities, "X"), 0);
        CHECK_INT(postel_capabilities_has_mechanism(capabilities, ""), 0);
        CHECK_INT(postel_capabilities_has_mechanism(capabilities, NULL), 0);
        CHECK_INT(postel_capabilities_has_mechanism(NULL, "PLAIN"), 0);
        CHECK_INT(postel_capabilities_limit(capabilities, "RCPTMAX"), 7);
        CHECK_INT(postel_capabilities_limit(capabilities, "MAILMAX"), 0);
        CHECK_INT(postel_capabilities_limit(NULL, "MAILMAX"), 0);
        postel_capabilities_free(&capabilities);

        CHECK_INT(postel_connection_set_ehlo_name(connection, "a b", 1000, &error), POSTEL_INVALID);
        check_text(error.message, "EHLO name: has a space");
        CHECK_INT(postel_connection_set_ehlo_name(connection, "[192.0.2.1]", 1000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_rehlo(connection, 5000, &error), POSTEL_REJECTED);
        check_text(error.message, "EHLO was refused: 550 no");
        /* The offer of before holds on. */
        REQUIRE(postel_connection_capabilities(connection, 1000, &capabilities, NULL) == POSTEL_OK);
        CHECK_INT(postel_capabilities_limit(capabilities, "RCPTMAX"), 7);
        postel_capabilities_free(&capabilities);
        CHECK_INT(postel_connection_rehlo(connection, 5000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_set_ehlo_name(connection, NULL, 1000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_rehlo(connection, 5000, &error), POSTEL_DEFERRED);
        CHECK_INT(error.code, 421);
        CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
        postel_connection_free(&connection);
        char *received = dialogue_received(dialogue, 0, NULL);
        const char *last = strrchr(received, 'E');
        CHECK(last && !strstr(last, "first.example") && !strstr(last, "client.example") &&
                !strstr(last, "192.0.2.1"));
        free(received);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- Unix sockets ---- */

struct place {
        char directory[64], path[80];
};

static void make_place(struct place *place)
{
        strcpy(place->directory, "/tmp/postel-test-commands-XXXXXX");
        REQUIRE(mkdtemp(place->directory) != NULL);
        snprintf(place->path, sizeof(place->path), "%s/so cket", place->directory);
}

static void talks_over_unix_sockets(void)
{
        static const postel_protocol protocols[] = { POSTEL_PROTOCOL_SMTP, POSTEL_PROTOCOL_LMTP };
        struct place place;

        make_place(&place);
        for (size_t i = 0; i < COUNT(protocols); i++) {
                const struct exchange script[] = { GREETS,
                        { protocols[i] ? "LHLO %\r\n" : "EHLO %\r\n", "250 x\r\n" }, QUITS };
                struct dialogue *dialogue = dialogue_start_unix(place.path, script, COUNT(script));
                postel_config *config = postel_config_new();
                harness_row("protocol %d", (int)protocols[i]);
                postel_config_set_protocol(config, protocols[i]);
                postel_config_set_socket_path(config, place.path);
                postel_config_set_tls(config, POSTEL_TLS_NONE);
                postel_connection *connection = dial_well(config);
                hang_up(&connection);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
        rmdir(place.directory);
}

static void reads_the_path_from_a_url(void)
{
        static const struct exchange script[] = { GREETS, { "LHLO %\r\n", "250 x\r\n" }, QUITS };
        struct place place;
        postel_config *config;
        char url[200];

        make_place(&place);
        struct dialogue *dialogue = dialogue_start_unix(place.path, script, COUNT(script));
        snprintf(url, sizeof(url), "lmtp+unix:%s/so%%20cket", place.directory);
        REQUIRE(postel_config_from_url(url, &config, NULL) == POSTEL_OK);
        postel_connection *connection = dial_well(config);
        hang_up(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        rmdir(place.directory);
}

static void tells_what_is_wrong_with_a_unix_socket(void)
{
        struct place place;
        postel_error error = { .message = "" };

        make_place(&place);
        postel_config *config = postel_config_new();
        postel_config_set_socket_path(config, place.path);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_connection *connection = connection_of(config);
        CHECK_INT(postel_connect(connection, 1000, &error), POSTEL_CONNECT);
        CHECK_INT(error.phase, POSTEL_PHASE_CONNECT);
        check_text(error.message, "cannot connect to /tmp/postel-test-commands-");
        check_text(error.message, "No such file or directory");
        postel_connection_free(&connection);
        rmdir(place.directory);
}

static void *connect_patiently(void *argument)
{
        static postel_status status;

        status = postel_connect(argument, 30000, NULL);
        return &status;
}

/* A Unix socket whose queue is full says so, rather than letting anybody wait. */
static void waits_for_a_unix_socket_with_a_full_queue(void)
{
        struct place place;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int waiting[2];

        make_place(&place);
        strcpy(address.sun_path, place.path);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                listen(listener, 0) == 0);
        for (size_t i = 0; i < COUNT(waiting); i++) {
                waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                int result = connect(waiting[i], (struct sockaddr *)&address, sizeof(address));
                CHECK_INT(result, i == 0 ? 0 : -1);
        }
        for (size_t i = 0; i < 2; i++) {
                postel_config *config = postel_config_new();
                postel_error error = { .message = "" };
                pthread_t thread;
                void *status;
                harness_row("%zu", i);
                postel_config_set_socket_path(config, place.path);
                postel_config_set_tls(config, POSTEL_TLS_NONE);
                postel_connection *connection = connection_of(config);
                if (i == 0) {
                        CHECK_INT(postel_connect(connection, 60, &error), POSTEL_TIMEOUT);
                        CHECK_INT(error.phase, POSTEL_PHASE_CONNECT);
                        check_text(error.message, "did not answer in time");
                } else {
                        REQUIRE(pthread_create(&thread, NULL, connect_patiently, connection) == 0);
                        while (postel_connection_state(connection) == POSTEL_STATE_NEW)
                                sched_yield();
                        postel_connection_interrupt(connection);
                        pthread_join(thread, &status);
                        CHECK_INT(*(postel_status *)status, POSTEL_INTERRUPTED);
                }
                postel_connection_free(&connection);
        }
        for (size_t i = 0; i < COUNT(waiting); i++)
                close(waiting[i]);
        close(listener);
        unlink(place.path);
        rmdir(place.directory);
}

static void gives_no_password_to_a_unix_socket_unasked(void)
{
        static const struct exchange script[] = { GREETS, { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" }, QUITS };
        struct place place;
        postel_error error = { .message = "" };

        make_place(&place);
        struct dialogue *dialogue = dialogue_start_unix(place.path, script, COUNT(script));
        postel_config *config = plain_config(dialogue);
        postel_config_set_socket_path(config, place.path);
        postel_config_set_user(config, "tim");
        postel_config_set_password(config, "secret");
        postel_connection *connection = connection_of(config);
        CHECK_INT(postel_connect(connection, 5000, &error), POSTEL_AUTH);
        check_text(error.message, "without TLS, which is not allowed");
        postel_connection_free(&connection);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        rmdir(place.directory);
}

/* ---- Details of TLS ---- */

static void tells_details_of_the_protection(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = postel_config_new();
        char text[8192], part[8], first[128] = "", pem[8192] = "";

        postel_config_set_host(config, "localhost");
        postel_config_set_port(config, sink_smtps_port(sink));
        postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_connection *connection = connection_of(config);
        strcpy(text, "x");
        CHECK_INT(postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_VERSION, text, sizeof(text)), 0);
        CHECK_STR(text, "");
        CHECK_INT(postel_connect(connection, 10000, NULL), POSTEL_OK);
        CHECK_INT(postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_VERSION, text, sizeof(text)), 6);
        CHECK_STR(text, "TLS1.3");
        CHECK_INT(postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_VERSION, part, 4), 6);
        CHECK_STR(part, "TLS");
        postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_CIPHER_SUITE, text, sizeof(text));
        CHECK(strncmp(text, "TLS_", 4) == 0);
        postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_RESUMED, text, sizeof(text));
        CHECK_STR(text, "no");
        CHECK_INT(postel_connection_tls_detail(connection, (postel_tls_detail)4, text, sizeof(text)), 0);
        CHECK_STR(text, "");
        CHECK_INT(postel_connection_tls_detail(connection, (postel_tls_detail)-1, text, sizeof(text)), 0);
        CHECK_INT(postel_connection_tls_detail(NULL, POSTEL_TLS_DETAIL_VERSION, text, sizeof(text)), 0);
        size_t size =
                postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_CERTIFICATE, text, sizeof(text));
        CHECK_INT(size, strlen(text));
        CHECK_INT(postel_connection_tls_detail(connection, POSTEL_TLS_DETAIL_CERTIFICATE, NULL, 0), size);
        /* The sink's certificate is its own authority. */
        FILE *file = fopen(sink_ca_file(sink), "re");
        REQUIRE(file != NULL);
        while (fgets(first, sizeof(first), file) && strncmp(first, "-----BEGIN CERT", 15) != 0)
                continue;
        strcpy(pem, first);
        size_t got = fread(pem + strlen(first), 1, sizeof(pem) - strlen(first) - 1, file);
        CHECK(got > 0);
        fclose(file);
        CHECK_STR(text, pem);
        hang_up(&connection);
        CHECK(sink_stop(&sink));
}

static const struct test tests[] = {
        { "says LHLO in LMTP", says_lhlo_in_lmtp },
        { "says HELO only where nothing more is needed", says_helo_only_where_nothing_more_is_needed },
        { "asks what a server says", asks_what_a_server_says },
        { "shows no secret that a server repeats", shows_no_secret_that_a_server_repeats },
        { "asks nothing on what is closed", asks_nothing_on_what_is_closed },
        { "introduces itself anew", introduces_itself_anew },
        { "talks over Unix sockets", talks_over_unix_sockets },
        { "reads the path from a URL", reads_the_path_from_a_url },
        { "tells what is wrong with a Unix socket", tells_what_is_wrong_with_a_unix_socket },
        { "waits for a Unix socket with a full queue", waits_for_a_unix_socket_with_a_full_queue },
        { "gives no password to a Unix socket unasked", gives_no_password_to_a_unix_socket_unasked },
        { "tells details of the protection", tells_details_of_the_protection },
};

int main(void)
{
        return harness_run("commands", tests, COUNT(tests));
}
