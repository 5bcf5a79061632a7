/* SPDX-License-Identifier: MIT */
#include "batch_sender.h"

#include "clock.h"
#include "text.h"

#include <postel/batch.h>
#include <stdlib.h>

#define MAX_TIMEOUT_MS 86400000 /* the library's limit */

/* Jobs that one thread sends together. */
struct set {
        struct batch_sender *sender;
        struct batch_job *jobs[SENDER_MAX_SET];
        bool is_reported[SENDER_MAX_SET];
        size_t count;
};

static void report(struct set *set, size_t i, postel_status status, const postel_result *result,
        const postel_error *error)
{
        struct batch_job *job = set->jobs[i];
        struct account account = {
                .status = status,
                .result = result,
                .error = error,
                .ms = (int)(clock_ms() - job->started_ms),
        };
        postel_error interrupted;

        /* The pool is closed for no other reason; that is what a message hears that has no session yet. */
        if (status == POSTEL_CLOSED && batch_queue_is_stopped(set->sender->queue)) {
                account.status =
                        text_error(&interrupted, POSTEL_INTERRUPTED, "interrupted before it was sent");
                account.error = &interrupted;
                account.result = NULL;
        }
        set->is_reported[i] = true;
        batch_output_add(set->sender->output, job, &account);
}

static void send_one(struct set *set, size_t i)
{
        const struct mail *mail = &set->jobs[i]->mail;
        postel_error error = { .status = POSTEL_OK };
        postel_result *result = NULL;
        postel_status status = postel_pool_send_with_params(
                set->sender->pool, mail->envelope, mail->message, set->sender->timeout_ms, &result, &error);

        report(set, i, status, result, &error);
        postel_result_free(&result);
}

static void report_done(void *user_data, postel_batch *batch, size_t message)
{
        report(user_data, message, postel_batch_status(batch, message), postel_batch_result(batch, message),
                postel_batch_error(batch, message));
}

/* Each message has its time, and those that wait for another are given that of the other, too. */
static int set_timeout_ms(const struct set *set)
{
        long long timeout_ms = (long long)set->sender->timeout_ms * (long long)set->count;

        return timeout_ms < MAX_TIMEOUT_MS ? (int)timeout_ms : MAX_TIMEOUT_MS;
}

static bool send_together(struct set *set)
{
        postel_batch *batch = postel_batch_new();
        postel_error error = { .status = POSTEL_OK };

        if (!batch)
                return false;
        for (size_t i = 0; i < set->count; i++)
                postel_batch_add(batch, set->jobs[i]->mail.envelope, set->jobs[i]->mail.message);
        postel_batch_set_done(batch, report_done, set);

        postel_status status = postel_pool_send_batch(set->sender->pool, batch, set_timeout_ms(set), &error);
        for (size_t i = 0; i < set->count; i++) {
                if (set->is_reported[i])
                        continue;
                if (postel_batch_status(batch, i) == POSTEL_CLOSED && status != POSTEL_OK &&
                        !postel_batch_result(batch, i))
                        report(set, i, status, NULL, &error);
                else
                        report_done(set, batch, i);
        }
        postel_batch_free(&batch);
        return true;
}

static void send_set(struct set *set)
{
        int64_t now = clock_ms();

        for (size_t i = 0; i < set->count; i++) {
                set->jobs[i]->started_ms = now;
                set->is_reported[i] = false;
        }
        if (set->count == 1 || !send_together(set)) {
                for (size_t i = 0; i < set->count; i++)
                        send_one(set, i);
        }
        /* Until now the envelopes and messages were in use. */
        for (size_t i = 0; i < set->count; i++)
                batch_queue_release(set->sender->queue, set->jobs[i]);
}

static void *send_sets(void *argument)
{
        struct set set = { .sender = argument };

        while ((set.count = batch_queue_take(set.sender->queue, set.jobs, set.sender->max_set)) > 0)
                send_set(&set);
        batch_queue_leave(set.sender->queue);
        return NULL;
}

bool batch_sender_add_thread(struct batch_sender *sender)
{
        pthread_t *threads;

        if (sender->thread_count == sender->max_threads)
                return true;
        threads = reallocarray(sender->threads, sender->thread_count + 1, sizeof(*threads));
        if (!threads)
                return sender->thread_count > 0;
        sender->threads = threads;
        batch_queue_join(sender->queue);
        if (pthread_create(&threads[sender->thread_count], NULL, send_sets, sender) == 0)
                sender->thread_count++;
        else
                batch_queue_leave(sender->queue);
        return sender->thread_count > 0;
}

void batch_sender_join(struct batch_sender *sender)
{
        for (size_t i = 0; i < sender->thread_count; i++)
                pthread_join(sender->threads[i], NULL);
        free(sender->threads);
}
