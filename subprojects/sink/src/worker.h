/* SPDX-License-Identifier: MIT */
#ifndef SINK_WORKER_H
#define SINK_WORKER_H

#include "loop.h"

#include <pthread.h>

/* A thread that accepts connections and serves them to their end. */
struct worker {
        struct loop loop;
        struct watch smtp;
        struct watch smtps;
        pthread_t thread;
        bool running;
};

/* A listener of -1 is not there. Deinit after success and failure alike. */
bool worker_init(struct worker *worker, struct server *server, int smtp, int smtps);
bool worker_start(struct worker *worker);

/* Waits for the thread and frees all of its connections. */
void worker_deinit(struct worker *worker);

#endif
