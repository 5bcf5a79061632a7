/* SPDX-License-Identifier: MIT */
/*
 * What a message costs on a session that is warm: allocations and system calls of the library's own objects,
 * octets that are copied, and round trips. All of it is counted, none of it is timed.
 *
 * The program is linked so that calls of these functions come here first; the libraries below ours are linked
 * dynamically, and what they call is not seen. Only the thread that measures counts, and only what it does
 * meanwhile.
 */

#include "harness.h"
#include "sink.h"

#include <postel/postel.h>

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TIMEOUT_MS    20000
#define SMALL_OCTETS  2048
#define BIG_OCTETS    (10u << 20)
#define MESSAGES      100
#define ALLOCS_MAX    1 /* the result */
#define COPIED_OCTETS 1024

struct cost {
        size_t allocations;
        size_t io_calls;
        size_t polls;
        size_t sent;
        size_t sent_in_place; /* octets of `sent` that were taken from the caller's body */
};

static _Thread_local struct cost *counter;
static _Thread_local const char *body_begin, *body_end;

static void count_allocation(void)
{
        if (counter)
                counter->allocations++;
}

static void count_io(void)
{
        if (counter)
                counter->io_calls++;
}

static void count_sent(const struct msghdr *message, ssize_t sent)
{
        size_t left = sent > 0 ? (size_t)sent : 0;

        if (!counter)
                return;
        counter->sent += left;
        for (size_t i = 0; left; i++) {
                const char *data = message->msg_iov[i].iov_base;
                size_t part = message->msg_iov[i].iov_len < left ? message->msg_iov[i].iov_len : left;
                if (data >= body_begin && data < body_end)
                        counter->sent_in_place += part;
                left -= part;
        }
}

/* ---- What the linker puts in front ---- */

#define WRAP(type, name, arguments)   \
        type __real_##name arguments; \
        type __wrap_##name arguments; \
        type __wrap_##name arguments

WRAP(void *, malloc, (size_t size))
{
        count_allocation();
        return __real_malloc(size);
}

WRAP(void *, calloc, (size_t count, size_t size))
{
        count_allocation();
        return __real_calloc(count, size);
}

WRAP(void *, realloc, (void *memory, size_t size))
{
        count_allocation();
        return __real_realloc(memory, size);
}

WRAP(void *, reallocarray, (void *memory, size_t count, size_t size))
{
        count_allocation();
        return __real_reallocarray(memory, count, size);
}

WRAP(char *, strdup, (const char *text))
{
        count_allocation();
        return __real_strdup(text);
}

WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
{
        count_io();
        ssize_t sent = __real_sendmsg(fd, message, flags);
        count_sent(message, sent);
        return sent;
}

WRAP(ssize_t, send, (int fd, const void *data, size_t size, int flags))
{
        count_io();
        return __real_send(fd, data, size, flags);
}

WRAP(ssize_t, write, (int fd, const void *data, size_t size))
{
        count_io();
        return __real_write(fd, data, size);
}

WRAP(ssize_t, recv, (int fd, void *data, size_t size, int flags))
{
        count_io();
        return __real_recv(fd, data, size, flags);
}

WRAP(ssize_t, read, (int fd, void *data, size_t size))
{
        count_io();
        return __real_read(fd, data, size);
}

WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout_ms))
{
        if (counter)
                counter->polls++;
        return __real_poll(fds, count, timeout_ms);
}

/* ---- Messages ---- */

/* How content travels, and what that may cost. */
struct form {
        const char *name;
        postel_chunking chunking;
        size_t io_calls; /* of a small message on a warm session */
        unsigned long long round_trips;
};

static const struct form by_bdat = { "BDAT", POSTEL_CHUNKING_AUTO, 2, 1 }; /* the flight, the replies */
static const struct form by_data = { "DATA", POSTEL_CHUNKING_NEVER, 4, 2 }; /* and content, and its reply */
static const struct form *const forms[] = { &by_bdat, &by_data };

/* Lines of 64 octets that need no change. */
static const char *body(void)
{
        static char octets[BIG_OCTETS];

        if (octets[0])
                return octets;
        for (size_t i = 0; i < BIG_OCTETS; i += 64) {
                memset(octets + i, 'm', 62);
                memcpy(octets + i + 62, "\r\n", 2);
        }
        return octets;
}

static const char *const *recipients(size_t count)
{
        static char texts[1000][40];
        static const char *addresses[1000];

        REQUIRE(count <= COUNT(addresses));
        for (size_t i = 0; i < count; i++) {
                snprintf(texts[i], sizeof(texts[i]), "r%zu@x.example", i);
                addresses[i] = texts[i];
        }
        return addresses;
}

static postel_config *config_for(const struct sink *sink, const struct form *form, bool tls)
{
        postel_config *config = postel_config_new();

        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_server_name(config, "localhost");
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_config_set_port(config, tls ? sink_smtps_port(sink) : sink_smtp_port(sink));
        postel_config_set_tls(config, tls ? POSTEL_TLS_IMPLICIT : POSTEL_TLS_NONE);
        postel_config_set_pool_size(config, 1);
        postel_config_set_chunking(config, form->chunking);
        return config;
}

/* A connection, or a pool that holds one. */
struct way {
        postel_connection *connection;
        postel_pool *pool;
};

static struct way open_way(const struct sink *sink, const struct form *form, bool tls, bool pooled)
{
        struct way way = { 0 };
        postel_error error;
        postel_config *config = config_for(sink, form, tls);

        if (pooled) {
                REQUIRE(postel_pool_open(config, &way.pool, &error) == POSTEL_OK);
        } else {
                REQUIRE(postel_connection_new(config, &way.connection, &error) == POSTEL_OK);
                CHECK_INT(postel_connect(way.connection, TIMEOUT_MS, &error), POSTEL_OK);
        }
        postel_config_free(&config);
        return way;
}

static void close_way(struct way *way)
{
        postel_connection_close(way->connection, TIMEOUT_MS, NULL);
        postel_connection_free(&way->connection);
        postel_pool_close(&way->pool, TIMEOUT_MS);
}

static struct cost send_by(const struct way *way, size_t to_count, size_t size)
{
        struct cost cost = { 0 };
        postel_error error;
        postel_result *result = NULL;
        const char *octets = body();
        const char *const *to = recipients(to_count);

        body_begin = octets;
        body_end = octets + size;
        counter = &cost;
        postel_status status = way->pool ? postel_pool_send(way->pool, "s@x.example", to, to_count, octets,
                                                   size, TIMEOUT_MS, &result, &error)
                                         : postel_send(way->connection, "s@x.example", to, to_count, octets,
                                                   size, TIMEOUT_MS, &result, &error);
        counter = NULL;
        CHECK_STR(postel_status_name(status), "OK");
        postel_result_free(&result);
        return cost;
}

static struct cost costliest(struct cost a, struct cost b)
{
        if (b.allocations > a.allocations)
                a.allocations = b.allocations;
        if (b.io_calls > a.io_calls)
                a.io_calls = b.io_calls;
        if (b.polls > a.polls)
                a.polls = b.polls;
        return a;
}

/* ---- Tests ---- */

static void check_small_messages(const struct sink *sink, const struct form *form, bool tls, bool pooled)
{
        struct way way = open_way(sink, form, tls, pooled);
        struct cost most = { 0 };

        harness_row("%s, %s, %s", form->name, tls ? "TLS" : "plain",
                pooled ? "through a pool" : "on a connection");
        send_by(&way, 1, SMALL_OCTETS);
        for (int i = 1; i < MESSAGES; i++)
                most = costliest(most, send_by(&way, 1, SMALL_OCTETS));
        CHECK(most.allocations <= ALLOCS_MAX);
        CHECK_INT(most.io_calls, form->io_calls);
        close_way(&way);
}

static void a_small_message_costs_few_calls_and_its_result(void)
{
        struct sink *sink = sink_start(NULL);

        for (int row = 0; row < 8; row++)
                check_small_messages(sink, forms[row >> 2], row & 1, row & 2);
        CHECK(sink_stop(&sink));
}

static void the_first_messages_are_counted_too(void)
{
        struct sink *sink = sink_start(NULL);
        struct way way = open_way(sink, &by_bdat, false, false);
        struct cost first = send_by(&way, 1, SMALL_OCTETS);

        CHECK(first.allocations > 0);
        CHECK(first.io_calls > 0);
        CHECK(first.polls > 0);
        CHECK(first.sent > SMALL_OCTETS);
        close_way(&way);
        CHECK(sink_stop(&sink));
}

static void a_body_is_not_copied(void)
{
        struct sink *sink = sink_start(NULL);

        for (size_t i = 0; i < COUNT(forms); i++) {
                struct way way = open_way(sink, forms[i], false, false);
                static const size_t sizes[] = { SMALL_OCTETS, BIG_OCTETS };
                send_by(&way, 1, SMALL_OCTETS);
                for (size_t k = 0; k < COUNT(sizes); k++) {
                        harness_row("%s, %zu octets", forms[i]->name, sizes[k]);
                        struct cost cost = send_by(&way, 1, sizes[k]);
                        CHECK_INT(cost.sent_in_place, sizes[k]);
                        CHECK(cost.sent - cost.sent_in_place < COPIED_OCTETS);
                        CHECK(cost.allocations <= ALLOCS_MAX);
                }
                close_way(&way);
        }
        CHECK(sink_stop(&sink));
}

static unsigned long long pool_round_trips(postel_pool *pool)
{
        postel_statistics *statistics;
        REQUIRE(postel_pool_statistics(pool, &statistics, NULL) == POSTEL_OK);
        unsigned long long round_trips = postel_statistics_get(statistics, POSTEL_STATISTIC_ROUND_TRIPS);
        postel_statistics_free(&statistics);
        return round_trips;
}

static void check_round_trips(const struct sink *sink, const struct form *form, bool tls)
{
        static const size_t rows[] = { 1, 10, 1000 };
        struct way way = open_way(sink, form, tls, true);

        send_by(&way, 1, SMALL_OCTETS);
        for (size_t i = 0; i < COUNT(rows); i++) {
                unsigned long long before = pool_round_trips(way.pool);
                long long seen_before = sink_stats(sink, "round_trips");
                harness_row("%zu recipients, %s, %s", rows[i], form->name, tls ? "TLS" : "plain");
                send_by(&way, rows[i], SMALL_OCTETS);
                CHECK_INT(pool_round_trips(way.pool) - before, form->round_trips);
                /* A flight of many segments may look to the server like several. */
                if (rows[i] < 100)
                        CHECK_INT(sink_stats(sink, "round_trips") - seen_before, form->round_trips);
        }
        close_way(&way);
}

static void any_number_of_recipients_takes_the_same_round_trips(void)
{
        static const char *const without[] = { "--without", "CHUNKING", NULL };
        struct sink *sink = sink_start(NULL), *older = sink_start(without);
        struct form auto_by_data = by_data;

        auto_by_data.name = "DATA, since CHUNKING is not offered";
        auto_by_data.chunking = POSTEL_CHUNKING_AUTO;
        for (int tls = 0; tls < 2; tls++) {
                for (size_t i = 0; i < COUNT(forms); i++)
                        check_round_trips(sink, forms[i], tls);
                check_round_trips(older, &auto_by_data, tls);
        }
        CHECK(sink_stop(&older));
        CHECK(sink_stop(&sink));
}

static const struct test tests[] = {
        { "counts at all", the_first_messages_are_counted_too },
        { "a small message costs two or four calls and the allocation of its result",
                a_small_message_costs_few_calls_and_its_result },
        { "a body is not copied", a_body_is_not_copied },
        { "any number of recipients takes one round trip, or two by DATA",
                any_number_of_recipients_takes_the_same_round_trips },
};

int main(void)
{
        return harness_run("cost", tests, COUNT(tests));
}
