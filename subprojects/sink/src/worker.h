/* SPDX-License-Identifier: MIT */
#ifndef SINK_WORKER_H
#define SINK_WORKER_H

#include "listener.h"
#include "loop.h"

#include <pthread.h>

struct worker;

/* A worker's share of a listener. */
struct entrance {
        struct worker *worker;
        const struct endpoint *endpoint;
        struct watch watch;
};

/* A thread that accepts connections and serves them to their end. */
struct worker {
        struct loop loop;
        struct entrance entrances[ENDPOINT_COUNT];
        pthread_t thread;
        bool running;
};

/* There is a listener for each endpoint; one of -1 is not there. Deinit after success and failure alike. */
bool worker_init(struct worker *worker, struct server *server, const int *listeners);
bool worker_start(struct worker *worker);

/* Waits for the thread and frees all of its connections. */
void worker_deinit(struct worker *worker);

#endif
