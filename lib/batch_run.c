/* SPDX-License-Identifier: MIT */
/*
 * Sending a batch. Workers, each with one session at a time, take messages from the batch, in order; what a
 * lost session left unsent is given back, and goes alone on another one, so that a message which ends
 * sessions can harm no other.
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
        postel_batch *batch;
        const struct endpoint *endpoint;
        postel_pool *pool; /* gives other sessions; NULL: one connection is all there is */
        postel_pool *counted; /* whose statistics it is for, or NULL */
        struct deadline deadline;

        struct lock lock; /* guards the next four */
        size_t next; /* message that has not been begun */
        struct job *given_back;
        struct job *spare; /* memory for jobs */
        size_t workers;

        struct lock telling; /* one done function at a time; nothing else is locked under it */
};

struct worker {
        struct feed feed;
        struct run *run;
        struct transaction *room;
        pthread_t thread;
};

/* ---- Results ---- */

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
        while (run->next < run->batch->count && run->batch->items[run->next].done)
                run->next++;
        if (run->next < run->batch->count)
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

static struct job *take_given_back(struct run *run)
{
        lock_take(&run->lock);
        struct job *job = run->given_back;
        if (job)
                run->given_back = job->next;
        lock_give(&run->lock);
        return job;
}

static void give_back(struct run *run, struct job *job)
{
        lock_take(&run->lock);
        struct job **end = &run->given_back;
        while (*end)
                end = &(*end)->next;
        job->next = NULL;
        *end = job;
        lock_give(&run->lock);
}

static bool has_work(struct run *run)
{
        lock_take(&run->lock);
        bool has = run->given_back || run->next < run->batch->count;
        lock_give(&run->lock);
        return has;
}

/* ---- The feed of a session ---- */

static struct delivery *worker_next(struct feed *feed, bool alone)
{
        struct run *run = ((struct worker *)feed)->run;
        struct job *job = alone ? take_given_back(run) : NULL;

        if (job)
                outcome_reopen(&job->sending.delivery.log);
        while (!job) {
                size_t index = take_index(run);
                if (index == SIZE_MAX)
                        return NULL;
                job = begin(run, index);
        }
        job->sending.delivery.at_fault = false;
        job->sending.delivery.alone = job->losses > 0;
        job->sending.delivery.attempts++;
        return &job->sending.delivery;
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

static void worker_done(
        struct feed *feed, struct delivery *delivery, postel_status status, const postel_error *error)
{
        struct run *run = ((struct worker *)feed)->run;
        struct job *job = job_of(delivery);
        size_t index = job->index;

        if (may_go_on(run, job, delivery->log.fault)) {
                /* A session that was at its limit has lost nothing. */
                job->losses += delivery->log.fault != POSTEL_CLOSED;
                give_back(run, job);
                return;
        }
        if (run->counted)
                pool_count_send(run->counted, NULL, &delivery->log);
        postel_result *result = result_new(delivery, status);
        give_memory(run, job);
        tell(run, index, status, error, result);
}

/* ---- Workers ---- */

/* Nobody will send what is left. */
static void fail_rest(struct worker *worker, const postel_error *error)
{
        struct run *run = worker->run;
        struct job *job;

        while ((job = take_given_back(run))) {
                postel_error lost = { .status = POSTEL_OK };
                size_t index = job->index;
                postel_status status = outcome_status(&job->sending.delivery.log, &lost);
                postel_result *result = result_new(&job->sending.delivery, status);
                give_memory(run, job);
                tell(run, index, status, &lost, result);
        }
        for (size_t index; (index = take_index(run)) != SIZE_MAX;) {
                job = begin(run, index);
                if (!job)
                        continue;
                postel_result *result = result_new_unsent(&job->sending.envelope, error);
                give_memory(run, job);
                tell(run, index, error->status, error, result);
        }
}

static bool is_last_worker(struct run *run)
{
        lock_take(&run->lock);
        bool last = --run->workers == 0;
        lock_give(&run->lock);
        return last;
}

static void send_on(struct worker *worker, postel_connection *connection)
{
        postel_error error;

        if (!gate_enter(&connection->gate, worker->run->deadline))
                return;
        session_send_all(&connection->session, &worker->feed, worker->room, worker->run->deadline, &error);
        gate_leave(&connection->gate);
}

/* A server that is short of something may have it the next time; one that has said why will say it again. */
static bool may_dial_again(postel_status status, int failures)
{
        bool passes = status == POSTEL_CONNECT || status == POSTEL_IO || status == POSTEL_DEFERRED ||
                      status == POSTEL_PROTOCOL;

        return passes && failures < MAX_DIALS;
}

/* Until there is nothing to do, or no session to be had: then another worker goes on, if there is one. */
static void *work(void *data)
{
        struct worker *worker = data;
        struct run *run = worker->run;
        postel_error error = { .status = POSTEL_OK };

        for (int failures = 0; has_work(run);) {
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
        if (is_last_worker(run) && has_work(run))
                fail_rest(worker, &error);
        free(worker->room);
        worker->room = NULL;
        return NULL;
}

static bool worker_init(struct worker *worker, struct run *run)
{
        *worker = (struct worker){ .feed = { worker_next, worker_done, run->pool != NULL }, .run = run };
        worker->room = calloc(PIPELINE_DEPTH, sizeof(*worker->room));
        return worker->room;
}

/* The thread leaves all signals to the program. */
static bool start(struct worker *worker)
{
        sigset_t all, before;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int failed = pthread_create(&worker->thread, NULL, work, worker);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return !failed;
}

/* ---- Runs ---- */

static void run_init(struct run *run, postel_batch *batch, const struct endpoint *endpoint, postel_pool *pool,
        struct deadline deadline)
{
        *run = (struct run){ .batch = batch, .endpoint = endpoint, .pool = pool, .deadline = deadline };
        lock_init(&run->lock);
        lock_init(&run->telling);
}

static void run_deinit(struct run *run)
{
        while (run->spare) {
                struct job *job = run->spare;
                run->spare = job->next;
                outcome_deinit(&job->sending.delivery.log);
                free(job);
        }
        lock_deinit(&run->telling);
        lock_deinit(&run->lock);
}

static void out_of_memory(struct worker *worker)
{
        postel_error error;

        error_set(&error, POSTEL_MEMORY, POSTEL_PHASE_NONE, "out of memory");
        fail_rest(worker, &error);
}

void batch_run_on(postel_batch *batch, postel_connection *connection, struct deadline deadline)
{
        struct run run;
        struct worker worker;
        postel_error error;

        run_init(&run, batch, connection->endpoint, NULL, deadline);
        run.counted = connection->pool;
        if (!worker_init(&worker, &run)) {
                out_of_memory(&worker);
        } else if (session_send_all(&connection->session, &worker.feed, worker.room, deadline, &error) !=
                   POSTEL_OK) {
                fail_rest(&worker, &error);
        }
        if (run.counted)
                pool_count_round_trips(run.counted, connection);
        free(worker.room);
        run_deinit(&run);
}

static size_t worth_sessions(const postel_batch *batch, const postel_pool *pool)
{
        size_t left = 0;

        for (size_t i = 0; i < batch->count; i++)
                left += !batch->items[i].done;
        size_t worth = (left + MESSAGES_PER_SESSION - 1) / MESSAGES_PER_SESSION;
        size_t most = (size_t)pool->endpoint.config->pool_size;
        return worth < most ? worth : most;
}

/* Fewer than wanted are no fault: the caller's own thread is one. */
static size_t start_others(struct run *run, struct worker *others, size_t wanted)
{
        size_t started = 0;

        for (; others && started < wanted; started++) {
                if (!worker_init(&others[started], run))
                        break;
                lock_take(&run->lock);
                run->workers++;
                lock_give(&run->lock);
                if (start(&others[started]))
                        continue;
                free(others[started].room);
                is_last_worker(run);
                break;
        }
        return started;
}

void batch_run_over(postel_batch *batch, postel_pool *pool, struct deadline deadline)
{
        struct run run;
        struct worker own, *others = NULL;
        size_t wanted = worth_sessions(batch, pool);

        run_init(&run, batch, &pool->endpoint, pool, deadline);
        run.counted = pool;
        run.workers = 1;
        if (worker_init(&own, &run)) {
                others = wanted > 1 ? calloc(wanted - 1, sizeof(*others)) : NULL;
                size_t started = start_others(&run, others, wanted - 1);
                work(&own);
                for (size_t i = 0; i < started; i++)
                        pthread_join(others[i].thread, NULL);
                free(others);
        } else {
                out_of_memory(&own);
        }
        run_deinit(&run);
}
