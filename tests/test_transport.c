/* SPDX-License-Identifier: MIT */
/* Sessions over a transport of the caller: one that goes through a socket of its own, and is as awkward as
 * the contract allows. */

#include "dialogue.h"
#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
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

/* ---- The transport ---- */

enum trouble {
        NO_TROUBLE,
        OPEN_FAILS,
        OPEN_FAILS_WITHOUT_REASON,
        READ_FAILS,
        READ_GIVES_TOO_MUCH,
        WRITE_FAILS,
        WRITE_TAKES_TOO_MUCH,
        WRITE_TAKES_NOTHING, /* 0 is "would block", too */
        WRITE_NEVER_TAKES_ANYTHING,
        WAIT_FAILS,
        TLS_FAILS
};

/* One transport, and what was done with it. */
struct proxy {
        int port;
        enum trouble trouble;
        size_t most; /* octets that read() and write() move at once; 0: any number */
        bool balks; /* every other write() would block */

        char host[64], server_name[64];
        int opened_port, timeout_ms, tls_timeout_ms;
        int opened, closed, calls_after_close, broken_promises;
        int longest_wait_ms;
        size_t calls_of_write;
        atomic_int waits, wakes;

        int fd, wake_fd;
        bool is_open;
        char *refused; /* what write() did not take, to see that it comes again */
        size_t refused_size;
};

static int proxy_open(void *user_data, const char *host, int port, int timeout_ms, void **stream,
        char *reason, size_t reason_size)
{
        struct proxy *proxy = user_data;
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_port = htons((uint16_t)proxy->port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

        CHECK_STR(reason, "");
        snprintf(proxy->host, sizeof(proxy->host), "%s", host);
        proxy->opened_port = port;
        proxy->timeout_ms = timeout_ms;
        if (proxy->trouble == OPEN_FAILS)
                memset(reason, '\n', reason_size);
        if (proxy->trouble == OPEN_FAILS || proxy->trouble == OPEN_FAILS_WITHOUT_REASON)
                return 1;
        proxy->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        proxy->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (connect(proxy->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
                return 1;
        proxy->opened++;
        proxy->is_open = true;
        *stream = proxy;
        return 0;
}

static struct proxy *in_use(void *stream)
{
        struct proxy *proxy = stream;

        proxy->calls_after_close += !proxy->is_open;
        return proxy;
}

static long long proxy_read(void *stream, void *buffer, size_t size)
{
        struct proxy *proxy = in_use(stream);
        size_t most = proxy->most && proxy->most < size ? proxy->most : size;

        if (proxy->trouble == READ_FAILS)
                return POSTEL_TRANSPORT_FAULT;
        if (proxy->trouble == READ_GIVES_TOO_MUCH)
                return (long long)size + 1;
        ssize_t got = recv(proxy->fd, buffer, most, MSG_DONTWAIT);
        if (got < 0)
                return errno == EAGAIN ? POSTEL_TRANSPORT_AGAIN : POSTEL_TRANSPORT_FAULT;
        return got;
}

/* Whether this is what was refused before: as much, and the same. */
static void keep_promise(struct proxy *proxy, const void *octets, size_t size)
{
        if (proxy->refused && (size != proxy->refused_size || memcmp(octets, proxy->refused, size) != 0))
                proxy->broken_promises++;
        free(proxy->refused);
        proxy->refused = NULL;
}

static long long refuse(struct proxy *proxy, const void *octets, size_t size)
{
        proxy->refused = malloc(size);
        memcpy(proxy->refused, octets, size);
        proxy->refused_size = size;
        return proxy->trouble == WRITE_TAKES_NOTHING ? 0 : POSTEL_TRANSPORT_AGAIN;
}

static long long proxy_write(void *stream, const void *octets, size_t size)
{
        struct proxy *proxy = in_use(stream);
        size_t most = proxy->most && proxy->most < size ? proxy->most : size;

        keep_promise(proxy, octets, size);
        if (proxy->trouble == WRITE_FAILS)
                return POSTEL_TRANSPORT_FAULT;
        if (proxy->trouble == WRITE_TAKES_TOO_MUCH)
                return (long long)size + 1;
        if (proxy->trouble == WRITE_NEVER_TAKES_ANYTHING)
                return 0;
        if (proxy->balks && proxy->calls_of_write++ % 2 == 0)
                return refuse(proxy, octets, size);
        ssize_t put = send(proxy->fd, octets, most, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0)
                return errno == EAGAIN ? refuse(proxy, octets, size) : POSTEL_TRANSPORT_FAULT;
        return put;
}

static int proxy_wait(void *stream, int writing, int timeout_ms)
{
        struct proxy *proxy = in_use(stream);
        struct pollfd polled[] = {
                { .fd = proxy->fd, .events = (short)(writing ? POLLIN | POLLOUT : POLLIN) },
                { .fd = proxy->wake_fd, .events = POLLIN },
        };
        eventfd_t count;

        if (timeout_ms > 0)
                atomic_fetch_add(&proxy->waits, 1);
        if (timeout_ms > proxy->longest_wait_ms)
                proxy->longest_wait_ms = timeout_ms;
        if (proxy->trouble == WAIT_FAILS && timeout_ms > 0)
                return POSTEL_TRANSPORT_FAULT;
        poll(polled, 2, timeout_ms);
        if (polled[1].revents)
                eventfd_read(proxy->wake_fd, &count);
        return polled[0].revents != 0;
}

static void proxy_wake(void *stream)
{
        struct proxy *proxy = stream;

        atomic_fetch_add(&proxy->wakes, 1);
        eventfd_write(proxy->wake_fd, 1);
}

static int proxy_start_tls(
        void *stream, const char *server_name, int timeout_ms, char *reason, size_t reason_size)
{
        struct proxy *proxy = in_use(stream);

        snprintf(proxy->server_name, sizeof(proxy->server_name), "%s", server_name);
        proxy->tls_timeout_ms = timeout_ms;
        if (proxy->trouble != TLS_FAILS)
                return 0;
        snprintf(reason, reason_size, "an\x1bother %s", server_name);
        return POSTEL_TRANSPORT_FAULT;
}

static void proxy_close(void *stream)
{
        struct proxy *proxy = in_use(stream);

        proxy->is_open = false;
        proxy->closed++;
        close(proxy->fd);
        close(proxy->wake_fd);
        free(proxy->refused);
        proxy->refused = NULL;
}

static const postel_transport transport = { proxy_open, proxy_read, proxy_write, proxy_wait, proxy_wake, NULL,
        proxy_close };

static postel_config *proxy_config(struct proxy *proxy)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_transport(config, &transport, proxy);
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

/* The connection is closed and freed, and the stream with it. */
static void check_end(postel_connection **connection, const struct proxy *proxy)
{
        postel_connection_free(connection);
        CHECK_INT(proxy->closed, proxy->opened);
        CHECK(proxy->opened <= 1);
        CHECK_INT(proxy->calls_after_close, 0);
        CHECK_INT(proxy->broken_promises, 0);
}

/* ---- Tests ---- */

static void talks_through_it(void)
{
        static const struct {
                const char *name;
                size_t most;
                bool balks;
                enum trouble trouble;
        } rows[] = {
                { "at its ease", 0, false, NO_TROUBLE },
                { "octet by octet", 1, false, NO_TROUBLE },
                { "with refusals", 0, true, NO_TROUBLE },
                { "with refusals that are 0", 0, true, WRITE_TAKES_NOTHING },
                { "octet by octet, with refusals", 3, true, NO_TROUBLE },
        };
        static const struct exchange script[] = { GREETS, { EHLO, "250-x\r\n250 PIPELINING\r\n" },
                { "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n",
                        "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n" },
                { "one\r\ntwo\r\n.\r\n", "250 taken\r\n" }, QUITS };
        static const char *const to[] = { "b@x.example", "c@x.example" };
        static const char *const hosts[] = { NULL, "mail.example" };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                struct proxy proxy = { .port = dialogue_port(dialogue),
                        .most = rows[i].most,
                        .balks = rows[i].balks,
                        .trouble = rows[i].trouble };
                postel_config *config = proxy_config(&proxy);
                postel_error error = { .message = "" };
                harness_row("%s", rows[i].name);
                postel_config_set_host(config, hosts[i % 2]);
                postel_config_set_chunking(config, POSTEL_CHUNKING_NEVER);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
                CHECK_STR(proxy.host, hosts[i % 2] ? hosts[i % 2] : "");
                CHECK_INT(proxy.opened_port, 25);
                CHECK(proxy.timeout_ms > 0 && proxy.timeout_ms <= 10000);
                CHECK_INT(postel_connection_is_secure(connection), 0);
                CHECK_INT(postel_send(connection, "a@x.example", to, 2, "one\ntwo", 7, 10000, NULL, &error),
                        POSTEL_OK);
                CHECK_STR(error.message, "");
                CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                CHECK_INT(proxy.closed, 1);
                check_end(&connection, &proxy);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* Many slices, and one that is big. */
static void carries_much(void)
{
        struct sink *sink = sink_start(NULL);
        struct proxy proxy = { .port = sink_smtp_port(sink), .most = 10007, .balks = true };
        postel_connection *connection = connection_of(proxy_config(&proxy));
        const char *const to[] = { "b@x.example" };
        const size_t size = 3000000;
        char *body = malloc(size);
        postel_error error = { .message = "" };

        for (size_t i = 0; i < size; i++)
                body[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
        /* Newlines of all kinds make slices of all sizes. */
        memset(body + 1000, 'x', 100000);
        for (size_t i = 1060; i < 101000; i += 900)
                memcpy(body + i, "\r\n", 2);
        CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
        CHECK_INT(postel_send(connection, "a@x.example", to, 1, body, size, 60000, NULL, &error), POSTEL_OK);
        CHECK_STR(error.message, "");
        CHECK_INT(sink_stats(sink, "messages"), 1);
        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
        check_end(&connection, &proxy);
        free(body);
        CHECK(sink_stop(&sink));
}

static void protects_it_by_tls_of_ours(void)
{
        struct sink *sink = sink_start(NULL);
        const char *const to[] = { "b@x.example" };
        const struct {
                postel_tls tls;
                const char *server_name;
                postel_status status;
        } rows[] = {
                { POSTEL_TLS_IMPLICIT, "localhost", POSTEL_OK },
                { POSTEL_TLS_STARTTLS, "localhost", POSTEL_OK },
                { POSTEL_TLS_OPPORTUNISTIC, "localhost", POSTEL_OK },
                { POSTEL_TLS_IMPLICIT, "mail.example", POSTEL_TLS },
        };
        static char body[100000];

        memset(body, 'b', sizeof(body));
        for (size_t i = 0; i < COUNT(rows); i++) {
                bool implicit = rows[i].tls == POSTEL_TLS_IMPLICIT;
                struct proxy proxy = { .port = implicit ? sink_smtps_port(sink) : sink_smtp_port(sink),
                        .most = 777,
                        .balks = true };
                postel_config *config = proxy_config(&proxy);
                postel_error error = { .message = "" };
                char text[512];
                harness_row("%zu", i);
                postel_config_set_tls(config, rows[i].tls);
                CHECK_INT(postel_config_check(config, &error), POSTEL_INVALID);
                check_text(error.message, "server name: is missing, as is the host, and there is TLS");
                error.message[0] = '\0';
                postel_config_set_server_name(config, rows[i].server_name);
                postel_config_set_ca_file(config, sink_ca_file(sink));
                postel_config_set_user(config, SINK_USER);
                postel_config_set_password(config, SINK_PASSWORD);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 10000, &error), rows[i].status);
                if (rows[i].status == POSTEL_OK) {
                        CHECK_STR(error.message, "");
                        CHECK_INT(postel_connection_is_secure(connection), 1);
                        CHECK(postel_connection_tls_description(connection, text, sizeof(text)) > 0);
                        CHECK_INT(postel_send(connection, "a@x.example", to, 1, body, sizeof(body), 30000,
                                          NULL, &error),
                                POSTEL_OK);
                        CHECK_STR(error.message, "");
                        CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                } else {
                        check_text(error.message, "the certificate of mail.example is not trusted");
                }
                check_end(&connection, &proxy);
        }
        CHECK(sink_stop(&sink));
}

static postel_config *protected_config(struct proxy *proxy, postel_tls tls)
{
        postel_transport protecting = transport;
        postel_config *config = proxy_config(proxy);

        protecting.start_tls = proxy_start_tls;
        postel_config_set_transport(config, &protecting, proxy); /* copied */
        memset(&protecting, 0, sizeof(protecting));
        postel_config_set_tls(config, tls);
        postel_config_set_user(config, "tim");
        postel_config_set_password(config, "tanstaaftanstaaf");
        return config;
}

#define LOGS_IN                                                                \
        { EHLO, "250-x\r\n250 AUTH PLAIN\r\n" },                               \
        {                                                                      \
                "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", "235 hello\r\n" \
        }

static void leaves_tls_to_it(void)
{
        static const struct exchange implicit[] = { GREETS, LOGS_IN, QUITS };
        static const struct exchange starttls[] = { GREETS, { EHLO, "250-x\r\n250 STARTTLS\r\n" },
                { "STARTTLS\r\n", "220 go\r\n" }, LOGS_IN, QUITS };
        static const struct exchange lmtp[] = { GREETS,
                { "LHLO client.example\r\n", "250-x\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "220 go\r\n" },
                { "LHLO client.example\r\n", "250-x\r\n250 AUTH PLAIN\r\n" },
                { "AUTH PLAIN %\r\n", "235 hello\r\n" }, QUITS };
        const struct {
                postel_tls tls;
                const struct exchange *script;
                size_t count;
                const char *host, *server_name, *want;
                postel_protocol protocol;
        } rows[] = {
                { POSTEL_TLS_IMPLICIT, implicit, COUNT(implicit), NULL, NULL, "" },
                { POSTEL_TLS_IMPLICIT, implicit, COUNT(implicit), "mail.example", NULL, "mail.example" },
                { POSTEL_TLS_STARTTLS, starttls, COUNT(starttls), "mail.example", "x.example", "x.example" },
                { POSTEL_TLS_STARTTLS, lmtp, COUNT(lmtp), "mail.example", NULL, "mail.example",
                        POSTEL_PROTOCOL_LMTP },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(rows[i].script, rows[i].count);
                struct proxy proxy = { .port = dialogue_port(dialogue) };
                postel_config *config = protected_config(&proxy, rows[i].tls);
                postel_error error = { .message = "" };
                char text[64] = "x";
                harness_row("%zu", i);
                postel_config_set_host(config, rows[i].host);
                postel_config_set_server_name(config, rows[i].server_name);
                postel_config_set_protocol(config, rows[i].protocol);
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 10000, &error), POSTEL_OK);
                CHECK_STR(error.message, "");
                CHECK_STR(proxy.server_name, rows[i].want);
                CHECK(proxy.tls_timeout_ms > 0 && proxy.tls_timeout_ms <= 10000);
                CHECK_INT(postel_connection_is_secure(connection), 1);
                CHECK_INT(postel_connection_is_authenticated(connection), 1);
                CHECK_INT(postel_connection_tls_description(connection, text, sizeof(text)), 0);
                CHECK_STR(text, "");
                CHECK_INT(postel_connection_tls_detail(
                                  connection, POSTEL_TLS_DETAIL_VERSION, text, sizeof(text)),
                        0);
                CHECK_INT(postel_connection_close(connection, 5000, NULL), POSTEL_OK);
                check_end(&connection, &proxy);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void tells_what_it_failed_on(void)
{
        static const struct exchange silent[] = { { NULL, NULL, LEAVES } };
        static const struct exchange greeting[] = { GREETS, { NULL, NULL, LEAVES } };
        static const struct {
                enum trouble trouble;
                postel_status status;
                postel_phase phase;
                const char *text;
                bool connects, is_greeted;
        } rows[] = {
                { OPEN_FAILS, POSTEL_CONNECT, POSTEL_PHASE_CONNECT, "the transport cannot connect:  " },
                { OPEN_FAILS_WITHOUT_REASON, POSTEL_CONNECT, POSTEL_PHASE_CONNECT,
                        "the transport cannot connect" },
                { READ_FAILS, POSTEL_IO, POSTEL_PHASE_GREETING, "the transport failed", true, true },
                { READ_GIVES_TOO_MUCH, POSTEL_IO, POSTEL_PHASE_GREETING, "the transport failed", true, true },
                { WRITE_FAILS, POSTEL_IO, POSTEL_PHASE_EHLO, "the transport failed", true, true },
                { WRITE_TAKES_TOO_MUCH, POSTEL_IO, POSTEL_PHASE_EHLO, "the transport failed", true, true },
                { WAIT_FAILS, POSTEL_IO, POSTEL_PHASE_GREETING, "the transport failed", true, false },
                { TLS_FAILS, POSTEL_TLS, POSTEL_PHASE_TLS,
                        "the transport has no trusted TLS: an\\x1bother mail.example", true, false },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = NULL;
                struct proxy proxy = { .trouble = rows[i].trouble };
                postel_error error = { .message = "" };
                harness_row("%d", (int)rows[i].trouble);
                if (rows[i].connects)
                        dialogue = dialogue_start(
                                rows[i].is_greeted ? greeting : silent, rows[i].is_greeted ? 2 : 1);
                if (dialogue)
                        proxy.port = dialogue_port(dialogue);
                bool tls = rows[i].trouble == TLS_FAILS;
                postel_config *config =
                        tls ? protected_config(&proxy, POSTEL_TLS_IMPLICIT) : proxy_config(&proxy);
                postel_config_set_host(config, "mail.example");
                postel_connection *connection = connection_of(config);
                CHECK_INT(postel_connect(connection, 10000, &error), rows[i].status);
                CHECK_INT(error.phase, rows[i].phase);
                check_text(error.message, rows[i].text);
                CHECK_INT(proxy.opened, rows[i].connects);
                CHECK_INT(postel_connection_state(connection), POSTEL_STATE_CLOSED);
                check_end(&connection, &proxy);
                if (dialogue)
                        CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* ---- Interrupts and time ---- */

struct call {
        postel_connection *connection;
        postel_status status;
};

static void *noop(void *argument)
{
        struct call *call = argument;

        call->status = postel_connection_noop(call->connection, 60000, NULL);
        return NULL;
}

static long long now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void is_interrupted_within_a_wait(void)
{
        static const struct exchange script[] = { GREETS, OFFERS_NOTHING, { "NOOP\r\n", NULL, LEAVES } };

        for (int wakes = 0; wakes < 2; wakes++) {
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                struct proxy proxy = { .port = dialogue_port(dialogue) };
                postel_transport mine = transport;
                postel_config *config = proxy_config(&proxy);
                pthread_t thread;
                harness_row("%s", wakes ? "wake" : "no wake");
                if (!wakes)
                        mine.wake = NULL;
                postel_config_set_transport(config, &mine, &proxy);
                struct call call = { .connection = connection_of(config) };
                CHECK_INT(postel_connect(call.connection, 10000, NULL), POSTEL_OK);
                int before = atomic_load(&proxy.waits);
                REQUIRE(pthread_create(&thread, NULL, noop, &call) == 0);
                while (atomic_load(&proxy.waits) == before)
                        sched_yield();
                long long begun = now_ms();
                postel_connection_interrupt(call.connection);
                pthread_join(thread, NULL);
                CHECK(now_ms() - begun < 5000);
                CHECK_INT(call.status, POSTEL_INTERRUPTED);
                CHECK_INT(atomic_load(&proxy.wakes), wakes);
                CHECK(wakes ? proxy.longest_wait_ms > 1000 : proxy.longest_wait_ms <= 50);
                CHECK_INT(proxy.closed, 1);
                /* What is closed is not woken. */
                postel_connection_interrupt(call.connection);
                CHECK_INT(atomic_load(&proxy.wakes), wakes);
                check_end(&call.connection, &proxy);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void *interrupt(void *argument)
{
        postel_connection_interrupt(argument);
        return NULL;
}

/* Wherever an interrupt comes, the stream is closed once, and not woken after. */
static void is_interrupted_at_any_time(void)
{
        struct sink *sink = sink_start(NULL);

        for (int i = 0; i < 40; i++) {
                struct proxy proxy = { .port = sink_smtp_port(sink) };
                postel_connection *connection = connection_of(proxy_config(&proxy));
                pthread_t thread;
                REQUIRE(pthread_create(&thread, NULL, interrupt, connection) == 0);
                postel_status status = postel_connect(connection, 10000, NULL);
                CHECK(status == POSTEL_OK || status == POSTEL_INTERRUPTED);
                postel_connection_close(connection, 1000, NULL);
                pthread_join(thread, NULL);
                check_end(&connection, &proxy);
        }
        CHECK(sink_stop(&sink));
}

static void keeps_deadlines(void)
{
        static const struct exchange script[] = { { NULL, NULL, LEAVES } };

        for (int wakes = 0; wakes < 2; wakes++) {
                struct dialogue *dialogue = dialogue_start(script, COUNT(script));
                struct proxy proxy = { .port = dialogue_port(dialogue) };
                postel_transport mine = transport;
                postel_config *config = proxy_config(&proxy);
                if (!wakes)
                        mine.wake = NULL;
                postel_config_set_transport(config, &mine, &proxy);
                postel_connection *connection = connection_of(config);
                long long begun = now_ms();
                CHECK_INT(postel_connect(connection, 130, NULL), POSTEL_TIMEOUT);
                CHECK(now_ms() - begun >= 130);
                CHECK(now_ms() - begun < 5000);
                check_end(&connection, &proxy);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void gives_up_on_what_takes_nothing(void)
{
        static const struct exchange script[] = { GREETS, { NULL, NULL, LEAVES } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        struct proxy proxy = { .port = dialogue_port(dialogue), .trouble = WRITE_NEVER_TAKES_ANYTHING };
        postel_connection *connection = connection_of(proxy_config(&proxy));
        postel_error error = { .message = "" };

        CHECK_INT(postel_connect(connection, 200, &error), POSTEL_TIMEOUT);
        CHECK_INT(error.phase, POSTEL_PHASE_EHLO);
        check_end(&connection, &proxy);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* Freed without a word, and leased from a pool. */
static void is_closed_with_the_connection(void)
{
        struct sink *sink = sink_start(NULL);
        struct proxy proxy = { .port = sink_smtp_port(sink) };
        postel_connection *connection = connection_of(proxy_config(&proxy));

        CHECK_INT(postel_connect(connection, 10000, NULL), POSTEL_OK);
        check_end(&connection, &proxy);

        struct proxy pooled = { .port = sink_smtp_port(sink) };
        postel_config *config = proxy_config(&pooled);
        postel_pool *pool;
        const char *const to[] = { "b@x.example" };
        postel_config_set_pool_size(config, 1);
        REQUIRE(postel_pool_open(config, &pool, NULL) == POSTEL_OK);
        postel_config_free(&config);
        for (int i = 0; i < 2; i++)
                CHECK_INT(
                        postel_pool_send(pool, "a@x.example", to, 1, "hi", 2, 10000, NULL, NULL), POSTEL_OK);
        CHECK_INT(pooled.closed, 0);
        postel_pool_close(&pool, 5000);
        check_end(&connection, &pooled);
        CHECK(sink_stop(&sink));
}

static const struct test tests[] = {
        { "talks through it", talks_through_it },
        { "carries much", carries_much },
        { "protects it by TLS of ours", protects_it_by_tls_of_ours },
        { "leaves TLS to it", leaves_tls_to_it },
        { "tells what it failed on", tells_what_it_failed_on },
        { "is interrupted within a wait", is_interrupted_within_a_wait },
        { "is interrupted at any time", is_interrupted_at_any_time },
        { "keeps deadlines", keeps_deadlines },
        { "gives up on what takes nothing", gives_up_on_what_takes_nothing },
        { "is closed with the connection", is_closed_with_the_connection },
};

int main(void)
{
        return harness_run("transport", tests, COUNT(tests));
}
