/* SPDX-License-Identifier: MIT */
#ifndef BATCH_QUEUE_H
#define BATCH_QUEUE_H

#include "batch_job.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What is between the reader of lines and the threads that send. It bounds the memory of a batch: a job
 * counts from its admission until it is released, which is when it was sent and its report was written.
 */
struct batch_queue {
        pthread_mutex_t lock; /* guards all that follows */
        pthread_cond_t work; /* there is something to take, or there never will be */
        pthread_cond_t room; /* a job was released, a worker left, or it was stopped */
        struct batch_job *first, *last; /* wait to be sent */
        size_t waiting;
        size_t admitted; /* and not released */
        size_t octets; /* of these */
        size_t max_admitted;
        size_t workers; /* threads that send */
        size_t idle; /* of these, wait for work */
        bool is_finished; /* nothing will be put any more */
        bool is_stopped; /* and what waits is not to be sent */
};

void batch_queue_init(struct batch_queue *queue, size_t max_admitted);
void batch_queue_deinit(struct batch_queue *queue);

/* Waits until there is room for a job of that size. False when stopped; then it is admitted all the same. */
bool batch_queue_admit(struct batch_queue *queue, size_t octets);

/* Adds an admitted job. Returns whether another worker would be of use. False in *taken: stopped. */
bool batch_queue_put(struct batch_queue *queue, struct batch_job *job, bool *taken);

/* Takes up to `max` jobs, waits for one but for no more. 0: there is nothing left to do. */
size_t batch_queue_take(struct batch_queue *queue, struct batch_job **jobs, size_t max);

/* A job has two owners, who sends it and who reports it. The second to release it frees it and its room. */
void batch_queue_release(struct batch_queue *queue, struct batch_job *job);

/* Workers are counted from before they start. */
void batch_queue_join(struct batch_queue *queue);
void batch_queue_leave(struct batch_queue *queue);

void batch_queue_finish(struct batch_queue *queue);
void batch_queue_stop(struct batch_queue *queue);
bool batch_queue_is_stopped(struct batch_queue *queue);

/* What was never taken, in order, linked by `next`; the queue is empty then. */
struct batch_job *batch_queue_rest(struct batch_queue *queue);

/* Waits until all workers have left. Once stopped, for `grace_ms` more at most: false when some are left. */
bool batch_queue_wait(struct batch_queue *queue, int grace_ms);

#endif
