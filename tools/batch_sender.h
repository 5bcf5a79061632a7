/* SPDX-License-Identifier: MIT */
#ifndef BATCH_SENDER_H
#define BATCH_SENDER_H

#include "batch_output.h"

#include <postel/pool.h>

/* The threads of a batch that send, as many as the pool has sessions, started as they are needed. */
struct batch_sender {
        postel_pool *pool;
        int timeout_ms; /* of a message */
        size_t max_threads;
        size_t max_set; /* jobs that a thread takes at once */
        struct batch_queue *queue;
        struct batch_output *output;
        pthread_t *threads;
        size_t thread_count;
};

/* The most jobs at once, over all threads or for one. */
#define SENDER_MAX_JOBS 4096
#define SENDER_MAX_SET  64

/* Starts one more thread, unless there are enough. False when there is none at all. */
bool batch_sender_add_thread(struct batch_sender *sender);

/* Joins the threads, which end when the queue says so. */
void batch_sender_join(struct batch_sender *sender);

#endif
