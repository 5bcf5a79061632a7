/* SPDX-License-Identifier: MIT */
#include "batch_queue.h"

#include "clock.h"

/* Of lines, which is what most of a job's memory is. One that is larger is alone. */
#define MAX_ADMITTED_OCTETS ((size_t)64 * 1024 * 1024)

void batch_queue_init(struct batch_queue *queue, size_t max_admitted)
{
        *queue = (struct batch_queue){ .max_admitted = max_admitted };
        pthread_mutex_init(&queue->lock, NULL);
        pthread_cond_init(&queue->work, NULL);
        pthread_cond_init(&queue->room, NULL);
}

void batch_queue_deinit(struct batch_queue *queue)
{
        pthread_cond_destroy(&queue->room);
        pthread_cond_destroy(&queue->work);
        pthread_mutex_destroy(&queue->lock);
}

static bool has_room_locked(const struct batch_queue *queue, size_t octets)
{
        if (!queue->admitted)
                return true;
        return queue->admitted < queue->max_admitted && octets <= MAX_ADMITTED_OCTETS &&
               queue->octets <= MAX_ADMITTED_OCTETS - octets;
}

bool batch_queue_admit(struct batch_queue *queue, size_t octets)
{
        bool is_wanted;

        pthread_mutex_lock(&queue->lock);
        while (!queue->is_stopped && !has_room_locked(queue, octets))
                pthread_cond_wait(&queue->room, &queue->lock);
        queue->admitted++;
        queue->octets += octets;
        is_wanted = !queue->is_stopped;
        pthread_mutex_unlock(&queue->lock);
        return is_wanted;
}

bool batch_queue_put(struct batch_queue *queue, struct batch_job *job, bool *taken)
{
        bool wants_worker = false;

        pthread_mutex_lock(&queue->lock);
        *taken = !queue->is_stopped;
        if (*taken) {
                job->next = NULL;
                if (queue->first)
                        queue->last->next = job;
                else
                        queue->first = job;
                queue->last = job;
                queue->waiting++;
                wants_worker = queue->idle < queue->waiting;
                pthread_cond_signal(&queue->work);
        }
        pthread_mutex_unlock(&queue->lock);
        return wants_worker;
}

size_t batch_queue_take(struct batch_queue *queue, struct batch_job **jobs, size_t max)
{
        size_t count = 0;

        pthread_mutex_lock(&queue->lock);
        queue->idle++;
        while (!queue->is_stopped && !queue->first && !queue->is_finished)
                pthread_cond_wait(&queue->work, &queue->lock);
        queue->idle--;
        while (!queue->is_stopped && queue->first && count < max) {
                jobs[count++] = queue->first;
                queue->first = queue->first->next;
        }
        queue->waiting -= count;
        pthread_mutex_unlock(&queue->lock);
        return count;
}

void batch_queue_release(struct batch_queue *queue, struct batch_job *job)
{
        bool is_last;

        pthread_mutex_lock(&queue->lock);
        is_last = --job->owners == 0;
        if (is_last) {
                queue->admitted--;
                queue->octets -= job->octets;
                pthread_cond_broadcast(&queue->room);
        }
        pthread_mutex_unlock(&queue->lock);
        if (is_last)
                batch_job_free(job);
}

void batch_queue_join(struct batch_queue *queue)
{
        pthread_mutex_lock(&queue->lock);
        queue->workers++;
        pthread_mutex_unlock(&queue->lock);
}

void batch_queue_leave(struct batch_queue *queue)
{
        pthread_mutex_lock(&queue->lock);
        queue->workers--;
        pthread_cond_broadcast(&queue->room);
        pthread_mutex_unlock(&queue->lock);
}

static void end(struct batch_queue *queue, bool *how)
{
        pthread_mutex_lock(&queue->lock);
        *how = true;
        pthread_cond_broadcast(&queue->work);
        pthread_cond_broadcast(&queue->room);
        pthread_mutex_unlock(&queue->lock);
}

void batch_queue_finish(struct batch_queue *queue)
{
        end(queue, &queue->is_finished);
}

void batch_queue_stop(struct batch_queue *queue)
{
        end(queue, &queue->is_stopped);
}

bool batch_queue_is_stopped(struct batch_queue *queue)
{
        bool is_stopped;

        pthread_mutex_lock(&queue->lock);
        is_stopped = queue->is_stopped;
        pthread_mutex_unlock(&queue->lock);
        return is_stopped;
}

struct batch_job *batch_queue_rest(struct batch_queue *queue)
{
        struct batch_job *rest;

        pthread_mutex_lock(&queue->lock);
        rest = queue->first;
        queue->first = NULL;
        queue->waiting = 0;
        pthread_mutex_unlock(&queue->lock);
        return rest;
}

bool batch_queue_wait(struct batch_queue *queue, int grace_ms)
{
        bool is_over = false;

        pthread_mutex_lock(&queue->lock);
        while (queue->workers && !queue->is_stopped)
                pthread_cond_wait(&queue->room, &queue->lock);

        struct timespec end_of_grace = clock_at(clock_ms() + grace_ms);
        while (queue->workers && !is_over)
                is_over = pthread_cond_clockwait(
                                  &queue->room, &queue->lock, CLOCK_MONOTONIC, &end_of_grace) != 0;
        is_over = queue->workers > 0;
        pthread_mutex_unlock(&queue->lock);
        return !is_over;
}
