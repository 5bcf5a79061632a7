/* SPDX-License-Identifier: MIT */
/* Reports are written as they are: without stdio, whose buffer could hold one back. */

#include "batch_output.h"

#include "clock.h"
#include "exit_status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool write_all(const char *text)
{
        size_t left = strlen(text);

        while (left) {
                ssize_t written = write(STDOUT_FILENO, text, left);

                if (written >= 0) {
                        text += written;
                        left -= (size_t)written;
                } else if (errno == EAGAIN) {
                        struct pollfd ready = { .fd = STDOUT_FILENO, .events = POLLOUT };

                        poll(&ready, 1, -1);
                } else if (errno != EINTR) {
                        return false;
                }
        }
        return true;
}

/* Even a report that did not fit into memory leaves a line, if of few words. */
static bool write_report(const struct batch_output *output, const struct batch_job *job)
{
        char spare[160];

        if (job->report)
                return write_all(job->report);
        snprintf(spare, sizeof(spare),
                output->is_json ? "{\"id\":null,\"line\":%llu,\"status\":\"%s\",\"text\":\"out of memory\"}\n"
                                : "line %llu: %s: the report did not fit into memory\n",
                job->line, postel_status_name(job->status));
        return write_all(spare);
}

static bool is_lost(struct batch_output *output)
{
        bool lost;

        pthread_mutex_lock(&output->lock);
        lost = output->is_lost;
        pthread_mutex_unlock(&output->lock);
        return lost;
}

static void lose(struct batch_output *output)
{
        pthread_mutex_lock(&output->lock);
        output->is_lost = true;
        pthread_mutex_unlock(&output->lock);
        output->lost(output->user_data);
}

static void finish_job(struct batch_output *output, struct batch_job *job)
{
        if (!is_lost(output)) {
                if (output->shares_terminal)
                        progress_clear(&output->progress);
                if (!write_report(output, job))
                        lose(output);
        }
        progress_count(&output->progress, job->status, job->octets);

        pthread_mutex_lock(&output->lock);
        output->writing = job->next;
        pthread_mutex_unlock(&output->lock);
        batch_queue_release(output->queue, job);
}

/* Waits for reports to write. False: there will be none. */
static bool take_reports(struct batch_output *output)
{
        struct timespec next_draw = clock_at(clock_ms() + PROGRESS_INTERVAL_MS);
        bool is_more;

        pthread_mutex_lock(&output->lock);
        while (!output->first && !output->is_closing) {
                if (!output->progress.is_on)
                        pthread_cond_wait(&output->changed, &output->lock);
                else if (pthread_cond_clockwait(
                                 &output->changed, &output->lock, CLOCK_MONOTONIC, &next_draw) == ETIMEDOUT)
                        break;
        }
        is_more = output->first || !output->is_closing;
        output->writing = output->first;
        output->first = NULL;
        pthread_mutex_unlock(&output->lock);
        return is_more;
}

static void *write_reports(void *argument)
{
        struct batch_output *output = argument;

        while (take_reports(output)) {
                /* Only this thread changes `writing`, so that it may look without the lock. */
                while (output->writing) {
                        finish_job(output, output->writing);
                        progress_draw(&output->progress);
                }
                progress_draw(&output->progress);
        }
        progress_clear(&output->progress);
        return NULL;
}

bool batch_output_start(struct batch_output *output, size_t slot_count)
{
        output->slot_count = slot_count;
        if (slot_count) {
                output->slots = calloc(slot_count, sizeof(struct batch_job *));
                if (!output->slots)
                        return false;
        }
        pthread_mutex_init(&output->lock, NULL);
        pthread_cond_init(&output->changed, NULL);
        if (pthread_create(&output->thread, NULL, write_reports, output) == 0)
                return true;
        free(output->slots);
        return false;
}

static bool is_temporary(postel_status status)
{
        return exit_status(status) == EX_TEMPFAIL;
}

static void judge_locked(struct batch_output *output, const struct batch_job *job)
{
        postel_status status = job->status;

        output->has_accepted |= status == POSTEL_OK || status == POSTEL_PARTIAL;
        output->has_unknown |= status == POSTEL_UNKNOWN;
        output->has_temporary |= is_temporary(status);
        if (status != POSTEL_OK && (!output->first_failure_exit || job->number < output->first_failure)) {
                output->first_failure = job->number;
                output->first_failure_exit = exit_status(status);
        }
}

static void append_locked(struct batch_output *output, struct batch_job *job)
{
        job->next = NULL;
        if (output->first)
                output->last->next = job;
        else
                output->first = job;
        output->last = job;
        pthread_cond_signal(&output->changed);
}

/* No two jobs that are admitted at the same time share a slot. */
static void put_in_order_locked(struct batch_output *output, struct batch_job *job)
{
        output->slots[job->number % output->slot_count] = job;
        for (;;) {
                struct batch_job **next = &output->slots[output->next_number % output->slot_count];

                if (!*next)
                        return;
                append_locked(output, *next);
                *next = NULL;
                output->next_number++;
        }
}

void batch_output_add(struct batch_output *output, struct batch_job *job, struct account *account)
{
        account->id = job->id;
        account->line = job->line;
        account->recipients = job->mail.recipients;
        account->recipient_count = job->mail.recipient_count;
        job->status = account->status;
        job->report = report_text(account, output->is_json);

        pthread_mutex_lock(&output->lock);
        judge_locked(output, job);
        if (output->slot_count)
                put_in_order_locked(output, job);
        else
                append_locked(output, job);
        pthread_mutex_unlock(&output->lock);
}

void batch_output_finish(struct batch_output *output)
{
        pthread_mutex_lock(&output->lock);
        output->is_closing = true;
        pthread_cond_signal(&output->changed);
        pthread_mutex_unlock(&output->lock);
        pthread_join(output->thread, NULL);
        pthread_cond_destroy(&output->changed);
        pthread_mutex_destroy(&output->lock);
        free(output->slots);
}

void batch_output_last_words(struct batch_output *output)
{
        int flags = fcntl(STDOUT_FILENO, F_GETFL);
        bool goes = flags >= 0;

        /* A report that is being written may be cut off, and nothing must come behind it. */
        if (pthread_mutex_trylock(&output->lock) != 0)
                return;
        if (output->writing || output->is_lost || !goes ||
                fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) != 0)
                return;
        for (const struct batch_job *job = output->first; job && goes; job = job->next)
                goes = job->report && write(STDOUT_FILENO, job->report, strlen(job->report)) > 0;
        for (size_t i = 0; i < output->slot_count && goes; i++) {
                const struct batch_job *job = output->slots[i];

                if (job && job->report)
                        goes = write(STDOUT_FILENO, job->report, strlen(job->report)) > 0;
        }
        fcntl(STDOUT_FILENO, F_SETFL, flags);
}

int batch_output_exit(const struct batch_output *output)
{
        if (output->is_lost)
                return EX_IOERR;
        if (!output->first_failure_exit)
                return EX_OK;
        if (output->has_accepted)
                return EXIT_SOME_ACCEPTED;
        if (output->has_unknown)
                return EXIT_UNKNOWN_OUTCOME;
        return output->has_temporary ? EX_TEMPFAIL : output->first_failure_exit;
}
