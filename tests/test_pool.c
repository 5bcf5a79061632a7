/* SPDX-License-Identifier: MIT */
/*
 * The pool: places, queue, reuse, retry, keeper, closing and numbers, each against a script or the sink; then
 * all of it at once. Where only the lock can show that an order of events happened, the test looks inside.
 */

#include "dialogue.h"
#include "harness.h"
#include "sink.h"

/* The library has an exchange of its own, which is not met here. */
#define exchange channel_exchange
#include "pool.h"
#undef exchange

#include <sys/stat.h>
#include <fcntl.h>
#include <dirent.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Nothing that works takes so long, and what hangs ends. */
#define WATCHDOG_MS 20000

#define FROM    "from@x.example"
#define TO      "to@x.example"
#define FLIGHT  "MAIL FROM:<" FROM ">\r\nRCPT TO:<" TO ">\r\nDATA\r\n"
#define GO      "250 ok\r\n250 ok\r\n354 go\r\n"
#define BODY    "Subject: x\r\n\r\nhi\r\n"
#define CONTENT BODY ".\r\n"

/* Rows of scripts. */
#define OPENING                                             \
        { NULL, "220 ready\r\n" },                          \
        {                                                   \
                "EHLO %\r\n", "250-x\r\n250 PIPELINING\r\n" \
        }
#define MESSAGE                           \
        { FLIGHT, GO },                   \
        {                                 \
                CONTENT, "250 queued\r\n" \
        }
#define QUIT                                              \
        {                                                 \
                "QUIT\r\n", "221 bye\r\n", DIALOGUE_CLOSE \
        }

/* ---- Pools ---- */

static postel_config *config_of(int port, int pool_size)
{
        postel_config *config = postel_config_new();

        REQUIRE(config != NULL);
        postel_config_set_host(config, "127.0.0.1");
        postel_config_set_port(config, port);
        postel_config_set_tls(config, POSTEL_TLS_NONE);
        postel_config_set_ehlo_name(config, "client.example");
        postel_config_set_timeout_ms(config, WATCHDOG_MS);
        postel_config_set_pool_size(config, pool_size);
        return config;
}

static postel_pool *open_pool(postel_config *config)
{
        postel_pool *pool = NULL;
        postel_error error;

        postel_status status = postel_pool_open(config, &pool, &error);
        postel_config_free(&config);
        REQUIRE(status == POSTEL_OK);
        return pool;
}

static postel_pool *pool_of(int port, int pool_size)
{
        return open_pool(config_of(port, pool_size));
}

static long long number(postel_pool *pool, postel_statistic which)
{
        postel_statistics *statistics = NULL;

        REQUIRE(postel_pool_statistics(pool, &statistics, NULL) == POSTEL_OK);
        long long value = (long long)postel_statistics_get(statistics, which);
        postel_statistics_free(&statistics);
        return value;
}

#define NUMBER(pool, which) number(pool, POSTEL_STATISTIC_##which)

/* Returns as soon as it is so; fails when it never comes to be. */
static void await_number(postel_pool *pool, postel_statistic which, long long value)
{
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);

        while (number(pool, which) != value && !deadline_passed(deadline))
                sched_yield();
        CHECK_INT(number(pool, which), value);
}

#define AWAIT(pool, which, value) await_number(pool, POSTEL_STATISTIC_##which, value)

/* A place is in use only by idle sessions, and nobody waits. */
static void check_at_rest(postel_pool *pool)
{
        CHECK_INT(NUMBER(pool, LEASED), 0);
        CHECK_INT(NUMBER(pool, DIALLING), 0);
        CHECK_INT(NUMBER(pool, WAITING), 0);
        CHECK_INT(NUMBER(pool, OPEN), NUMBER(pool, IDLE));
        long long gone = NUMBER(pool, SESSIONS_RETIRED) + NUMBER(pool, SESSIONS_LOST);
        CHECK_INT(NUMBER(pool, SESSIONS_OPENED), gone + NUMBER(pool, IDLE));
}

static postel_connection *acquire(postel_pool *pool)
{
        postel_connection *connection = NULL;
        postel_error error;

        if (postel_pool_acquire(pool, WATCHDOG_MS, &connection, &error) != POSTEL_OK)
                harness_row("%s", postel_error_message(&error));
        REQUIRE(connection != NULL);
        return connection;
}

static void release(postel_pool *pool, postel_connection **connection)
{
        CHECK_INT(postel_pool_release(pool, connection), POSTEL_OK);
        CHECK(*connection == NULL);
}

static postel_status send_from(postel_pool *pool, const char *from, int timeout_ms, postel_result **result)
{
        const char *to[] = { TO };

        return postel_pool_send(pool, from, to, 1, BODY, sizeof(BODY) - 1, timeout_ms, result, NULL);
}

static postel_status send_on_lease(postel_connection *connection, const char *from)
{
        const char *to[] = { TO };

        return postel_send(connection, from, to, 1, BODY, sizeof(BODY) - 1, WATCHDOG_MS, NULL, NULL);
}

static void close_pool(postel_pool **pool)
{
        postel_pool_close(pool, WATCHDOG_MS);
        CHECK(*pool == NULL);
}

/* ---- Threads ---- */

struct job {
        pthread_t thread;
        postel_pool *pool;
        const char *from;
        int timeout_ms;
        postel_status status;
        postel_error error;
        postel_result *result;
        postel_connection *connection;
};

static void *acquire_main(void *argument)
{
        struct job *job = argument;

        job->status = postel_pool_acquire(job->pool, job->timeout_ms, &job->connection, &job->error);
        return NULL;
}

static void *send_main(void *argument)
{
        struct job *job = argument;

        job->status = send_from(job->pool, job->from, job->timeout_ms, &job->result);
        return NULL;
}

static void *close_main(void *argument)
{
        struct job *job = argument;

        postel_pool_close(&job->pool, job->timeout_ms);
        return NULL;
}

static void start(struct job *job, void *(*run)(void *), postel_pool *pool)
{
        job->pool = pool;
        job->from = job->from ? job->from : FROM;
        job->timeout_ms = job->timeout_ms ? job->timeout_ms : WATCHDOG_MS;
        REQUIRE(pthread_create(&job->thread, NULL, run, job) == 0);
}

/* Joins the queue behind `before` others. */
static void start_waiter(struct job *job, void *(*run)(void *), postel_pool *pool, int before)
{
        start(job, run, pool);
        AWAIT(pool, WAITING, before + 1);
}

static postel_status finish(struct job *job)
{
        pthread_join(job->thread, NULL);
        return job->status;
}

static int count_threads(void)
{
        int count = 0;
        DIR *directory = opendir("/proc/self/task");

        REQUIRE(directory != NULL);
        for (const struct dirent *entry; (entry = readdir(directory));)
                count += entry->d_name[0] != '.';
        closedir(directory);
        return count;
}

/* A joined thread leaves the table of tasks a moment after the join. */
static void check_threads(int count)
{
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);

        while (count_threads() != count && !deadline_passed(deadline))
                sched_yield();
        CHECK_INT(count_threads(), count);
}

/* ---- The cap ---- */

static void keeps_its_size(void)
{
        enum { THREADS = 16, MESSAGES = 10, SESSIONS = 4 };
        static const char *const options[] = { "--max-connections", "4", NULL };
        struct sink *sink = sink_start(options);
        postel_pool *pool = pool_of(sink_smtp_port(sink), SESSIONS);
        postel_connection *leases[SESSIONS];
        struct job jobs[THREADS] = { { 0 } };

        for (int i = 0; i < SESSIONS; i++)
                leases[i] = acquire(pool);
        for (int round = 0; round < MESSAGES; round++) {
                for (int i = 0; i < THREADS; i++)
                        start(&jobs[i], send_main, pool);
                if (round == 0) {
                        AWAIT(pool, WAITING, THREADS);
                        for (int i = 0; i < SESSIONS; i++)
                                release(pool, &leases[i]);
                }
                for (int i = 0; i < THREADS; i++) {
                        CHECK_INT(finish(&jobs[i]), POSTEL_OK);
                        postel_result_free(&jobs[i].result);
                }
        }
        CHECK_INT(NUMBER(pool, PEAK_SESSIONS), SESSIONS);
        CHECK_INT(sink_stats(sink, "peak_connections"), SESSIONS);
        CHECK_INT(sink_stats(sink, "connections"), SESSIONS);
        CHECK_INT(sink_stats(sink, "messages"), THREADS * MESSAGES);
        CHECK_INT(NUMBER(pool, ACCEPTED), THREADS * MESSAGES);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static const struct exchange ready[] = { OPENING };
static const struct exchange ready_then_quit[] = { OPENING, QUIT };
static const struct exchange greeting_held[] = { { NULL, NULL, DIALOGUE_HOLD } };
static const struct exchange greeted_late[] = { { NULL, "220 ready\r\n", DIALOGUE_HOLD },
        { "EHLO %\r\n", "250 x\r\n" }, QUIT };
static const struct exchange refused[] = { { NULL, "554 go away\r\n" }, QUIT };
static const struct exchange refused_late[] = { { NULL, "554 go away\r\n", DIALOGUE_HOLD }, QUIT };

static void counts_those_being_opened(void)
{
        static const struct script scripts[] = { SCRIPT(greeted_late) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        postel_connection *none = NULL;
        struct job job = { 0 };

        start(&job, acquire_main, pool);
        CHECK(dialogue_await_hold(dialogue));
        CHECK_INT(NUMBER(pool, DIALLING), 1);
        CHECK_INT(postel_pool_acquire(pool, 1, &none, NULL), POSTEL_TIMEOUT);
        dialogue_release(dialogue);
        CHECK_INT(finish(&job), POSTEL_OK);
        CHECK_INT(NUMBER(pool, LEASED), 1);
        release(pool, &job.connection);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void opens_without_holding_up_others(void)
{
        static const struct script scripts[] = { SCRIPT(ready_then_quit), SCRIPT(greeted_late) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 2);
        postel_connection *lease = acquire(pool);
        struct job dialler = { 0 }, waiter = { 0 };

        start(&dialler, acquire_main, pool);
        CHECK(dialogue_await_hold(dialogue));
        start_waiter(&waiter, acquire_main, pool, 0);
        CHECK_INT(NUMBER(pool, OPEN), 2);
        release(pool, &lease);
        CHECK_INT(finish(&waiter), POSTEL_OK);
        CHECK_INT(NUMBER(pool, DIALLING), 1);
        release(pool, &waiter.connection);
        CHECK_INT(postel_pool_acquire(pool, 0, &lease, NULL), POSTEL_OK);
        release(pool, &lease);

        dialogue_release(dialogue);
        CHECK_INT(finish(&dialler), POSTEL_OK);
        release(pool, &dialler.connection);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- Reuse ---- */

static void reuses_the_last_used(void)
{
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 3);
        postel_connection *leases[3], *again[3];
        static const char *const senders[] = { "0@x.example", "1@x.example", "2@x.example" };

        for (int i = 0; i < 3; i++)
                leases[i] = acquire(pool);
        for (int i = 0; i < 3; i++)
                CHECK_INT(send_on_lease(leases[i], senders[i]), POSTEL_OK);
        static const int order[] = { 1, 2, 0 };
        for (int i = 0; i < 3; i++) {
                again[order[i]] = leases[order[i]];
                release(pool, &leases[order[i]]);
        }
        for (int i = 0; i < 3; i++)
                CHECK_INT(send_from(pool, "pool@x.example", WATCHDOG_MS, NULL), POSTEL_OK);
        for (int i = 2; i >= 0; i--) {
                leases[i] = acquire(pool);
                CHECK(leases[i] == again[order[i]]);
        }
        for (int i = 0; i < 3; i++)
                release(pool, &leases[i]);

        struct ledger *ledger = sink_ledger(sink);
        REQUIRE(ledger->count == 6);
        for (size_t i = 3; i < 6; i++)
                CHECK_INT(ledger->entries[i].session, ledger->entries[0].session);
        CHECK(ledger->entries[1].session != ledger->entries[0].session);
        ledger_free(&ledger);
        CHECK_INT(NUMBER(pool, SESSIONS_OPENED), 3);
        CHECK_INT(NUMBER(pool, SESSIONS_REUSED), 6);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static void has_idle_without_waiting(void)
{
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 1);
        postel_connection *lease = NULL, *none = NULL;
        postel_error error;

        CHECK_INT(postel_pool_acquire(pool, 0, &none, &error), POSTEL_TIMEOUT);
        CHECK_STR(postel_error_message(&error), "no session was idle, and no time was left to open one");
        CHECK_INT(NUMBER(pool, CONNECT_FAILURES), 0);
        lease = acquire(pool);
        CHECK_INT(postel_pool_acquire(pool, 0, &none, &error), POSTEL_TIMEOUT);
        CHECK_STR(postel_error_message(&error),
                "no session became free in time: 1 leased, 0 idle, 0 being opened, 0 others waiting");
        release(pool, &lease);
        CHECK_INT(postel_pool_acquire(pool, 0, &lease, &error), POSTEL_OK);
        release(pool, &lease);
        CHECK(none == NULL);
        CHECK_INT(postel_pool_acquire(pool, -2, &none, &error), POSTEL_INVALID);
        CHECK_INT(sink_stats(sink, "connections"), 1);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

/* ---- The queue ---- */

static void serves_in_order(void)
{
        enum { WAITERS = 6 };
        static const char *const senders[] = { "0@x.example", "1@x.example", "2@x.example", "3@x.example",
                "4@x.example", "5@x.example" };
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 1);
        postel_connection *lease = acquire(pool);
        struct job jobs[WAITERS] = { { 0 } };

        for (int i = 0; i < WAITERS; i++) {
                jobs[i].from = senders[i];
                start_waiter(&jobs[i], send_main, pool, i);
        }
        release(pool, &lease);
        for (int i = 0; i < WAITERS; i++) {
                CHECK_INT(finish(&jobs[i]), POSTEL_OK);
                postel_result_free(&jobs[i].result);
        }
        struct ledger *ledger = sink_ledger(sink);
        REQUIRE(ledger->count == WAITERS);
        for (size_t i = 0; i < WAITERS; i++)
                CHECK_STR(ledger->entries[i].from.address, senders[i]);
        ledger_free(&ledger);
        CHECK_INT(NUMBER(pool, WAITS), WAITERS);
        CHECK_INT(NUMBER(pool, WAIT_TIMEOUTS), 0);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static void says_what_it_waited_for(void)
{
        static const struct script scripts[] = { SCRIPT(ready), SCRIPT(refused), SCRIPT(greeting_held) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 2);
        postel_connection *lease = acquire(pool), *none = NULL;
        struct job dialler = { 0 }, waiter = { 0 };
        postel_error error;

        CHECK_INT(postel_pool_acquire(pool, WATCHDOG_MS, &none, &error), POSTEL_REJECTED);
        CHECK_INT(NUMBER(pool, CONNECT_FAILURES), 1);
        start(&dialler, acquire_main, pool);
        CHECK(dialogue_await_hold(dialogue));
        start_waiter(&waiter, acquire_main, pool, 0);
        CHECK_INT(postel_pool_acquire(pool, 1, &none, &error), POSTEL_TIMEOUT);
        CHECK_INT(error.phase, POSTEL_PHASE_POOL);
        CHECK_STR(postel_error_message(&error),
                "no session became free in time: 1 leased, 0 idle, 1 being opened, 1 others waiting; the "
                "last "
                "that could not be opened: the server does not want this session: 554 go away");
        CHECK_INT(NUMBER(pool, WAITS), 2);
        CHECK_INT(NUMBER(pool, WAIT_TIMEOUTS), 1);
        CHECK(none == NULL);

        postel_connection_free(&lease);
        CHECK_INT(NUMBER(pool, WAITING), 0);
        postel_pool_close(&pool, 0);
        CHECK(finish(&dialler) != POSTEL_OK);
        CHECK(finish(&waiter) != POSTEL_OK);
        dialogue_finish(&dialogue);
}

/* What frees the only place, which a lease holds. */
static void by_release(postel_pool *pool, postel_connection **lease)
{
        release(pool, lease);
}

static void by_throwing_away(postel_pool *pool, postel_connection **lease)
{
        (void)pool;
        postel_connection_free(lease);
        CHECK(*lease == NULL);
}

static void by_retirement(postel_pool *pool, postel_connection **lease)
{
        CHECK_INT(send_on_lease(*lease, FROM), POSTEL_OK);
        release(pool, lease);
        CHECK_INT(NUMBER(pool, SESSIONS_RETIRED), 1);
}

static void by_loss(postel_pool *pool, postel_connection **lease)
{
        CHECK_INT(send_on_lease(*lease, "lost@x.example"), POSTEL_DEFERRED);
        CHECK(postel_connection_is_shutting_down(*lease));
        release(pool, lease);
        CHECK_INT(NUMBER(pool, SESSIONS_LOST), 1);
}

static void by_interrupt(postel_pool *pool, postel_connection **lease)
{
        postel_connection_interrupt(*lease);
        release(pool, lease);
        CHECK_INT(NUMBER(pool, SESSIONS_LOST), 1);
}

static void wakes_the_head(void)
{
        static const struct {
                const char *name;
                void (*free_place)(postel_pool *, postel_connection **);
        } rows[] = { { "release", by_release }, { "throwing away", by_throwing_away },
                { "retirement", by_retirement }, { "loss", by_loss }, { "interrupt", by_interrupt } };
        static const char *const options[] = { "--refuse-mail", "lost@*=421 4.3.2 going down", NULL };
        struct sink *sink = sink_start(options);

        for (size_t i = 0; i < COUNT(rows); i++) {
                postel_config *config = config_of(sink_smtp_port(sink), 1);
                struct job jobs[2] = { { 0 } };

                harness_row("%s", rows[i].name);
                postel_config_set_max_messages(config, 1);
                postel_pool *pool = open_pool(config);
                postel_connection *lease = acquire(pool);
                start_waiter(&jobs[0], acquire_main, pool, 0);
                start_waiter(&jobs[1], acquire_main, pool, 1);
                rows[i].free_place(pool, &lease);
                CHECK_INT(finish(&jobs[0]), POSTEL_OK);
                CHECK_INT(NUMBER(pool, WAITING), 1);
                CHECK_INT(NUMBER(pool, LEASED), 1);
                release(pool, &jobs[0].connection);
                CHECK_INT(finish(&jobs[1]), POSTEL_OK);
                release(pool, &jobs[1].connection);
                CHECK_INT(NUMBER(pool, PEAK_SESSIONS), 1);
                check_at_rest(pool);
                close_pool(&pool);
        }
        CHECK(sink_stop(&sink));
}

static void passes_on_failed_dial(void)
{
        static const struct script scripts[] = { SCRIPT(refused_late), SCRIPT(ready_then_quit) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        struct job jobs[3] = { { 0 } };

        start(&jobs[0], acquire_main, pool);
        CHECK(dialogue_await_hold(dialogue));
        start_waiter(&jobs[1], acquire_main, pool, 0);
        start_waiter(&jobs[2], acquire_main, pool, 1);
        dialogue_release(dialogue);
        CHECK_INT(finish(&jobs[0]), POSTEL_REJECTED);
        CHECK(jobs[0].connection == NULL);
        CHECK_INT(jobs[0].error.code, 554);
        CHECK_INT(finish(&jobs[1]), POSTEL_OK);
        CHECK_INT(NUMBER(pool, WAITING), 1);
        release(pool, &jobs[1].connection);
        CHECK_INT(finish(&jobs[2]), POSTEL_OK);
        release(pool, &jobs[2].connection);
        CHECK_INT(NUMBER(pool, CONNECT_FAILURES), 1);
        CHECK_INT(NUMBER(pool, SESSIONS_OPENED), 1);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/*
 * Gives the lease back at the very moment at which the time of the only waiter with a short deadline has run
 * out, and it has not yet got the lock back: glibc notes in a mutex that somebody sleeps for it.
 */
static void grant_too_late(postel_pool *pool, postel_connection *lease)
{
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);
        const int *word = &pool->lock.mutex.__data.__lock;

        lock_take(&pool->lock);
        while (__atomic_load_n(word, __ATOMIC_RELAXED) != 2 && !deadline_passed(deadline))
                sched_yield();
        pool_remove_busy_locked(pool, lease);
        pool->leased--;
        pool->references--;
        lease->leased = false;
        lease->idle_since_ns = lease->spoken_at_ns = clock_ns();
        pool_push_idle_locked(pool, lease);
        pool_grant_locked(pool);
        lock_give(&pool->lock);
}

static void passes_on_a_late_grant(void)
{
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 1);
        postel_connection *lease = acquire(pool);
        struct job late = { .timeout_ms = 100 }, next = { 0 };

        start_waiter(&late, acquire_main, pool, 0);
        start_waiter(&next, acquire_main, pool, 1);
        grant_too_late(pool, lease);
        CHECK_INT(finish(&late), POSTEL_TIMEOUT);
        CHECK(late.connection == NULL);
        CHECK_INT(finish(&next), POSTEL_OK);
        CHECK(next.connection == lease);
        release(pool, &next.connection);
        CHECK_INT(NUMBER(pool, WAIT_TIMEOUTS), 1);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static int64_t keeper_sleeps_until(postel_pool *pool)
{
        lock_take(&pool->lock);
        int64_t until = pool->keeper_sleeps_until_ns;
        lock_give(&pool->lock);
        return until;
}

static void keeps_what_a_late_grant_leaves(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = config_of(sink_smtp_port(sink), 1);
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);
        struct job late = { .timeout_ms = 100 };

        postel_config_set_idle_limit_ms(config, 50);
        postel_config_set_max_age_ms(config, 0);
        postel_pool *pool = open_pool(config);
        postel_connection *lease = acquire(pool);
        release(pool, &lease);
        lease = acquire(pool);
        /* There is nothing to look after: the keeper goes to sleep for good. */
        while (keeper_sleeps_until(pool) != INT64_MAX && !deadline_passed(deadline))
                sched_yield();
        start_waiter(&late, acquire_main, pool, 0);
        grant_too_late(pool, lease);
        CHECK_INT(finish(&late), POSTEL_TIMEOUT);
        AWAIT(pool, OPEN, 0);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

struct hammer {
        pthread_t thread;
        postel_pool *pool;
        unsigned seed;
        int leases, odd;
};

static void *hammer_main(void *argument)
{
        struct hammer *hammer = argument;

        for (int i = 0; i < 200; i++) {
                postel_connection *lease = NULL;
                int timeout_ms = (int)(rand_r(&hammer->seed) % 3);
                postel_status status = postel_pool_acquire(hammer->pool, timeout_ms, &lease, NULL);
                hammer->leases += status == POSTEL_OK;
                hammer->odd += status != POSTEL_OK && status != POSTEL_TIMEOUT;
                hammer->odd += (status == POSTEL_OK) != (lease != NULL);
                if (rand_r(&hammer->seed) % 8 == 0)
                        postel_connection_free(&lease);
                else
                        hammer->odd += postel_pool_release(hammer->pool, &lease) != POSTEL_OK;
        }
        return NULL;
}

static void loses_no_place(void)
{
        enum { THREADS = 8, SESSIONS = 2 };
        struct sink *sink = sink_start(NULL);
        postel_config *config = config_of(sink_smtp_port(sink), SESSIONS);
        struct hammer hammers[THREADS];

        postel_config_set_keepalive_ms(config, 1);
        postel_config_set_idle_limit_ms(config, 2);
        postel_pool *pool = open_pool(config);
        for (unsigned i = 0; i < THREADS; i++) {
                hammers[i] = (struct hammer){ .pool = pool, .seed = i };
                REQUIRE(pthread_create(&hammers[i].thread, NULL, hammer_main, &hammers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
                pthread_join(hammers[i].thread, NULL);
                CHECK_INT(hammers[i].odd, 0);
        }
        CHECK_INT(NUMBER(pool, PEAK_SESSIONS), SESSIONS);
        postel_connection *leases[SESSIONS];
        for (int i = 0; i < SESSIONS; i++)
                leases[i] = acquire(pool);
        for (int i = 0; i < SESSIONS; i++)
                release(pool, &leases[i]);
        AWAIT(pool, OPEN, 0);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

/* ---- Sessions that died while they were idle ---- */

/* A warm session, then the message that is of interest. */
struct second {
        postel_status status;
        postel_outcome outcome;
        int attempts;
        long long opened, lost, retries, not_sent;
};

/* The server does the last of the first script, if that is held, between the two messages. */
static struct second send_two(
        const struct script *scripts, size_t count, const postel_message *message, int timeout_ms)
{
        const struct script *first = &scripts[0];
        struct dialogue *dialogue = dialogue_start_many(scripts, count, 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        postel_envelope *envelope = postel_envelope_new(FROM);
        postel_result *result = NULL;
        postel_error untouched = { .status = POSTEL_MEMORY }, error = untouched;

        postel_envelope_add_recipient(envelope, TO);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        if (timeout_ms == WATCHDOG_MS && first->exchanges[first->count - 1].how & DIALOGUE_HOLD) {
                dialogue_release(dialogue);
                CHECK(dialogue_await_end(dialogue, 0));
        }
        struct second second = { .status = postel_pool_send_with_params(
                                         pool, envelope, message, timeout_ms, &result, &error) };
        CHECK_INT(error.status, second.status == POSTEL_OK ? untouched.status : second.status);
        second.outcome = postel_result_recipient_outcome(result, 0);
        second.attempts = postel_result_attempts(result);
        second.opened = NUMBER(pool, SESSIONS_OPENED);
        second.lost = NUMBER(pool, SESSIONS_LOST);
        second.retries = NUMBER(pool, RETRIES);
        second.not_sent = NUMBER(pool, NOT_SENT);
        CHECK_INT(NUMBER(pool, MESSAGES), 2);
        CHECK_INT(NUMBER(pool, ACCEPTED) + NUMBER(pool, NOT_SENT) + NUMBER(pool, UNKNOWN), 2);
        check_at_rest(pool);
        postel_result_free(&result);
        postel_envelope_free(&envelope);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        return second;
}

static struct second send_two_texts(const struct script *scripts, size_t count, int timeout_ms)
{
        postel_message *message = postel_message_from_memory(BODY, sizeof(BODY) - 1);
        struct second second = send_two(scripts, count, message, timeout_ms);

        postel_message_free(&message);
        return second;
}

static const struct exchange whole[] = { OPENING, MESSAGE, QUIT };

static void drops_dead_at_checkout(void)
{
        static const struct {
                const char *name;
                struct exchange last;
        } rows[] = {
                { "closed", { NULL, NULL, DIALOGUE_HOLD | DIALOGUE_CLOSE } },
                { "reset", { NULL, NULL, DIALOGUE_HOLD | DIALOGUE_RESET } },
                { "421", { NULL, "421 4.4.2 idle\r\n", DIALOGUE_HOLD } },
                { "421 and closed", { NULL, "421 4.4.2 idle\r\n", DIALOGUE_HOLD | DIALOGUE_CLOSE } },
                { "a reply", { NULL, "250 what?\r\n", DIALOGUE_HOLD } },
                { "garbage", { NULL, "\x01\xff what?\r\n", DIALOGUE_HOLD } },
                { "half a reply", { NULL, "25", DIALOGUE_HOLD } },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange first[] = { OPENING, MESSAGE, rows[i].last };
                const struct script scripts[] = { SCRIPT(first), SCRIPT(whole) };

                harness_row("%s", rows[i].name);
                struct second second = send_two_texts(scripts, COUNT(scripts), WATCHDOG_MS);
                CHECK_INT(second.status, POSTEL_OK);
                CHECK_INT(second.attempts, 1);
                CHECK_INT(second.opened, 2);
                CHECK_INT(second.lost, 1);
                CHECK_INT(second.retries, 0);
        }
}

static void drops_dead_within_tls(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = config_of(sink_smtps_port(sink), 1);
        postel_result *result = NULL;

        postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
        postel_config_set_server_name(config, "localhost");
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_pool *pool = open_pool(config);
        for (int i = 0; i < 3; i++)
                CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        CHECK_INT(NUMBER(pool, SESSIONS_OPENED), 1);
        CHECK_INT(NUMBER(pool, SESSIONS_REUSED), 2);
        CHECK(sink_stop(&sink));
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, &result), POSTEL_CONNECT);
        CHECK_INT(postel_result_attempts(result), 0);
        CHECK_INT(NUMBER(pool, SESSIONS_LOST), 1);
        CHECK_INT(NUMBER(pool, SESSIONS_REUSED), 2);
        postel_result_free(&result);
        check_at_rest(pool);
        close_pool(&pool);
}

static void sends_again_once(void)
{
        static const struct {
                const char *name;
                struct exchange last;
        } rows[] = {
                { "closed", { FLIGHT, NULL, DIALOGUE_CLOSE } },
                { "reset", { FLIGHT, NULL, DIALOGUE_RESET } },
                { "421", { FLIGHT, "421 4.4.2 idle\r\n", DIALOGUE_CLOSE } },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange stale[] = { OPENING, MESSAGE, rows[i].last };
                const struct exchange dying[] = { OPENING, rows[i].last };
                const struct script scripts[] = { SCRIPT(stale), SCRIPT(whole) };
                const struct script hopeless[] = { SCRIPT(stale), SCRIPT(dying) };

                harness_row("%s", rows[i].name);
                struct second second = send_two_texts(scripts, COUNT(scripts), WATCHDOG_MS);
                CHECK_INT(second.status, POSTEL_OK);
                CHECK_INT(second.outcome, POSTEL_OUTCOME_ACCEPTED);
                CHECK_INT(second.attempts, 2);
                CHECK_INT(second.opened, 2);
                CHECK_INT(second.lost, 1);
                CHECK_INT(second.retries, 1);

                harness_row("%s, and again", rows[i].name);
                second = send_two_texts(hopeless, COUNT(hopeless), WATCHDOG_MS);
                CHECK(second.status == POSTEL_IO || second.status == POSTEL_DEFERRED);
                CHECK_INT(second.outcome, POSTEL_OUTCOME_NOT_SENT);
                CHECK_INT(second.attempts, 2);
                CHECK_INT(second.opened, 2);
                CHECK_INT(second.lost, 2);
                CHECK_INT(second.retries, 1);
                CHECK_INT(second.not_sent, 1);
        }
}

static void gives_up_without_a_second(void)
{
        static const struct exchange stale[] = { OPENING, MESSAGE, { FLIGHT, NULL, DIALOGUE_CLOSE } };
        static const struct script scripts[] = { SCRIPT(stale), SCRIPT(refused) };
        struct second second = send_two_texts(scripts, COUNT(scripts), WATCHDOG_MS);

        CHECK_INT(second.status, POSTEL_IO);
        CHECK_INT(second.outcome, POSTEL_OUTCOME_NOT_SENT);
        CHECK_INT(second.attempts, 1);
        CHECK_INT(second.opened, 1);
        CHECK_INT(second.retries, 0);
        CHECK_INT(second.not_sent, 1);
}

static void never_sends_again_otherwise(void)
{
        static const struct {
                const char *name;
                struct exchange then[2];
                int timeout_ms;
                postel_status status;
                postel_outcome outcome;
        } rows[] = {
                { "after a word", { { FLIGHT, "250 ok\r\n", DIALOGUE_CLOSE } }, WATCHDOG_MS, POSTEL_IO,
                        POSTEL_OUTCOME_NOT_SENT },
                { "after a wrong word", { { FLIGHT, "what?\r\n" } }, WATCHDOG_MS, POSTEL_PROTOCOL,
                        POSTEL_OUTCOME_NOT_SENT },
                { "after a timeout", { { FLIGHT, NULL, DIALOGUE_HOLD } }, 100, POSTEL_TIMEOUT,
                        POSTEL_OUTCOME_NOT_SENT },
                { "after the end", { { FLIGHT, GO }, { CONTENT, NULL, DIALOGUE_CLOSE } }, WATCHDOG_MS,
                        POSTEL_UNKNOWN, POSTEL_OUTCOME_UNKNOWN },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange exchanges[] = { OPENING, MESSAGE, rows[i].then[0], rows[i].then[1] };
                const struct script script = { exchanges, rows[i].then[1].expect ? 6 : 5 };

                harness_row("%s", rows[i].name);
                struct second second = send_two_texts(&script, 1, rows[i].timeout_ms);
                CHECK_INT(second.status, rows[i].status);
                CHECK_INT(second.outcome, rows[i].outcome);
                CHECK_INT(second.attempts, 1);
                CHECK_INT(second.lost, 1);
                CHECK_INT(second.retries, 0);
        }
}

static void never_sends_again_on_a_new_session(void)
{
        static const struct exchange dying[] = { OPENING, { FLIGHT, NULL, DIALOGUE_CLOSE } };
        struct dialogue *dialogue = dialogue_start(dying, COUNT(dying));
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        postel_result *result = NULL;

        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, &result), POSTEL_IO);
        CHECK_INT(postel_result_attempts(result), 1);
        CHECK_INT(NUMBER(pool, RETRIES), 0);
        postel_result_free(&result);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* A pipe that holds BODY and its end. */
static int full_pipe(void)
{
        int fds[2];

        REQUIRE(pipe(fds) == 0);
        REQUIRE(write(fds[1], BODY, sizeof(BODY) - 1) == sizeof(BODY) - 1);
        close(fds[1]);
        return fds[0];
}

static void sends_a_pipe_again_while_it_is_full(void)
{
        static const struct exchange untaken[] = { OPENING, MESSAGE, { FLIGHT, NULL, DIALOGUE_CLOSE } };
        static const struct script again[] = { SCRIPT(untaken), SCRIPT(whole) };
        int fd = full_pipe();
        postel_message *message = postel_message_from_fd(fd);

        struct second second = send_two(again, COUNT(again), message, WATCHDOG_MS);
        CHECK_INT(second.status, POSTEL_OK);
        CHECK_INT(second.attempts, 2);
        postel_message_free(&message);
        close(fd);

        static const struct exchange taken[] = { OPENING, MESSAGE,
                { FLIGHT, GO, DIALOGUE_CLOSE | DIALOGUE_EARLY } };
        static const struct script never[] = { SCRIPT(taken) };
        fd = full_pipe();
        message = postel_message_from_fd(fd);
        second = send_two(never, COUNT(never), message, WATCHDOG_MS);
        CHECK(second.outcome == POSTEL_OUTCOME_NOT_SENT || second.outcome == POSTEL_OUTCOME_UNKNOWN);
        CHECK_INT(second.attempts, 1);
        CHECK_INT(second.retries, 0);
        postel_message_free(&message);
        close(fd);
}

/* Whoever writes to a FIFO is told by its closing that nobody wants the rest: a second opening gets the half
 * of it. */
static void never_opens_a_fifo_twice(void)
{
        static const struct exchange lost[] = { OPENING, MESSAGE, { FLIGHT, NULL, DIALOGUE_CLOSE } };
        static const struct script once[] = { SCRIPT(lost) };
        char directory[] = "/tmp/postel-fifo-XXXXXX", path[64];

        REQUIRE(mkdtemp(directory) != NULL);
        snprintf(path, sizeof(path), "%s/fifo", directory);
        REQUIRE(mkfifo(path, 0600) == 0);
        int writer = open(path, O_RDWR | O_CLOEXEC);
        REQUIRE(writer >= 0 && write(writer, BODY, sizeof(BODY) - 1) == sizeof(BODY) - 1);
        postel_message *message = postel_message_from_path(path);

        struct second second = send_two(once, COUNT(once), message, WATCHDOG_MS);
        CHECK_INT(second.status, POSTEL_IO);
        CHECK_INT(second.outcome, POSTEL_OUTCOME_NOT_SENT);
        CHECK_INT(second.attempts, 1);
        postel_message_free(&message);
        close(writer);
        unlink(path);
        rmdir(directory);
}

static void resets_after_a_refusal_only(void)
{
        static const struct exchange script[] = {
                OPENING,
                { FLIGHT, "250 ok\r\n550 no\r\n554 for nobody\r\n" },
                { "RSET\r\n" FLIGHT, "250 ok\r\n" GO },
                { CONTENT, "250 queued\r\n" },
                MESSAGE,
                QUIT,
        };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);

        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_REJECTED);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        CHECK_INT(NUMBER(pool, SESSIONS_OPENED), 1);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* ---- Limits and the keeper ---- */

static void retires_with_quit(void)
{
        static const struct {
                const char *name;
                int idle_ms, age_ms, messages;
        } rows[] = { { "idle", 20, 0, 0 }, { "age", 0, 20, 0 }, { "messages", 0, 0, 1 },
                { "all of them", 20, 20, 1 } };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start(whole, COUNT(whole));
                postel_config *config = config_of(dialogue_port(dialogue), 1);

                harness_row("%s", rows[i].name);
                postel_config_set_idle_limit_ms(config, rows[i].idle_ms);
                postel_config_set_max_age_ms(config, rows[i].age_ms);
                postel_config_set_max_messages(config, rows[i].messages);
                postel_pool *pool = open_pool(config);
                CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
                AWAIT(pool, SESSIONS_RETIRED, 1);
                CHECK_INT(NUMBER(pool, SESSIONS_LOST), 0);
                check_at_rest(pool);
                CHECK(dialogue_await_end(dialogue, 0));
                close_pool(&pool);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void retires_at_checkout(void)
{
        static const struct script scripts[] = { SCRIPT(ready_then_quit), SCRIPT(ready_then_quit) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 2);
        postel_connection *first = acquire(pool), *second = acquire(pool), *next = first;

        release(pool, &first);
        release(pool, &second);
        while (keeper_sleeps_until(pool) == 0 && !deadline_passed(deadline))
                sched_yield();
        lock_take(&pool->lock);
        pool->idle->retire_at_ns = 0;
        lock_give(&pool->lock);
        CHECK_INT(postel_pool_acquire(pool, 0, &first, NULL), POSTEL_OK);
        CHECK(first == next);
        CHECK(dialogue_await_end(dialogue, 1));
        CHECK_INT(NUMBER(pool, SESSIONS_RETIRED), 1);
        CHECK_INT(NUMBER(pool, SESSIONS_REUSED), 1);
        CHECK_INT(NUMBER(pool, OPEN), 1);
        release(pool, &first);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void counts_messages(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = config_of(sink_smtp_port(sink), 1);

        postel_config_set_max_messages(config, 3);
        postel_pool *pool = open_pool(config);
        for (int i = 0; i < 7; i++)
                CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        struct ledger *ledger = sink_ledger(sink);
        REQUIRE(ledger->count == 7);
        for (size_t i = 0; i < 7; i++)
                CHECK_INT(ledger->entries[i].session - ledger->entries[0].session, i / 3);
        ledger_free(&ledger);
        CHECK_INT(NUMBER(pool, SESSIONS_RETIRED), 2);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static void keeps_alive(void)
{
        static const struct exchange script[] = { OPENING, MESSAGE, { "NOOP\r\n", "250 ok\r\n" },
                { "NOOP\r\n", "250 ok\r\n", DIALOGUE_HOLD }, MESSAGE };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = config_of(dialogue_port(dialogue), 1);
        struct job waiter = { 0 };

        postel_config_set_keepalive_ms(config, 30);
        postel_pool *pool = open_pool(config);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        CHECK(dialogue_await_hold(dialogue));
        CHECK_INT(NUMBER(pool, KEEPALIVES), 1);
        CHECK_INT(NUMBER(pool, IDLE), 1);
        CHECK_INT(NUMBER(pool, OPEN), 1);
        /* What the keeper has is nobody else's; it brings it back to the head of the queue. */
        postel_error error;
        postel_connection *none;
        CHECK_INT(postel_pool_acquire(pool, 0, &none, &error), POSTEL_TIMEOUT);
        CHECK_STR(postel_error_message(&error),
                "no session became free in time: 0 leased, 1 idle, 0 being opened, 0 others waiting");
        start_waiter(&waiter, acquire_main, pool, 0);
        dialogue_release(dialogue);
        CHECK_INT(finish(&waiter), POSTEL_OK);
        CHECK_INT(send_on_lease(waiter.connection, FROM), POSTEL_OK);
        CHECK_INT(NUMBER(pool, KEEPALIVES), 2);
        postel_connection_free(&waiter.connection);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void ends_what_does_not_answer(void)
{
        static const struct {
                const char *name;
                struct exchange noop, then;
        } rows[] = {
                { "closed", { "NOOP\r\n", NULL, DIALOGUE_CLOSE } },
                { "reset", { "NOOP\r\n", NULL, DIALOGUE_RESET } },
                { "421", { "NOOP\r\n", "421 4.3.2 going down\r\n", DIALOGUE_CLOSE } },
                { "garbage", { "NOOP\r\n", "what?\r\n" } },
                { "refused", { "NOOP\r\n", "500 what?\r\n" }, QUIT },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                const struct exchange script[] = { OPENING, MESSAGE, rows[i].noop, rows[i].then };
                struct dialogue *dialogue =
                        dialogue_start(script, COUNT(script) - (rows[i].then.expect == NULL));
                postel_config *config = config_of(dialogue_port(dialogue), 1);

                harness_row("%s", rows[i].name);
                postel_config_set_keepalive_ms(config, 20);
                postel_pool *pool = open_pool(config);
                CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
                AWAIT(pool, SESSIONS_LOST, 1);
                CHECK_INT(NUMBER(pool, KEEPALIVES), 0);
                check_at_rest(pool);
                close_pool(&pool);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

/* ---- Leases ---- */

static void takes_back_its_own_only(void)
{
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 2), *other = pool_of(sink_smtp_port(sink), 2);
        postel_connection *lease = acquire(pool), *copy = lease, *alone = NULL;
        postel_config *config = config_of(sink_smtp_port(sink), 1);

        CHECK_INT(postel_pool_release(other, &lease), POSTEL_INVALID);
        CHECK(lease == copy);
        CHECK_INT(NUMBER(pool, LEASED), 1);
        CHECK_INT(send_on_lease(lease, FROM), POSTEL_OK);
        release(pool, &lease);
        CHECK_INT(postel_pool_release(pool, &lease), POSTEL_OK);
        CHECK_INT(postel_pool_release(pool, NULL), POSTEL_OK);
        CHECK_INT(postel_pool_release(pool, &copy), POSTEL_INVALID);
        CHECK(copy != NULL);
        postel_connection_free(&copy);
        CHECK_INT(NUMBER(pool, IDLE), 1);
        lease = acquire(pool);
        release(NULL, &lease);
        CHECK_INT(NUMBER(pool, IDLE), 1);

        REQUIRE(postel_connection_new(config, &alone, NULL) == POSTEL_OK);
        CHECK_INT(postel_pool_release(pool, &alone), POSTEL_INVALID);
        CHECK_INT(postel_pool_release(NULL, &alone), POSTEL_INVALID);
        CHECK_INT(postel_pool_release(NULL, &alone), POSTEL_INVALID);
        postel_connection_free(&alone);
        postel_config_free(&config);
        postel_connection_free(&alone);
        postel_connection_free(NULL);
        CHECK_INT(postel_pool_acquire(pool, 0, NULL, NULL), POSTEL_INVALID);
        CHECK_INT(postel_pool_acquire(NULL, 0, &alone, NULL), POSTEL_INVALID);
        check_at_rest(pool);
        close_pool(&pool);
        close_pool(&other);
        postel_pool_close(&other, 0);
        postel_pool_close(NULL, 0);
        CHECK(sink_stop(&sink));
}

static void throws_away_without_a_word(void)
{
        static const struct exchange script[] = { OPENING, { NULL, NULL, DIALOGUE_AWAIT_CLOSE } };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        postel_connection *lease = acquire(pool);

        postel_connection_free(&lease);
        CHECK_INT(NUMBER(pool, OPEN), 0);
        check_at_rest(pool);
        CHECK(dialogue_await_end(dialogue, 0));
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void leases_outlive_the_pool(void)
{
        struct sink *sink = sink_start(NULL);
        postel_config *config = config_of(sink_smtp_port(sink), 4);

        postel_config_set_keepalive_ms(config, 5);
        postel_pool *pool = open_pool(config), *closed = pool;
        postel_connection *idle = acquire(pool);
        postel_connection *released = acquire(pool), *freed = acquire(pool), *other = acquire(pool);
        release(pool, &idle);
        postel_pool_close(&pool, 0);
        CHECK_INT(send_on_lease(released, FROM), POSTEL_INTERRUPTED);
        CHECK_INT(send_on_lease(released, FROM), POSTEL_CLOSED);
        CHECK_INT(postel_connection_state(released), POSTEL_STATE_CLOSED);
        release(NULL, &released);
        release(closed, &other);
        CHECK_INT(postel_connection_noop(freed, WATCHDOG_MS, NULL), POSTEL_INTERRUPTED);
        postel_connection_free(&freed);
        CHECK(sink_stop(&sink));
}

/* ---- Closing ---- */

static void fails_waiters_at_once(void)
{
        struct sink *sink = sink_start(NULL);
        postel_pool *pool = pool_of(sink_smtp_port(sink), 1);
        postel_connection *lease = acquire(pool), *none = NULL;
        struct job waiters[2] = { { 0 } }, closer = { 0 };
        postel_result *result = NULL;

        start_waiter(&waiters[0], acquire_main, pool, 0);
        start_waiter(&waiters[1], send_main, pool, 1);
        start(&closer, close_main, pool);
        for (int i = 0; i < 2; i++)
                CHECK_INT(finish(&waiters[i]), POSTEL_CLOSED);
        CHECK(waiters[0].connection == NULL);
        CHECK_STR(postel_error_message(&waiters[0].error), "the pool is closing");
        CHECK_INT(postel_result_attempts(waiters[1].result), 0);
        CHECK_INT(postel_result_status(waiters[1].result), POSTEL_CLOSED);
        postel_result_free(&waiters[1].result);

        CHECK_INT(postel_pool_acquire(pool, WATCHDOG_MS, &none, NULL), POSTEL_CLOSED);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, &result), POSTEL_CLOSED);
        CHECK_INT(postel_result_recipient_outcome(result, 0), POSTEL_OUTCOME_NOT_SENT);
        postel_result_free(&result);
        CHECK_INT(send_on_lease(lease, FROM), POSTEL_OK);
        release(pool, &lease);
        finish(&closer);
        CHECK_INT(sink_stats(sink, "messages"), 1);
        CHECK(sink_stop(&sink));
}

/* The pool's only place is taken: what is refused says since when it is closing. */
static void await_closing(postel_pool *pool)
{
        struct deadline deadline = deadline_after_ms(WATCHDOG_MS);
        postel_connection *none = NULL;

        while (postel_pool_acquire(pool, 0, &none, NULL) != POSTEL_CLOSED && !deadline_passed(deadline))
                sched_yield();
        CHECK_INT(postel_pool_acquire(pool, 0, &none, NULL), POSTEL_CLOSED);
}

static void drains(void)
{
        static const struct exchange script[] = { OPENING, { FLIGHT, GO },
                { CONTENT, "250 queued\r\n", DIALOGUE_HOLD }, QUIT };
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        struct job sender = { 0 }, closer = { 0 };

        start(&sender, send_main, pool);
        CHECK(dialogue_await_hold(dialogue));
        start(&closer, close_main, pool);
        await_closing(pool);
        dialogue_release(dialogue);
        CHECK_INT(finish(&sender), POSTEL_OK);
        postel_result_free(&sender.result);
        finish(&closer);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void quits_what_the_keeper_brings_back(void)
{
        static const struct exchange kept[] = { OPENING, { "NOOP\r\n", "250 ok\r\n", DIALOGUE_HOLD }, QUIT };
        static const struct script scripts[] = { SCRIPT(kept), SCRIPT(ready_then_quit),
                SCRIPT(ready_then_quit) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_config *config = config_of(dialogue_port(dialogue), COUNT(scripts));
        struct job closer = { 0 };

        postel_config_set_keepalive_ms(config, 20);
        postel_pool *pool = open_pool(config);
        postel_connection *first = acquire(pool), *idle = acquire(pool), *leased = acquire(pool);
        release(pool, &first);
        CHECK(dialogue_await_hold(dialogue));
        release(pool, &idle);
        start(&closer, close_main, pool);
        CHECK(dialogue_await_end(dialogue, 1));
        dialogue_release(dialogue);
        AWAIT(pool, KEEPALIVES, 1);
        release(pool, &leased);
        finish(&closer);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

static void interrupts_after_the_drain(void)
{
        static const struct exchange in_flight[] = { OPENING, { FLIGHT, NULL, DIALOGUE_HOLD } };
        static const struct exchange at_the_end[] = { OPENING, { FLIGHT, GO },
                { CONTENT, NULL, DIALOGUE_HOLD } };
        static const struct {
                struct script script;
                postel_status status;
                postel_outcome outcome;
                int attempts;
        } rows[] = {
                { SCRIPT(greeting_held), POSTEL_INTERRUPTED, POSTEL_OUTCOME_NOT_SENT, 0 },
                { SCRIPT(in_flight), POSTEL_INTERRUPTED, POSTEL_OUTCOME_NOT_SENT, 1 },
                { SCRIPT(at_the_end), POSTEL_UNKNOWN, POSTEL_OUTCOME_UNKNOWN, 1 },
        };

        for (size_t i = 0; i < COUNT(rows); i++) {
                struct dialogue *dialogue = dialogue_start_many(&rows[i].script, 1, 0);
                postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
                struct job sender = { 0 };

                harness_row("%zu", i);
                start(&sender, send_main, pool);
                CHECK(dialogue_await_hold(dialogue));
                int64_t before = clock_ns();
                postel_pool_close(&pool, 50);
                int64_t ms = (clock_ns() - before) / 1000000;
                CHECK(ms >= 50);
                CHECK(ms < WATCHDOG_MS / 4);
                CHECK_INT(finish(&sender), rows[i].status);
                CHECK_INT(postel_result_recipient_outcome(sender.result, 0), rows[i].outcome);
                CHECK_INT(postel_result_attempts(sender.result), rows[i].attempts);
                postel_result_free(&sender.result);
                CHECK_STR(dialogue_finish(&dialogue), NULL);
        }
}

static void leaves_nothing_behind(void)
{
        static const struct exchange mute[] = { OPENING, { "QUIT\r\n", NULL, DIALOGUE_HOLD } };
        static const struct script scripts[] = { SCRIPT(mute), SCRIPT(ready_then_quit), SCRIPT(mute),
                SCRIPT(ready_then_quit) };
        int threads = count_threads();
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), COUNT(scripts));
        postel_connection *leases[COUNT(scripts)];

        for (size_t i = 0; i < COUNT(scripts); i++)
                leases[i] = acquire(pool);
        int without_keeper = count_threads();
        for (size_t i = 0; i < COUNT(scripts); i++)
                release(pool, &leases[i]);
        CHECK_INT(count_threads(), without_keeper + 1);
        int64_t before = clock_ns();
        close_pool(&pool);
        CHECK((clock_ns() - before) / 1000000 < WATCHDOG_MS / 4);
        CHECK(dialogue_await_end(dialogue, 1));
        CHECK(dialogue_await_end(dialogue, 3));
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        check_threads(threads);
}

static void interrupts_its_keeper(void)
{
        static const struct exchange script[] = { OPENING, MESSAGE, { "NOOP\r\n", NULL, DIALOGUE_HOLD } };
        int threads = count_threads();
        struct dialogue *dialogue = dialogue_start(script, COUNT(script));
        postel_config *config = config_of(dialogue_port(dialogue), 1);

        postel_config_set_keepalive_ms(config, 10);
        postel_pool *pool = open_pool(config);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        CHECK(dialogue_await_hold(dialogue));
        int64_t before = clock_ns();
        close_pool(&pool);
        CHECK((clock_ns() - before) / 1000000 < WATCHDOG_MS / 4);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
        check_threads(threads);
}

/* ---- Numbers and accounts ---- */

static void accounts_without_a_session(void)
{
        static const struct script scripts[] = { SCRIPT(refused), SCRIPT(ready_then_quit) };
        struct dialogue *dialogue = dialogue_start_many(scripts, COUNT(scripts), 0);
        postel_pool *pool = pool_of(dialogue_port(dialogue), 1);
        const char *to[] = { "a@x.example", "b@x.example" };
        static const postel_status want[] = { POSTEL_REJECTED, POSTEL_TIMEOUT };
        postel_connection *lease = NULL;

        for (int i = 0; i < 2; i++) {
                postel_result *result = NULL;
                postel_error error;
                postel_status status = postel_pool_send(
                        pool, FROM, to, 2, BODY, sizeof(BODY) - 1, i ? 1 : -1, &result, &error);
                harness_row("%d", i);
                CHECK_INT(status, want[i]);
                REQUIRE(result != NULL);
                CHECK_INT(postel_result_status(result), want[i]);
                CHECK_INT(postel_result_attempts(result), 0);
                CHECK_INT(postel_result_phase(result), i ? POSTEL_PHASE_POOL : POSTEL_PHASE_GREETING);
                CHECK_INT(postel_result_recipient_count(result), 2);
                for (size_t j = 0; j < 2; j++) {
                        CHECK_INT(postel_result_recipient_outcome(result, j), POSTEL_OUTCOME_NOT_SENT);
                        CHECK_STR(postel_result_recipient_text(result, j), postel_error_message(&error));
                }
                postel_result_free(&result);
                lease = lease ? lease : acquire(pool);
        }
        release(pool, &lease);
        CHECK_INT(NUMBER(pool, MESSAGES), 0);
        CHECK_INT(NUMBER(pool, NOT_SENT), 0);
        close_pool(&pool);
        CHECK_STR(dialogue_finish(&dialogue), NULL);
}

/* `round_trips` of each message but the first. */
static void check_numbers(postel_chunking chunking, int round_trips)
{
        static const char *const options[] = { "--refuse-rcpt", "no*=550 5.1.1 no", "--refuse-rcpt",
                "later*=450 4.2.0 later", NULL };
        const char *to[] = { "a@x.example", "no@x.example", "later@x.example", "b@x.example" };
        struct sink *sink = sink_start(options);
        postel_config *config = config_of(sink_smtp_port(sink), 1);
        postel_result *result = NULL;

        postel_config_set_chunking(config, chunking);
        postel_pool *pool = open_pool(config);
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_OK);
        /* Content rides from the second message of a session on. */
        CHECK_INT(NUMBER(pool, ROUND_TRIPS), 2);
        for (int i = 0; i < 3; i++)
                CHECK_INT(postel_pool_send(pool, FROM, to, 4, BODY, sizeof(BODY) - 1, -1, NULL, NULL),
                        POSTEL_PARTIAL);
        postel_connection *lease = acquire(pool);
        CHECK_INT(postel_send(lease, FROM, to, 4, BODY, sizeof(BODY) - 1, -1, NULL, NULL), POSTEL_PARTIAL);
        release(pool, &lease);
        sink_control(sink, "set fault accepted=close");
        CHECK_INT(send_from(pool, FROM, WATCHDOG_MS, NULL), POSTEL_UNKNOWN);
        sink_control(sink, "clear fault");
        CHECK_INT(send_from(pool, "no \r\n such@x.example", WATCHDOG_MS, &result), POSTEL_INVALID);
        CHECK(result == NULL);

        const struct {
                postel_statistic which;
                long long value;
        } want[] = {
                { POSTEL_STATISTIC_MESSAGES, 6 },
                { POSTEL_STATISTIC_ACCEPTED, 9 },
                { POSTEL_STATISTIC_REJECTED, 4 },
                { POSTEL_STATISTIC_DEFERRED, 4 },
                { POSTEL_STATISTIC_NOT_SENT, 0 },
                { POSTEL_STATISTIC_UNKNOWN, 1 },
                { POSTEL_STATISTIC_ROUND_TRIPS, 2 + 5 * round_trips },
                { POSTEL_STATISTIC_SESSIONS_OPENED, 1 },
                { POSTEL_STATISTIC_SESSIONS_REUSED, 5 },
                { POSTEL_STATISTIC_SESSIONS_LOST, 1 },
                { POSTEL_STATISTIC_PEAK_SESSIONS, 1 },
                { POSTEL_STATISTIC_WAITS, 0 },
        };
        for (size_t i = 0; i < COUNT(want); i++) {
                harness_row("%s, %d round trips", postel_statistic_name(want[i].which), round_trips);
                CHECK_INT(number(pool, want[i].which), want[i].value);
        }
        harness_row("%s", "");
        CHECK_STR(postel_statistic_name(POSTEL_STATISTIC_OPEN), "open");
        CHECK_STR(postel_statistic_name((postel_statistic)(POSTEL_STATISTIC_OPEN + 1)), NULL);
        CHECK_INT(postel_pool_statistics(NULL, NULL, NULL), POSTEL_INVALID);
        postel_statistics_free(NULL);
        check_at_rest(pool);
        close_pool(&pool);
        CHECK(sink_stop(&sink));
}

static void numbers_add_up(void)
{
        check_numbers(POSTEL_CHUNKING_AUTO, 1);
        check_numbers(POSTEL_CHUNKING_NEVER, 2);
}

/* ---- All at once ---- */

enum { THREADS = 8, MESSAGES = 100, RECIPIENTS_MAX = 3, LARGEST = 60000, MESSAGES_PER_FAULT = 6 };

struct account {
        char from[40];
        char to[RECIPIENTS_MAX][40];
        size_t to_count;
        size_t size;
        char sha256[65];
        postel_status status;
        postel_result *result;
};

struct storm {
        postel_pool *pool;
        struct sink *sink;
        atomic_int sent;
        struct account accounts[THREADS * MESSAGES];
};

struct worker {
        pthread_t thread;
        struct storm *storm;
        int number;
        unsigned seed;
        char body[LARGEST];
};

/* Lines of any length, some with dots in front. */
static void make_message(struct worker *worker, struct account *account, int message)
{
        static const char *const kinds[] = { "ok", "ok", "ok", "no", "later" };
        unsigned char digest[32];
        size_t size = 0, wanted = 20 + (size_t)rand_r(&worker->seed) % 2000;

        if (rand_r(&worker->seed) % 8 == 0)
                wanted = (size_t)rand_r(&worker->seed) % (LARGEST - 200);
        while (size < wanted) {
                unsigned length = (unsigned)rand_r(&worker->seed) % 100;
                for (unsigned i = 0; i < length; i++)
                        worker->body[size++] = "..abcdefg "[(unsigned)rand_r(&worker->seed) % 10];
                worker->body[size++] = '\r';
                worker->body[size++] = '\n';
        }
        account->size = size;
        gnutls_hash_fast(GNUTLS_DIG_SHA256, worker->body, size, digest);
        for (int i = 0; i < 32; i++)
                snprintf(account->sha256 + 2 * i, 3, "%02x", digest[i]);
        snprintf(account->from, sizeof(account->from), "%d.%d@x.example", worker->number, message);
        account->to_count = 1 + (size_t)rand_r(&worker->seed) % RECIPIENTS_MAX;
        for (size_t i = 0; i < account->to_count; i++)
                snprintf(account->to[i], sizeof(account->to[i]), "%s%zu@x.example",
                        kinds[(unsigned)rand_r(&worker->seed) % COUNT(kinds)], i);
}

static void set_fault(struct worker *worker)
{
        static const char *const places[] = { "greeting", "ehlo", "auth", "mail", "rcpt", "data", "body",
                "final", "accepted", "rset", "noop", "quit" };
        static const char *const kinds[] = { "close", "reset", "421", "garbage" };
        char line[80];

        snprintf(line, sizeof(line), "set fault %s#%u=%s",
                places[(unsigned)rand_r(&worker->seed) % COUNT(places)],
                1 + (unsigned)rand_r(&worker->seed) % 3,
                kinds[(unsigned)rand_r(&worker->seed) % COUNT(kinds)]);
        sink_control(worker->storm->sink, line);
}

static postel_status send_leased(struct worker *worker, struct account *account, const char *const *to)
{
        postel_connection *lease = NULL;
        postel_status status = postel_pool_acquire(worker->storm->pool, WATCHDOG_MS, &lease, NULL);

        if (status != POSTEL_OK)
                return status;
        status = postel_send(lease, account->from, to, account->to_count, worker->body, account->size,
                WATCHDOG_MS, &account->result, NULL);
        if (rand_r(&worker->seed) % 4 == 0)
                postel_connection_free(&lease);
        postel_pool_release(worker->storm->pool, &lease);
        return status;
}

static void *worker_main(void *argument)
{
        struct worker *worker = argument;
        struct storm *storm = worker->storm;

        for (int message = 0; message < MESSAGES; message++) {
                struct account *account = &storm->accounts[worker->number * MESSAGES + message];
                const char *to[RECIPIENTS_MAX] = { account->to[0], account->to[1], account->to[2] };
                make_message(worker, account, message);
                if (atomic_fetch_add(&storm->sent, 1) % MESSAGES_PER_FAULT == 0)
                        set_fault(worker);
                if (rand_r(&worker->seed) % 8 == 0)
                        account->status = send_leased(worker, account, to);
                else
                        account->status = postel_pool_send(storm->pool, account->from, to, account->to_count,
                                worker->body, account->size, WATCHDOG_MS, &account->result, NULL);
        }
        return NULL;
}

/* How often the server took this message for this recipient; each time it must have been all of it. */
static int times_taken(const struct ledger *ledger, const struct account *account, const char *to)
{
        int times = 0;

        for (size_t i = 0; i < ledger->count; i++) {
                const struct ledger_entry *entry = &ledger->entries[i];
                if (strcmp(entry->from.address, account->from) != 0)
                        continue;
                CHECK_INT(entry->size, account->size);
                CHECK_STR(entry->sha256, account->sha256);
                for (size_t j = 0; j < entry->to_count; j++)
                        times += strcmp(entry->to[j].address, to) == 0;
        }
        return times;
}

static void check_account(const struct ledger *ledger, const struct account *account, long long *outcomes)
{
        harness_row("%s %s", account->from, postel_status_name(account->status));
        CHECK(account->status != POSTEL_TIMEOUT && account->status != POSTEL_INTERRUPTED);
        for (size_t i = 0; i < account->to_count; i++) {
                int times = times_taken(ledger, account, account->to[i]);
                if (!account->result) {
                        CHECK_INT(times, 0);
                        continue;
                }
                postel_outcome outcome = postel_result_recipient_outcome(account->result, i);
                bool counted = postel_result_attempts(account->result) > 0;
                outcomes[outcome] += counted;
                CHECK_STR(postel_result_recipient_address(account->result, i), account->to[i]);
                CHECK(counted || outcome == POSTEL_OUTCOME_NOT_SENT);
                if (outcome == POSTEL_OUTCOME_UNKNOWN)
                        CHECK(times <= 1);
                else
                        CHECK_INT(times, outcome == POSTEL_OUTCOME_ACCEPTED);
        }
}

static void check_storm(struct storm *storm)
{
        struct ledger *ledger = sink_ledger(storm->sink);
        long long outcomes[POSTEL_OUTCOME_UNKNOWN + 1] = { 0 };

        for (size_t i = 0; i < COUNT(storm->accounts); i++)
                check_account(ledger, &storm->accounts[i], outcomes);
        ledger_free(&ledger);
        for (int i = 0; i <= POSTEL_OUTCOME_UNKNOWN; i++) {
                harness_row("%s", postel_outcome_name((postel_outcome)i));
                CHECK_INT(
                        number(storm->pool, (postel_statistic)(POSTEL_STATISTIC_ACCEPTED + i)), outcomes[i]);
        }
        harness_row("%s", "");
        CHECK(NUMBER(storm->pool, PEAK_SESSIONS) <= 4);
        CHECK(NUMBER(storm->pool, SESSIONS_LOST) > 0);
        CHECK(NUMBER(storm->pool, SESSIONS_RETIRED) > 0);
        AWAIT(storm->pool, OPEN, 0);
        check_at_rest(storm->pool);
}

static postel_pool *open_storm_pool(const struct sink *sink)
{
        postel_config *config = config_of(sink_smtps_port(sink), 4);

        postel_config_set_tls(config, POSTEL_TLS_IMPLICIT);
        postel_config_set_server_name(config, "localhost");
        postel_config_set_ca_file(config, sink_ca_file(sink));
        postel_config_set_user(config, SINK_USER);
        postel_config_set_password(config, SINK_PASSWORD);
        postel_config_set_max_messages(config, 7);
        postel_config_set_keepalive_ms(config, 5);
        postel_config_set_idle_limit_ms(config, 15);
        return open_pool(config);
}

static void tells_the_truth_in_a_storm(void)
{
        static const char *const options[] = { "--require-auth", "--refuse-rcpt", "no*=550 5.1.1 no",
                "--refuse-rcpt", "later*=450 4.2.0 later", NULL };
        int threads = count_threads();
        struct storm *storm = calloc(1, sizeof(*storm));
        struct worker *workers = calloc(THREADS, sizeof(*workers));

        REQUIRE(storm && workers);
        storm->sink = sink_start(options);
        storm->pool = open_storm_pool(storm->sink);
        for (int i = 0; i < THREADS; i++) {
                workers[i].storm = storm;
                workers[i].number = i;
                workers[i].seed = 1000 + (unsigned)i;
                REQUIRE(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(workers[i].thread, NULL);
        check_storm(storm);
        close_pool(&storm->pool);
        check_threads(threads);
        for (size_t i = 0; i < COUNT(storm->accounts); i++)
                postel_result_free(&storm->accounts[i].result);
        CHECK(sink_stop(&storm->sink));
        free(workers);
        free(storm);
}

static const struct test tests[] = {
        { "never has more sessions than its size, whoever asks", keeps_its_size },
        { "counts sessions that are being opened against its size", counts_those_being_opened },
        { "opens a session without holding up those who can have another", opens_without_holding_up_others },
        { "reuses the session that was used last", reuses_the_last_used },
        { "has an idle session without waiting, and nothing else", has_idle_without_waiting },
        { "serves those who wait in the order in which they came", serves_in_order },
        { "says what it waited for in vain", says_what_it_waited_for },
        { "wakes the head of the queue, and only that, whatever frees a place", wakes_the_head },
        { "passes the place of a failed dial on", passes_on_failed_dial },
        { "passes on what is granted to somebody whose time is over", passes_on_a_late_grant },
        { "has the keeper look after what a late grant leaves idle", keeps_what_a_late_grant_leaves },
        { "loses no place to deadlines, releases and throw-aways in any order", loses_no_place },
        { "drops at checkout what died while it was idle", drops_dead_at_checkout },
        { "drops at checkout what was closed within TLS", drops_dead_within_tls },
        { "sends once more when an idle session turns out to be lost", sends_again_once },
        { "keeps the first account when there is no second session", gives_up_without_a_second },
        { "never sends again for any other reason", never_sends_again_otherwise },
        { "never sends again when the session was new", never_sends_again_on_a_new_session },
        { "sends a pipe again only while nothing was taken of it", sends_a_pipe_again_while_it_is_full },
        { "never opens a FIFO twice", never_opens_a_fifo_twice },
        { "says RSET after a refusal and never after 250", resets_after_a_refusal_only },
        { "retires sessions by idle time, age and messages, with QUIT", retires_with_quit },
        { "retires at checkout what the keeper has not seen, and takes the next", retires_at_checkout },
        { "opens a new session after so many messages", counts_messages },
        { "keeps idle sessions alive by NOOP", keeps_alive },
        { "ends idle sessions that do not answer NOOP", ends_what_does_not_answer },
        { "takes back only what it has leased", takes_back_its_own_only },
        { "throws away without a word", throws_away_without_a_word },
        { "leaves leases safe when it is closed", leases_outlive_the_pool },
        { "refuses new calls and fails those who wait when it is closing", fails_waiters_at_once },
        { "lets sends finish while it drains", drains },
        { "says QUIT to what its keeper brings back while it drains", quits_what_the_keeper_brings_back },
        { "interrupts what outlasts the drain", interrupts_after_the_drain },
        { "says QUIT to all and waits for none that is mute, and leaves no thread", leaves_nothing_behind },
        { "interrupts its keeper when it is closed", interrupts_its_keeper },
        { "accounts for a send that found no session", accounts_without_a_session },
        { "has numbers that add up", numbers_add_up },
        { "tells the truth in a storm of faults", tells_the_truth_in_a_storm },
};

int main(void)
{
        return harness_run("pool", tests, COUNT(tests));
}
