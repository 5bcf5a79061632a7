/* SPDX-License-Identifier: MIT */
/*
 * Sending a batch. Workers, each with one session at a time, take messages from the batch, in order; what a
 * lost session left unsent is given back, and goes alone on another one, so that a message which ends
 * sessions can harm no other. The call ends when every message has its result; a worker that is still opening
 * a session then ends by itself, and leaves the session to the pool.
 */

#include "batch.h"

#include "base/status.h"
#include "pool.h"
#include "result.h"
#include "smtp/pipeline.h"
#include "smtp/transaction.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* A session is worth opening for so many messages. */
#define MESSAGES_PER_SESSION 8

/* Sessions that could not be opened in a row, before a worker gives up. */
#define MAX_DIALS 3

/* How often a message may be given back after a loss. */
#define MAX_LOSSES 2

/* A message that has been begun. */
struct job {
        struct sending sending;
        size_t index;
        int losses;
        struct job *next;
};

struct run {
        postel_batch *batch; /* not to be touched when nothing is undone: it is the caller's then */
        size_t count;
        const struct endpoint *endpoint;
        postel_pool *pool; /* gives other sessions; NULL: one connection is all there is */
        postel_pool *counted; /* whose statistics it is for, or NULL */
        struct deadline deadline;

        struct lock lock; /* guards all that follows */
        size_t next; /* message that has not been begun */
        size_t undone;
        struct job *given_back, *checked; /* that wait for a session */
        struct job *spare; /* memory for jobs */
        size_t workers; /* that have not given up */
        size_t references;
        struct condition changed; /* nothing is undone, or no worker is left */

        struct lock telling; /* one done function at a time; run->lock is taken under it, no other */
};

struct worker {
        struct feed feed;
        struct run *run;
        struct transaction *room;
        postel_connection *connection; /* that it sends on */
        size_t served; /* messages that the session has done */
};

/* ---- Results ---- */

static void count_done(struct run *run)
{
        lock_take(&run->lock);
        if (--run->undone == 0)
                condition_wake_all(&run->changed);
        lock_give(&run->lock);
}

static void tell(
        struct run *run, size_t index, postel_status status, const postel_error *error, postel_result *result)
{
        struct batch_item *item = &run->batch->items[index];

        item->result = result;
        item->status = status;
        if (status != POSTEL_OK) {
                item->error = malloc(sizeof(*item->error));
                if (item->error)
                        *item->error = *error;
        }
        lock_take(&run->telling);
        item->done = true;
        if (run->batch->function)
                run->batch->function(run->batch->user_data, run->batch, index);
        count_done(run);
        lock_give(&run->telling);
}

/* ---- Jobs ---- */

static struct job *job_of(struct delivery *delivery)
{
        return (struct job *)(void *)((char *)delivery - offsetof(struct job, sending.delivery));
}

/* The next message that is to be begun; SIZE_MAX: there is none. */
static size_t take_index(struct run *run)
{
        size_t index = SIZE_MAX;

        lock_take(&run->lock);
        while (run->next < run->count && run->batch->items[run->next].done)
                run->next++;
        if (run->next < run->count)
                index = run->next++;
        lock_give(&run->lock);
        return index;
}

static struct job *take_memory(struct run *run)
{
        lock_take(&run->lock);
        struct job *job = run->spare;
        if (job)
                run->spare = job->next;
        lock_give(&run->lock);
        if (job)
                return job;
        job = calloc(1, sizeof(*job));
        if (job)
                outcome_init(&job->sending.delivery.log);
        return job;
}

static void give_memory(struct run *run, struct job *job)
{
        outcome_trim(&job->sending.delivery.log);
        lock_take(&run->lock);
        job->next = run->spare;
        run->spare = job;
        lock_give(&run->lock);
}

static postel_status prepare(struct run *run, struct job *job, postel_error *error)
{
        const struct batch_item *item = &run->batch->items[job->index];
        struct outcome_log log = job->sending.delivery.log;

        postel_status status = sending_from_objects(&job->sending, item->envelope, item->message, error);
        job->sending.delivery.log = log;
        if (status == POSTEL_OK)
                status = outcome_begin(&job->sending.delivery.log, job->sending.envelope.to_count, error);
        return status;
}

/* Begins the message, or is done with it: then NULL. */
static struct job *begin(struct run *run, size_t index)
{
        postel_error error;
        struct job *job = take_memory(run);

        if (!job) {
                error_set(&error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
                tell(run, index, POSTEL_MEMORY, &error, NULL);
                return NULL;
        }
        job->index = index;
        job->losses = 0;
        postel_status status = prepare(run, job, &error);
        postel_result *result = NULL;
        if (status == POSTEL_OK) {
                status = sending_check(run->endpoint, &job->sending, &error);
                if (status == POSTEL_OK)
                        return job;
                result = result_new_unsent(&job->sending.envelope, &error);
        }
        give_memory(run, job);
        tell(run, index, status, &error, result);
        return NULL;
}

static struct job *take_from(struct run *run, struct job **list)
{
        lock_take(&run->lock);
        struct job *job = *list;
        if (job)
                *list = job->next;
        lock_give(&run->lock);
        return job;
}

static void add_to(struct run *run, struct job **list, struct job *job)
{
        lock_take(&run->lock);
        while (*list)
                list = &(*list)->next;
        job->next = NULL;
        *list = job;
        lock_give(&run->lock);
}

/* The next message that was never begun, and may be sent; NULL: there is none. */
static struct job *take_fresh(struct run *run)
{
        struct job *job = take_from(run, &run->checked);

        while (!job) {
                size_t index = take_index(run);
                if (index == SIZE_MAX)
                        return NULL;
                job = begin(run, index);
        }
        return job;
}

static struct job *take_job(struct run *run)
{
        struct job *job = take_from(run, &run->given_back);

        return job ? job : take_fresh(run);
}

/* Whether there is something to send: no session is leased for what may not be. */
static bool has_work(struct run *run)
{
        lock_take(&run->lock);
        bool has = run->given_back || run->checked;
        lock_give(&run->lock);
        struct job *job = has ? NULL : take_fresh(run);
        if (job)
                add_to(run, &run->checked, job);
        return has || job;
}

/* ---- The feed of a session ---- */

static struct job *next_job(struct worker *worker, bool alone)
{
        struct run *run = worker->run;

        /* Behind its limits the pool gives a session to nobody: no more does a batch. */
        if (run->pool && pool_is_worn_out(run->pool, worker->connection, clock_ns()))
                return NULL;
        return alone ? take_job(run) : take_fresh(run);
}

static struct delivery *worker_next(struct feed *feed, bool alone)
{
        struct job *job = next_job((struct worker *)feed, alone);

        if (!job)
                return NULL;
        struct delivery *delivery = &job->sending.delivery;
        outcome_reopen(&delivery->log);
        delivery->at_fault = false;
        delivery->alone = job->losses > 0;
        delivery->attempts++;
        return delivery;
}

/* Whether another session may make it good. What ended the session may be tried again when that was a loss,
 * and not an answer. */
static bool may_go_on(const struct run *run, const struct job *job, postel_status status)
{
        const struct delivery *delivery = &job->sending.delivery;
        bool lost = status == POSTEL_IO || status == POSTEL_TLS || status == POSTEL_DEFERRED ||
                    status == POSTEL_CLOSED || delivery->by_data;

        if (!run->pool || delivery->unsendable || !outcome_is_unsent(&delivery->log) ||
                !delivery_is_whole(delivery))
                return false;
        if (status == POSTEL_INTERRUPTED || deadline_passed(run->deadline))
                return false;
        return job->losses < MAX_LOSSES && (lost || !delivery->at_fault);
}

/* A session that came to its end, or to a server's 421 once it had done something, has lost nothing. */
static bool is_loss(const struct worker *worker, postel_status status)
{
        return status != POSTEL_CLOSED && !(status == POSTEL_DEFERRED && worker->served);
}

static void conclude(struct run *run, struct job *job, postel_status status, const postel_error *error)
{
        const struct delivery *delivery = &job->sending.delivery;
        size_t index = job->index;

        if (run->counted)
                pool_count_send(run->counted, NULL, &delivery->log);
        postel_result *result = result_new(delivery, status);
        give_memory(run, job);
        tell(run, index, status, error, result);
}

static void worker_done(
        struct feed *feed, struct delivery *delivery, postel_status status, const postel_error *error)
{
        struct worker *worker = (struct worker *)feed;
        struct run *run = worker->run;
        struct job *job = job_of(delivery);

        if (may_go_on(run, job, delivery->log.fault)) {
                job->losses += is_loss(worker, delivery->log.fault);
                pool_count_retry(run->pool);
                add_to(run, &run->given_back, job);
                return;
        }
        worker->served++;
        conclude(run, job, status, error);
}

/* ---- Workers ---- */

/* Nobody will send what is left. */
static void fail_rest(struct run *run, const postel_error *error)
{
        for (struct job *job; (job = take_job(run));) {
                postel_error lost = { .status = POSTEL_OK };
                outcome_lost(&job->sending.delivery.log, error);
                postel_status status = outcome_status(&job->sending.delivery.log, &lost);
                conclude(run, job, status, &lost);
        }
}

static void send_on(struct worker *worker, postel_connection *connection)
{
        struct run *run = worker->run;
        postel_error error;

        worker->connection = connection;
        worker->served = 0;
        if (!gate_enter(&connection->gate, run->deadline))
                return;
        session_send_all(&connection->session, &worker->feed, worker->room, run->deadline, &error);
        gate_leave(&connection->gate);
}

/* A server that is short of something may have it the next time; one that has said why will say it again. */
static bool may_dial_again(postel_status status, int failures)
{
        bool passes = status == POSTEL_CONNECT || status == POSTEL_IO || status == POSTEL_DEFERRED ||
                      status == POSTEL_PROTOCOL;

        return passes && failures < MAX_DIALS;
}

/* The last one to give up says so to those who wait for it. */
static void give_up(struct run *run, const postel_error *error)
{
        lock_take(&run->lock);
        bool last = run->workers == 1;
        run->workers -= !last;
        lock_give(&run->lock);
        if (!last)
                return;
        fail_rest(run, error);
        lock_take(&run->lock);
        run->workers--;
        condition_wake_all(&run->changed);
        lock_give(&run->lock);
}

/* Until there is nothing to do, or no session to be had: then another worker goes on, if there is one. */
static void work(struct worker *worker)
{
        struct run *run = worker->run;
        postel_error error = { .status = POSTEL_OK };
        int failures = 0;

        while (has_work(run)) {
                postel_connection *connection;
                bool reused;
                postel_status status = pool_lease(run->pool, run->deadline, &connection, &reused, &error);
                if (status != POSTEL_OK && !may_dial_again(status, ++failures))
                        break;
                if (status != POSTEL_OK)
                        continue;
                failures = 0;
                send_on(worker, connection);
                pool_count_round_trips(run->pool, connection);
                pool_give_back(run->pool, connection);
        }
        give_up(run, &error);
}

static bool worker_init(struct worker *worker, struct run *run)
{
        *worker = (struct worker){ .feed = { worker_next, worker_done, run->pool != NULL }, .run = run };
        worker->room = calloc(PIPELINE_DEPTH, sizeof(*worker->room));
        return worker->room;
}

/* ---- Runs ---- */

static struct run *run_new(
        postel_batch *batch, const struct endpoint *endpoint, postel_pool *pool, struct deadline deadline)
{
        struct run *run = calloc(1, sizeof(*run));

        if (!run)
                return NULL;
        run->batch = batch;
        run->count = batch->count;
        run->endpoint = endpoint;
        run->pool = run->counted = pool;
        run->deadline = deadline;
        for (size_t i = 0; i < batch->count; i++)
                run->undone += !batch->items[i].done;
        run->references = 1;
        lock_init(&run->lock);
        lock_init(&run->telling);
        condition_init(&run->changed);
        return run;
}

static void run_release(struct run *run)
{
        lock_take(&run->lock);
        size_t left = --run->references;
        lock_give(&run->lock);
        if (left)
                return;
        for (struct job *job; (job = run->spare);) {
                run->spare = job->next;
                outcome_deinit(&job->sending.delivery.log);
                free(job);
        }
        condition_deinit(&run->changed);
        lock_deinit(&run->telling);
        lock_deinit(&run->lock);
        free(run);
}

/* Without memory for a run nothing can be told but this. */
static void fail_all(postel_batch *batch, postel_status status)
{
        for (size_t i = 0; i < batch->count; i++)
                if (!batch->items[i].done)
                        batch->items[i].status = status;
}

void batch_fail(postel_batch *batch, const struct endpoint *endpoint, const postel_error *error)
{
        struct run *run = run_new(batch, endpoint, NULL, deadline_never());

        if (!run) {
                fail_all(batch, POSTEL_MEMORY);
                return;
        }
        fail_rest(run, error);
        run_release(run);
}

static void out_of_memory(postel_batch *batch, const struct endpoint *endpoint)
{
        postel_error error;

        error_set(&error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        batch_fail(batch, endpoint, &error);
}

void batch_run_on(postel_batch *batch, postel_connection *connection, struct deadline deadline)
{
        struct run *run = run_new(batch, connection->endpoint, NULL, deadline);
        struct worker worker;
        postel_error error;

        if (!run || !worker_init(&worker, run)) {
                if (run)
                        run_release(run);
                out_of_memory(batch, connection->endpoint);
                return;
        }
        run->counted = connection->pool;
        if (has_work(run) && session_send_all(&connection->session, &worker.feed, worker.room, deadline,
                                     &error) != POSTEL_OK)
                fail_rest(run, &error);
        if (run->counted)
                pool_count_round_trips(run->counted, connection);
        free(worker.room);
        run_release(run);
}

/* ---- Over a pool ---- */

static void *work_in_thread(void *data)
{
        struct worker *worker = data;
        struct run *run = worker->run;
        postel_pool *pool = run->pool;

        work(worker);
        free(worker->room);
        free(worker);
        run_release(run);
        pool_leave(pool);
        return NULL;
}

/* The thread leaves all signals to the program, and ends by itself: it may have a session to open yet when
 * the batch is done. Closing the pool waits for it. */
static bool start_thread(struct worker *worker)
{
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t all, before;

        if (pthread_attr_init(&attributes) != 0)
                return false;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int failed = pthread_create(&thread, &attributes, work_in_thread, worker);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return !failed;
}

static void change_workers(struct run *run, int by)
{
        lock_take(&run->lock);
        run->workers += (size_t)by;
        run->references += (size_t)by;
        lock_give(&run->lock);
}

static bool start_worker(struct run *run)
{
        struct worker *worker = malloc(sizeof(*worker));

        if (!worker || !worker_init(worker, run)) {
                free(worker);
                return false;
        }
        change_workers(run, 1);
        pool_enter(run->pool);
        if (start_thread(worker))
                return true;
        pool_leave(run->pool);
        change_workers(run, -1);
        free(worker->room);
        free(worker);
        return false;
}

static size_t worth_sessions(const struct run *run)
{
        size_t worth = (run->undone + MESSAGES_PER_SESSION - 1) / MESSAGES_PER_SESSION;
        size_t most = (size_t)run->pool->endpoint.config->pool_size;

        return worth < most ? worth : most;
}

static void await_the_others(struct run *run)
{
        lock_take(&run->lock);
        while (run->undone && run->workers)
                condition_wait(&run->changed, &run->lock, deadline_never());
        lock_give(&run->lock);
}

void batch_run_over(postel_batch *batch, postel_pool *pool, struct deadline deadline)
{
        struct run *run = run_new(batch, &pool->endpoint, pool, deadline);
        size_t started = 0, wanted = run ? worth_sessions(run) : 0;
        struct worker own;

        while (wanted > 1 && started < wanted && start_worker(run))
                started++;
        if (started) {
                await_the_others(run);
        } else if (run && worker_init(&own, run)) {
                run->workers = 1;
                work(&own);
                free(own.room);
        } else {
                out_of_memory(batch, &pool->endpoint);
        }
        if (run)
                run_release(run);
}
